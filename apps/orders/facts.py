"""How things stand when an order is about to be made: what the risk checks are given. Reads only."""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import redis
from django.db.models import Q

from apps.exchanges.models import AccountBalance, Connection
from apps.exchanges.selectors import tickers_for
from apps.exchanges.state import ConnectionStateManager
from apps.orders.holdings import Holdings, book
from apps.orders.models import EquityPeak, Order, RiskLimits
from apps.orders.selectors import locks_active
from cts.domain.orders import LIVE_STATUSES
from cts.domain.risk import Facts, Lock
from cts.domain.types import Instrument, OrderPurpose, OrderStatus, Origin, PositionMode, PositionSide, Tick
from cts.domain.units import decimal_from_float

ZERO = Decimal(0)


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """Entries on their way: they count as if they were filled."""

    positions: int = 0
    per_side: int = 0
    notional: Decimal = ZERO
    opposite: Decimal = ZERO
    margin: Decimal = ZERO


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """The newest price of every symbol of the venue, and how old that of the order's symbol is."""

    by_symbol: dict[str, Decimal]
    last: Decimal | None
    age_s: float | None


def prices_for(connection: Connection, *, symbol: str, tick: Tick | None, now: datetime) -> Prices:
    """From the tick at hand where there is one, else from the feed's tickers."""
    try:
        tickers = tickers_for(*connection.venue)
    except redis.RedisError:
        # Entries are then denied for want of a price; getting out goes on.
        tickers = {}
    by_symbol = {name: ticker.last for name, ticker in tickers.items()}
    at_ms = tickers[symbol].at_ms if symbol in tickers else 0
    if tick is not None and tick.at_ms >= at_ms:
        by_symbol[symbol], at_ms = decimal_from_float(tick.price), tick.at_ms
    age_s = max(0.0, now.timestamp() - at_ms / 1000) if at_ms else None
    return Prices(by_symbol=by_symbol, last=by_symbol.get(symbol), age_s=age_s)


def balance_for(connection: Connection, *, asset: str) -> AccountBalance | None:
    return AccountBalance.objects.filter(connection=connection, asset=asset).first()


def risk_facts(
    connection: Connection,
    *,
    instrument: Instrument,
    side: PositionSide,
    origin: Origin,
    limits: RiskLimits,
    prices: Prices,
    now: datetime,
) -> Facts:
    """Everything the checks look at. Inside `order_create` the connection's row is held, so nothing moves meanwhile."""
    symbol, window_s = instrument.symbol, limits.stop_guard_window_s
    held = book().holdings(
        connection, symbol=symbol, side=side, prices=prices.by_symbol, stop_window_s=window_s, now=now
    )
    balance = balance_for(connection, asset=instrument.settle or instrument.quote)
    pending = _pending(connection, symbol=symbol, side=side, held=held, since=balance.at if balance else None)
    return Facts(
        equity=balance.equity if balance else None,
        available=balance.available - pending.margin if balance else None,
        peak_equity=_peak(connection, balance) if balance else None,
        open_positions=len(held.keys) + pending.positions,
        positions_per_side=held.per_side + pending.per_side,
        total_notional=held.notional + pending.notional,
        day_pnl=held.day_pnl,
        losing_streak=held.losing_streak,
        stops_in_window=held.stops_in_window,
        orders_last_minute=_orders_since(connection, since=now - timedelta(minutes=1)),
        last_price=prices.last,
        price_age_s=prices.age_s,
        locks=tuple(Lock(row.reason_code, row.reason) for row in locks_active(connection, now=now, symbol=symbol)),
        is_halted=ConnectionStateManager().is_halted(),
        is_armed=is_armed(connection, origin=origin),
        unknown_orders=_unknown(connection, symbol=symbol),
        opposite_quantity=held.opposite_quantity + pending.opposite,
        is_one_way=connection.position_mode == PositionMode.ONE_WAY,
        is_trading=instrument.is_trading,
    )


def is_armed(connection: Connection, *, origin: str) -> bool:
    """Whether orders of that origin may add exposure; those by hand need no arming, only a connection in use."""
    armed = {Origin.MAIN: connection.is_live_armed, Origin.PRESET: connection.is_preset_armed}
    return connection.is_enabled and armed.get(Origin(origin), True)


def _pending(
    connection: Connection, *, symbol: str, side: PositionSide, held: Holdings, since: datetime | None
) -> Pending:
    """Entries not filled yet, and the margin of those made since the balance was told."""
    wanted = Q(status__in=LIVE_STATUSES)
    if since is not None:
        wanted |= Q(created_at__gt=since, filled_quantity__gt=0)
    rows = Order.objects.filter(wanted, connection=connection, is_reduce_only=False).exclude(
        purpose=OrderPurpose.EXTERNAL
    )
    live = [row for row in rows if row.status in LIVE_STATUSES]
    unopened = [row for row in live if row.position_key not in held.keys]
    other = [row for row in live if row.symbol == symbol and row.position_side != side]
    return Pending(
        positions=len({row.position_key for row in unopened}),
        per_side=len({row.position_key for row in unopened if row.symbol == symbol and row.position_side == side}),
        notional=sum((_remaining(row) * _price(row) for row in live), ZERO),
        opposite=sum((_remaining(row) for row in other), ZERO),
        margin=sum((_reserved(row, since) for row in rows), ZERO) / connection.leverage,
    )


def _reserved(row: Order, since: datetime | None) -> Decimal:
    """Value whose margin the told balance can't know of yet."""
    is_newer = since is None or row.created_at > since
    quantity = row.quantity if is_newer and row.status in LIVE_STATUSES else _remaining(row)
    if is_newer and row.status not in LIVE_STATUSES:
        quantity = row.filled_quantity
    return quantity * _price(row)


def _remaining(row: Order) -> Decimal:
    left: Decimal = row.quantity - row.filled_quantity
    return max(left, ZERO)


def _price(row: Order) -> Decimal:
    return row.price or row.reference_price or ZERO


def _orders_since(connection: Connection, *, since: datetime) -> int:
    sent = Order.objects.filter(connection=connection, created_at__gt=since)
    return sent.exclude(status=OrderStatus.DENIED).exclude(purpose=OrderPurpose.EXTERNAL).count()


def _unknown(connection: Connection, *, symbol: str) -> int:
    return Order.objects.filter(connection=connection, symbol=symbol, status=OrderStatus.UNKNOWN).count()


def _peak(connection: Connection, balance: AccountBalance) -> Decimal:
    row = EquityPeak.objects.filter(connection=connection, asset=balance.asset).first()
    now: Decimal = balance.equity
    return max(row.equity, now) if row else now
