"""What must hold once all is well again: our ledger and the venue's account, one to one, to the last decimal."""

import math
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from apps.exchanges.connectors.registry import EXCHANGES
from apps.exchanges.connectors.spec import Capability
from apps.exchanges.models import AccountBalance, Connection
from apps.orders.models import Fill, Order, OrderEvent
from apps.positions.funding import funding_fold
from apps.positions.ledger import position_fold
from apps.positions.models import Discrepancy, FundingEntry, Position, PositionStatus
from cts.domain.orders import LIVE_STATUSES
from cts.domain.types import OrderPurpose, OrderStatus
from tests.chaos.world import MAX_PER_SIDE, MAX_POSITIONS
from tests.flows.stage import STATUS, legs_differ

ZERO = Decimal(0)
NOT_KEPT = "~"
# What of an order of ours may be absent there: it never went out, or was turned away at the door.
NEVER_THERE = frozenset({OrderStatus.DENIED, OrderStatus.EXPIRED, OrderStatus.REJECTED, OrderStatus.CANCELED})


def differences(connection_id: int, state: dict[str, Any]) -> list[str]:
    """Where the two sides differ by now; a run is over when nothing does any more."""
    _named(connection_id, state["orders"])
    return [
        *_orders_differ(connection_id, state["orders"]),
        *_fills_differ(connection_id, state),
        *legs_differ(connection_id, state["positions"]),
        *_unsettled(connection_id),
        *_uncovered(connection_id, state["orders"]),
        *_funding_differs(connection_id, state),
    ]


def violations(connection_id: int, state: dict[str, Any], *, balance: str) -> list[str]:
    """What must never have happened on the way, and what the books say at the end."""
    return [
        *differences(connection_id, state),
        *_named_twice(state["orders"]),
        *_strangers(connection_id),
        *_limits_broken(connection_id),
        *_epochs_mixed(connection_id),
        *_folds_differ(connection_id),
        *_money_differs(connection_id, state, start=Decimal(balance)),
        *_discrepancies(connection_id),
    ]


def _named(connection_id: int, theirs: list[dict[str, Any]]) -> None:
    """A venue that keeps no client id of conditional orders knows them by its own alone."""
    bound = Order.objects.filter(connection=connection_id).exclude(venue_order_id="")
    names = dict(bound.values_list("venue_order_id", "client_order_id"))
    for order in theirs:
        if not order["client_id"] or order["client_id"].startswith(NOT_KEPT):
            order["client_id"] = names.get(order["name"], f"{NOT_KEPT}{order['name']}")


# --- one to one -------------------------------------------------------------------------------------------------------
def _orders_differ(connection_id: int, theirs: list[dict[str, Any]]) -> list[str]:
    ours = {row.client_order_id: row for row in Order.objects.filter(connection=connection_id)}
    told = {row["client_id"]: row for row in theirs if row["client_id"]}
    found = []
    for name in sorted(ours.keys() | told.keys()):
        mine, other = ours.get(name), told.get(name)
        if mine is None:
            found.append(f"order {name}: the venue has it ({told[name]['status']}), we don't")
        elif other is None:
            if OrderStatus(mine.status) not in NEVER_THERE or mine.filled_quantity:
                found.append(f"order {name}: ours is {mine.status}, the venue has none")
        elif mine.reason_code == "never_arrived":
            found.append(f"order {name}: said to have never arrived, the venue has it ({other['status']})")
        elif (_ended_alike(mine.status), mine.filled_quantity) != _venue_view(other):
            found.append(f"order {name}: ours {mine.status} {mine.filled_quantity}, venue {_venue_view(other)}")
    return found


def _venue_view(order: dict[str, Any]) -> tuple[str, Decimal]:
    status = STATUS.get(order["status"], order["status"])
    return _ended_alike(status), Decimal(order["filled_quantity"])


