"""How things stand when an order is about to be made: what the risk checks are given. Reads only."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import msgspec
import redis
from django.db.models import Q, QuerySet

from apps.exchanges.hub import hub
from apps.exchanges.models import Connection
from apps.exchanges.selectors import tickers_of
from apps.exchanges.state import ConnectionStateManager
from apps.orders.history import History
from apps.orders.holdings import Held, Holdings, holdings_of
from apps.orders.models import Order
from cts.domain.orders import LIVE_STATUSES
from cts.domain.risk import Facts
from cts.domain.types import Instrument, OrderPurpose, OrderStatus, Origin, PositionMode, PositionSide, Tick, Ticker
from cts.domain.units import decimal_from_float

ZERO = Decimal(0)
# A tick heard longer ago may be the last of a feed that ended; what Redis has is then asked for too.
HEARD_S = 3.0
_NEVER = (0, Decimal(0))


class Sent(NamedTuple):
    """Of an order, what the checks of the next one look at."""

    pk: int
    client_order_id: str
    status: str
    purpose: str
    symbol: str
    position_side: str
    position_key: str
    is_reduce_only: bool
    quantity: Decimal
    filled_quantity: Decimal
    price: Decimal | None
    reference_price: Decimal | None
    created_at: datetime

    @property
    def is_live(self) -> bool:
        return self.status in LIVE_STATUSES

    @property
    def remaining(self) -> Decimal:
        return max(self.quantity - self.filled_quantity, ZERO)

    @property
    def worth(self) -> Decimal:
        """Of one unit."""
        return self.price or self.reference_price or ZERO


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """Entries on their way: they count as if they were filled."""

    positions: int = 0
    per_side: int = 0
    notional: Decimal = ZERO
    opposite: Decimal = ZERO
    margin: Decimal = ZERO


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """The newest prices of the symbols asked for, and how old that of the order's symbol is."""

    by_symbol: dict[str, Decimal]
    last: Decimal | None
    age_s: float | None


def prices_for(
    connection: Connection, *, symbol: str, tick: Tick | None, now: datetime, others: Iterable[str] = ()
) -> Prices:
    """From the tick at hand or what this process has heard; where that is old, from the feed's tickers if those are newer."""
    heard = {name: found for name in {symbol, *others} if (found := hub().last(connection.venue, name)) is not None}
    if tick is not None and (symbol not in heard or tick.at_ms >= heard[symbol].at_ms):
        heard[symbol] = tick
    prices = {name: (found.at_ms, decimal_from_float(found.price)) for name, found in heard.items()}
    late_ms = int((now.timestamp() - HEARD_S) * 1000)
    for name, ticker in _tickers(connection, [n for n in {symbol, *others} if prices.get(n, _NEVER)[0] < late_ms]):
        prices[name] = max(prices.get(name, _NEVER), (ticker.at_ms, ticker.last))
    at_ms = prices.get(symbol, _NEVER)[0]
    age_s = max(0.0, now.timestamp() - at_ms / 1000) if at_ms else None
    by_symbol = {name: price for name, (_, price) in prices.items()}
    return Prices(by_symbol=by_symbol, last=by_symbol.get(symbol), age_s=age_s)


def _tickers(connection: Connection, symbols: list[str]) -> Iterable[tuple[str, Ticker]]:
    try:
        return tickers_of(connection.venue, symbols).items()
    except redis.RedisError:
        # Entries are then denied for want of a price; getting out goes on.
        return []


def orders_lately(connection: Connection, *, since: datetime, balance_at: datetime | None, order_id: str) -> list[Sent]:
    """One look for all that is asked of earlier orders: live ones, those since then, those the balance can't know of.

    And the one of that id, where there is one already.
    """
    wanted = Q(status__in=LIVE_STATUSES) | Q(created_at__gt=since) | Q(client_order_id=order_id)
    if balance_at is not None and balance_at < since:
        wanted |= Q(created_at__gt=balance_at, filled_quantity__gt=0)
    return _sent(Order.objects.filter(wanted, connection=connection))


