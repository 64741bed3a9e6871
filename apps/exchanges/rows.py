"""The one shape of connections, balances and prices: what the API serves is what the websocket pushes."""

from decimal import Decimal
from typing import Any

from apps.exchanges.models import AccountBalance, Connection, ConnectionTest, Feed, Instrument
from cts.db import iso
from cts.domain.types import Ticker
from cts.domain.units import decimal_text


def connection_row(connection: Connection) -> dict[str, Any]:
    plain = (
        "id version name exchange environment market margin_mode position_mode leverage is_enabled is_active"
        " is_live_armed is_preset_armed symbol_mode symbols forced_symbols top_count key_hint is_test_passed last_error"
    )
    return {
        **{name: getattr(connection, name) for name in plain.split()},
        "volume_factor_live": decimal_text(Decimal(connection.volume_factor_live)),
        "volume_factor_preset": decimal_text(Decimal(connection.volume_factor_preset)),
        "last_test_at": iso(connection.last_test_at),
        "last_seen_at": iso(connection.last_seen_at),
        "last_error_at": iso(connection.last_error_at),
        "entries_stopped_at": iso(connection.entries_stopped_at),
    }


def connection_test_row(test: ConnectionTest) -> dict[str, Any]:
    return {
        "id": test.pk,
        "connection": test.connection_id,
        "is_ok": test.is_ok,
        "lines": test.lines,
        "created_at": iso(test.created_at),
    }


def balance_row(balance: AccountBalance) -> dict[str, Any]:
    return {
        "id": balance.pk,
        "version": balance.version,
        "connection": balance.connection_id,
        "asset": balance.asset,
        "total": decimal_text(balance.total),
        "available": decimal_text(balance.available),
        "equity": decimal_text(balance.equity),
        "unrealized_pnl": decimal_text(balance.unrealized_pnl),
        "at": iso(balance.at),
    }


def ticker_row(ticker: Ticker) -> dict[str, Any]:
    return {
        "symbol": ticker.symbol,
        "last": decimal_text(ticker.last),
        "bid": _text(ticker.bid),
        "ask": _text(ticker.ask),
        "mark": _text(ticker.mark),
        "change_24h_ratio": _text(ticker.change_24h_ratio),
        "volume_24h": _text(ticker.volume_24h),
        "turnover_24h": _text(ticker.turnover_24h),
        "funding_rate": _text(ticker.funding_rate),
        "at_ms": ticker.at_ms,
    }


def instrument_row(instrument: Instrument) -> dict[str, Any]:
    exact = "tick_size lot_step min_quantity max_quantity max_market_quantity min_notional contract_size"
    exact += " maker_fee_rate taker_fee_rate"
    plain = "id version exchange environment market symbol venue_symbol base quote settle max_leverage is_trading"
    return {
        **{name: getattr(instrument, name) for name in plain.split()},
        **{name: _text(getattr(instrument, name)) for name in exact.split()},
        "synced_at": iso(instrument.synced_at),
    }


def feed_row(feed: Feed) -> dict[str, Any]:
    plain = "id version exchange environment market symbols is_connected clock_offset_ms reconnects last_error"
    return {**{name: getattr(feed, name) for name in plain.split()}, "last_tick_at": iso(feed.last_tick_at)}


def _text(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)