def _ended_alike(status: str) -> str:
    """What one venue calls canceled another calls expired, or rejected; how much was filled is what counts."""
    return "canceled" if status in ("expired", "rejected") else status


def _fills_differ(connection_id: int, state: dict[str, Any]) -> list[str]:
    names = {order["id"]: order["client_id"] for order in state["orders"]}
    told: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO] * 4)
    for fill in state["fills"]:
        _add(told[names[fill["order_id"]]], fill["quantity"], fill["price"], fill["fee"])
    ours: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO] * 4)
    for row in Fill.objects.filter(connection=connection_id).select_related("order"):
        _add(ours[row.order.client_order_id], row.quantity, row.price, row.fee)
    return [
        f"fills of {name}: ours {ours.get(name)}, venue {told.get(name)}"
        for name in sorted(ours.keys() | told.keys())
        if ours.get(name) != told.get(name)
    ]


def _add(sums: list[Decimal], quantity: Any, price: Any, fee: Any) -> None:
    quantity = Decimal(quantity)
    for place, value in enumerate((Decimal(1), quantity, quantity * Decimal(price), Decimal(fee))):
        sums[place] += value


def _unsettled(connection_id: int) -> list[str]:
    waiting = (OrderStatus.NEW, OrderStatus.SUBMITTING, OrderStatus.UNKNOWN)
    orders = Order.objects.filter(connection=connection_id, status__in=waiting)
    closing = Position.objects.filter(connection=connection_id).exclude(
        status__in=(PositionStatus.OPEN, PositionStatus.CLOSED)
    )
    live = Order.objects.filter(connection=connection_id, status__in=LIVE_STATUSES).values_list("position_key", "pk")
    keys = {key for key, _ in live}
    return [f"order {row.client_order_id} is {row.status}: {row.reason}" for row in orders] + [
        f"position {row.key} is {row.status} with nothing under way" for row in closing if row.key not in keys
    ]


def _uncovered(connection_id: int, theirs: list[dict[str, Any]]) -> list[str]:
    """Every open position under its stop, unless the venue has none; and no stop without a position."""
    resting = {row["client_id"]: Decimal(row["quantity"]) for row in theirs if row["status"] == "untriggered"}
    found, covering = [], set()
    for row in Position.objects.filter(connection=connection_id, quantity__gt=0).select_related("stop_order"):
        if row.stop_price is None or not _has_stops(row.connection):
            continue
        name = row.stop_order.client_order_id if row.stop_order else ""
        covering.add(name)
        if resting.get(name) != row.quantity or row.uncovered_since is not None:
            found.append(f"position {row.key} holds {row.quantity} under {resting.get(name)} (stop {name})")
    stops = Order.objects.filter(connection=connection_id, purpose=OrderPurpose.STOP)
    names = set(stops.values_list("client_order_id", flat=True))
    return found + [f"stop {name} protects nothing" for name in sorted(resting.keys() & names - covering)]


def _has_stops(connection: Connection) -> bool:
    return EXCHANGES[connection.exchange].can(Capability.CONDITIONAL)


# --- what must never have happened ------------------------------------------------------------------------------------
def _named_twice(theirs: list[dict[str, Any]]) -> list[str]:
    named = Counter(row["client_id"] for row in theirs if row["client_id"])
    return [f"order {name} was placed {count} times" for name, count in named.items() if count > 1]


def _strangers(connection_id: int) -> list[str]:
    """Nobody else trades in these runs: an order we take for somebody else's is one of ours that we forgot."""
    rows = Order.objects.filter(connection=connection_id, purpose=OrderPurpose.EXTERNAL)
    return [f"order {row.client_order_id} ({row.side} {row.quantity}) was adopted as a stranger's" for row in rows]


