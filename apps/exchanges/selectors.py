"""Reads of connections, instruments and prices. `connection_get_for` is the one door to a connection."""

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeVar

import msgspec
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, QuerySet
from redis.exceptions import RedisError

from apps.accounts.access import NotFound
from apps.accounts.models import User
from apps.exchanges.connectors.registry import connector_kind
from apps.exchanges.connectors.spec import ExchangeSpec
from apps.exchanges.factory import public_connector
from apps.exchanges.models import AccountBalance, Connection, ConnectionTest, Feed, Instrument
from cts import bus
from cts.domain import types
from cts.domain.errors import DomainError

T = TypeVar("T", bound=Model)
Venue = tuple[str, str, str]

# Rules change a few times a year; a process that didn't change them itself may be so late to see it.
INSTRUMENT_KEPT_S = 10.0
_instruments: dict[tuple[str, str, str, str], tuple[types.Instrument, float]] = {}

_decode_ticker = msgspec.json.Decoder(types.Ticker).decode
_candles = msgspec.json.Decoder(list[types.Candle])


def spec_for(exchange: str, market: str) -> ExchangeSpec:
    """What the venue's market is.

    Raises:
        DomainError: `unknown_exchange`, `unknown_market`.
    """
    return connector_kind(exchange, market).spec


def connection_get_for(user: User, pk: int | str) -> Connection:
    """The user's own connection.

    Raises:
        NotFound: absent and not yours alike.
    """
    return found(connections_for(user), pk)


def connections_for(user: User) -> QuerySet[Connection]:
    return Connection.objects.filter(owner_id=user.pk).select_related("owner")


def connections_watched() -> QuerySet[Connection]:
    """Those of everybody whose markets we listen to."""
    return Connection.objects.filter(is_enabled=True, is_active=True)


def connection_tests_for(user: User, pk: int | str) -> QuerySet[ConnectionTest]:
    return connection_get_for(user, pk).tests.all()


def balances_for(connection: Connection) -> QuerySet[AccountBalance]:
    return connection.balances.all()


def found(rows: QuerySet[T], pk: int | str) -> T:
    """One of `rows`, or the 404 that says neither "absent" nor "not yours"."""
    try:
        return rows.get(pk=pk)
    except (ObjectDoesNotExist, ValueError, OverflowError):
        raise NotFound("There is no such thing, or it is not yours") from None


def instruments_list(
    *, exchange: str = "", environment: str = "", market: str = "", symbol: str = ""
) -> QuerySet[Instrument]:
    given = {"exchange": exchange, "environment": environment, "market": market, "symbol": symbol}
    return Instrument.objects.filter(**{name: value for name, value in given.items() if value})


def instrument_for(where: Connection | Venue, symbol: str) -> types.Instrument:
    """The trading rules of `symbol` as the domain takes them.

    Raises:
        DomainError: `unknown_symbol`.
    """
    exchange, environment, market = where.venue if isinstance(where, Connection) else where
    key = (exchange, environment, market, symbol)
    if (kept := _instruments.get(key)) is not None and time.monotonic() - kept[1] < INSTRUMENT_KEPT_S:
        return kept[0]
    row = instruments_list(exchange=exchange, environment=environment, market=market, symbol=symbol).first()
    if row is None:
        raise DomainError("unknown_symbol", f"{exchange} {environment} does not list {symbol}", field="symbol")
    value = instrument_value(row)
    _instruments[key] = (value, time.monotonic())
    return value


def instruments_forget() -> None:
    """This process has changed some: the next look reads them anew."""
    _instruments.clear()


def instrument_value(row: Instrument) -> types.Instrument:
    return types.Instrument(
        symbol=row.symbol,
        venue_symbol=row.venue_symbol,
        market=types.Market(row.market),
        base=row.base,
        quote=row.quote,
        settle=row.settle,
        tick_size=row.tick_size,
        lot_step=row.lot_step,
        min_quantity=row.min_quantity,
        max_quantity=row.max_quantity,
        max_market_quantity=row.max_market_quantity,
        min_notional=row.min_notional,
        contract_size=row.contract_size,
        max_leverage=row.max_leverage,
        maker_fee_rate=row.maker_fee_rate,
        taker_fee_rate=row.taker_fee_rate,
        is_trading=row.is_trading,
    )


def tickers_for(exchange: str, environment: str, market: str) -> dict[str, types.Ticker]:
    """The newest tickers our feed has heard, by symbol; empty where no feed runs."""
    stored: dict[bytes, bytes] = bus.client().hgetall(bus.tickers_key(exchange, environment, market))  # type: ignore[assignment]
    return {symbol.decode(): _decode_ticker(text) for symbol, text in sorted(stored.items())}


def tickers_of(venue: Venue, symbols: Iterable[str]) -> dict[str, types.Ticker]:
    """As `tickers_for`, of these symbols only."""
    names = sorted(set(symbols))
    if not names:
        return {}
    stored: list[bytes | None] = bus.client().hmget(bus.tickers_key(*venue), names)  # type: ignore[assignment]
    told = zip(names, stored, strict=True)
    return {symbol: _decode_ticker(text) for symbol, text in told if text is not None}


def candles_for(connection: Connection, symbol: str, timeframe_s: int, limit: int = 500) -> list[types.Candle]:
    """The newest `limit` bars, ascending, as the venue tells them now.

    Raises:
        DomainError: `unknown_symbol`, `unknown_timeframe`.
    """
    spec = spec_for(connection.exchange, connection.market)
    if timeframe_s not in spec.timeframes:
        offered = ", ".join(map(str, sorted(spec.timeframes)))
        raise DomainError("unknown_timeframe", f"{spec.label} has bars of {offered} seconds", field="timeframe_s")
    instrument_for(connection, symbol)
    limit = max(1, min(limit, spec.candles_max))
    # Many pages may show one chart; the venue is asked once for all of them.
    key = bus.state_key("candles", *connection.venue, symbol, timeframe_s, limit)
    try:
        kept, is_cache_up = bus.client().get(key), True
    except RedisError:
        kept, is_cache_up = None, False  # a chart needs the venue only
    if kept is not None:
        return _candles.decode(kept)
    candles = public_connector(*connection.venue).candles(symbol, timeframe_s=timeframe_s, limit=limit)
    if is_cache_up:
        with suppress(RedisError):
            bus.client().set(key, msgspec.json.encode(candles), px=2000)
    return candles


def feeds_list(venues: Iterable[Venue] | None = None) -> list[Feed]:
    rows = Feed.objects.order_by("exchange", "environment", "market")
    wanted = None if venues is None else set(venues)
    return [row for row in rows if wanted is None or (row.exchange, row.environment, row.market) in wanted]