def orders_named(connection: Connection, *, order_id: str) -> list[Sent]:
    return _sent(Order.objects.filter(connection=connection, client_order_id=order_id))


def _sent(rows: QuerySet[Order]) -> list[Sent]:
    return [Sent._make(row) for row in rows.order_by().values_list(*Sent._fields)]


def risk_facts(
    connection: Connection,
    *,
    instrument: Instrument,
    side: PositionSide,
    origin: Origin,
    history: History,
    live: list[Held],
    sent: list[Sent],
    prices: Prices,
    now: datetime,
) -> Facts:
    """Everything the checks look at. Inside `order_create` the connection's row is held, so nothing moves meanwhile."""
    symbol = instrument.symbol
    held = holdings_of(live, symbol=symbol, side=side, prices=prices.by_symbol)
    balance = history.balances.get(instrument.settle or instrument.quote)
    pending = _pending(connection, sent, symbol=symbol, side=side, held=held, since=balance.at if balance else None)
    return Facts(
        equity=balance.equity if balance else None,
        available=balance.available - pending.margin if balance else None,
        peak_equity=history.peak(balance) if balance else None,
        open_positions=len(held.keys) + pending.positions,
        positions_per_side=held.per_side + pending.per_side,
        total_notional=held.notional + pending.notional,
        day_pnl=history.day_pnl(now=now) + held.open_pnl,
        losing_streak=history.losing_streak(now=now),
        stops_in_window=history.stops_in_window(symbol=symbol, now=now),
        orders_last_minute=_orders_since(sent, since=now - timedelta(minutes=1)),
        last_price=prices.last,
        price_age_s=prices.age_s,
        locks=history.locks_active(now=now, symbol=symbol),
        is_halted=ConnectionStateManager().is_halted(),
        is_stopped=connection.entries_stopped_at is not None,
        is_armed=is_armed(connection, origin=origin),
        unknown_orders=sum(row.symbol == symbol and row.status == OrderStatus.UNKNOWN for row in sent),
        opposite_quantity=held.opposite_quantity + pending.opposite,
        is_one_way=connection.position_mode == PositionMode.ONE_WAY,
        is_trading=instrument.is_trading,
    )


def is_armed(connection: Connection, *, origin: str) -> bool:
    """Whether orders of that origin may add exposure; those by hand need no arming, only a connection in use."""
    armed = {Origin.MAIN: connection.is_live_armed, Origin.PRESET: connection.is_preset_armed}
    return connection.is_enabled and armed.get(Origin(origin), True)


def _pending(
    connection: Connection,
    sent: list[Sent],
    *,
    symbol: str,
    side: PositionSide,
    held: Holdings,
    since: datetime | None,
) -> Pending:
    """Entries not filled yet, and the margin of those made since the balance was told."""
    rows = [row for row in sent if not row.is_reduce_only and row.purpose != OrderPurpose.EXTERNAL]
    live = [row for row in rows if row.is_live]
    unopened = [row for row in live if row.position_key not in held.keys]
    other = [row for row in live if row.symbol == symbol and row.position_side != side]
    return Pending(
        positions=len({row.position_key for row in unopened}),
        per_side=len({row.position_key for row in unopened if row.symbol == symbol and row.position_side == side}),
        notional=sum((row.remaining * row.worth for row in live), ZERO),
        opposite=sum((row.remaining for row in other), ZERO),
        margin=sum((_reserved(row, since) for row in rows), ZERO) / connection.leverage,
    )


def _reserved(row: Sent, since: datetime | None) -> Decimal:
    """Value whose margin the told balance can't know of yet."""
    is_newer = since is None or row.created_at > since
    if row.is_live:
        return (row.quantity if is_newer else row.remaining) * row.worth
    return row.filled_quantity * row.worth if is_newer else ZERO


def _orders_since(sent: list[Sent], *, since: datetime) -> int:
    return sum(
        row.created_at > since and row.status != OrderStatus.DENIED and row.purpose != OrderPurpose.EXTERNAL
        for row in sent
    )