def _limits_broken(connection_id: int) -> list[str]:
    """As our ledger knew of them: positions that were open at the same moment, by the order of entries in it, for clocks
    are set forth and back."""
    found = []
    lives = [_life(row) for row in Position.objects.filter(connection=connection_id, opened_at__isnull=False)]
    for row, opened, _ in lives:
        beside = [other for other, start, end in lives if start <= opened < end]
        alike = [other for other in beside if (other.symbol, other.side) == (row.symbol, row.side)]
        if len(beside) > MAX_POSITIONS or len(alike) > MAX_PER_SIDE:
            found.append(f"{len(beside)} positions at {row.opened_at}, {len(alike)} of them {row.side} {row.symbol}")
    return found


def _life(row: Position) -> tuple[Position, float, float]:
    """It was there from its first entry on, until the last that took from it."""
    end = row.events.filter(kind="fill").latest("sequence").pk if row.quantity == 0 else math.inf
    return row, row.events.earliest("sequence").pk, end


def _epochs_mixed(connection_id: int) -> list[str]:
    """An order of an earlier run after one of a later: a zombie has traded."""
    rows = Order.objects.filter(connection=connection_id, engine_epoch__isnull=False).order_by("pk")
    epochs = [epoch or 0 for epoch in rows.values_list("engine_epoch", flat=True)]
    return [] if epochs == sorted(epochs) else [f"orders of engine epochs {epochs}, in this order"]


def _folds_differ(connection_id: int) -> list[str]:
    """Rows are copies of what their events add up to."""
    found = []
    for position in Position.objects.filter(connection=connection_id):
        state = position_fold(position)
        if (state.net, state.realized_pnl, state.fees) != (position.quantity, position.realized_pnl, position.fees):
            found.append(f"position {position.key}: events say {state.net}, the row {position.quantity}")
    for order in Order.objects.filter(connection=connection_id):
        events = list(OrderEvent.objects.filter(order=order).order_by("sequence"))
        said = [event.after for event in events if event.after]
        if [event.sequence for event in events] != list(range(1, len(events) + 1)) or said[-1:] != [order.status]:
            found.append(f"order {order.client_order_id} is {order.status}, its events say {said}")
    return found


def _money_differs(connection_id: int, state: dict[str, Any], *, start: Decimal) -> list[str]:
    """The balance we stored is the venue's; what we say was earned explains how it came there."""
    held = Decimal(state["balance"])
    rows = Position.objects.filter(connection=connection_id)
    earned = sum((row.realized_pnl - row.fees for row in rows), ZERO) + _funding(state)
    found = [] if start + earned == held else [f"balance {held}, but {start} and {earned} earned make {start + earned}"]
    stored = AccountBalance.objects.get(connection=connection_id, asset="USDT").total
    return found if stored == held else [*found, f"balance stored as {stored}, at the venue {held}"]


def _funding(state: dict[str, Any]) -> Decimal:
    return sum((Decimal(row["amount"]) for row in state["ledger"] if row["kind"] == "funding"), ZERO)


def _funding_differs(connection_id: int, state: dict[str, Any]) -> list[str]:
    """What the venue moved is in our books, and what of it positions got is what their events say."""
    connection = Connection.objects.get(pk=connection_id)
    entries = FundingEntry.objects.filter(connection=connection)
    ours, given = (sum(entries.values_list(name, flat=True), ZERO) for name in ("amount", "given"))
    found = []
    if EXCHANGES[connection.exchange].can(Capability.FUNDING_PAYMENTS) and ours != _funding(state):
        found.append(f"funding booked {ours}, at the venue {_funding(state)}")
    rows = Position.objects.filter(connection=connection)
    found += [f"funding of {row.key} is {row.funding}" for row in rows if row.funding != funding_fold(row)]
    held = sum((row.funding for row in rows), ZERO)
    return found if held == given else [*found, f"funding given {given}, positions have {held}"]


def _discrepancies(connection_id: int) -> list[str]:
    rows = Discrepancy.objects.filter(connection=connection_id).exclude(cause="missing_fills")
    return [f"{row.cause}: {row.symbol} {row.side} ours {row.ours}, venue {row.venue}" for row in rows]
