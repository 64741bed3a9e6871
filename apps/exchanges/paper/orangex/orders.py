"""OrangeX's methods that ask: orders and trades. By its own id an order is told late, as it was a moment ago."""

import time
from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, ClassVar

from apps.exchanges.paper.face import Call
from apps.exchanges.paper.orangex.market import integer, symbol_of
from apps.exchanges.paper.orangex.rows import LISTS, Row, fill_row, order_number, order_row
from apps.exchanges.paper.orangex.trade import find
from cts.domain.matching.events import Event, OrderUpdated
from cts.domain.matching.state import Fill, Order

if TYPE_CHECKING:
    from apps.exchanges.paper.orangex.face import OrangeXFace


class Late:
    """What orders were like `lag_s` ago. The venue takes 2 to 5 seconds; here it is a little, so that tests go on."""

    lag_s: ClassVar[float] = 0.2

    def __init__(self) -> None:
        self._told: defaultdict[int, deque[tuple[float, Row]]] = defaultdict(deque)

    def note(self, events: Iterable[Event]) -> None:
        now = time.monotonic()
        for event in events:
            if isinstance(event, OrderUpdated):
                self._told[event.order.id].append((now, order_row(event.order)))

    def row(self, order: Order) -> Row | None:
        """None while the venue's index doesn't know the order yet."""
        told, until = self._told.get(order.id), time.monotonic() - self.lag_s
        if told is None:
            return order_row(order)  # from before a restart
        while len(told) > 1 and told[1][0] <= until:
            told.popleft()
        if told[0][0] > until:
            return None
        row = told[0][1]
        if not order.status.is_open and len(told) == 1:
            del self._told[order.id]
        return row


def state(face: "OrangeXFace", call: Call) -> Row | None:
    return face.late.row(find(call))


def _meant(call: Call) -> Collection[str]:
    return LISTS.get(call.params.get("currency", ""), ())


def _open(call: Call, symbols: Collection[str]) -> list[Row]:
    kind = call.params.get("type", "")
    rows = [order_row(o) for o in call.account.open_orders.values() if o.request.symbol in symbols]
    return [row for row in reversed(rows) if kind in ("", row["order_type"])]


def open_by_instrument(face: "OrangeXFace", call: Call) -> list[Row]:
    return _open(call, [symbol_of(call)])


def open_by_currency(face: "OrangeXFace", call: Call) -> list[Row]:
    return _open(call, _meant(call))


def _history(call: Call, symbols: Collection[str]) -> list[Row]:
    """Ended ones, newest first."""
    count, offset = integer(call, "count", 20, low=1, high=100), integer(call, "offset", 0)
    ended = [o for o in call.account.closed_orders.values() if o.request.symbol in symbols]
    ended.sort(key=lambda order: -order.id)
    return [order_row(order) for order in ended[offset : offset + count]]


def history_by_instrument(face: "OrangeXFace", call: Call) -> list[Row]:
    return _history(call, [symbol_of(call)])


def history_by_currency(face: "OrangeXFace", call: Call) -> list[Row]:
    return _history(call, _meant(call))


def _trades(call: Call, fills: Iterable[Fill]) -> Row:
    """Newest first, unless asked the other way; the bounds of ids and times are within."""
    start_id, end_id = integer(call, "start_id", 0), integer(call, "end_id", 10**17, high=10**17)
    start_ms, end_ms = integer(call, "start_timestamp", 0), integer(call, "end_timestamp", 10**15)
    found = [fill for fill in fills if start_id <= fill.id <= end_id and start_ms <= fill.at_ms <= end_ms]
    found.sort(key=lambda fill: fill.id, reverse=call.params.get("sorting", "desc") != "asc")
    count = integer(call, "count", 20, low=1, high=100)
    rows = [fill_row(fill, order=call.account.order(fill.order_id)) for fill in found[:count]]
    return {"count": len(rows), "trades": rows, "has_more": len(found) > count}


def trades_by_order(face: "OrangeXFace", call: Call) -> Row:
    wanted = order_number(call.params.get("order_id", ""))
    return _trades(call, (fill for fill in call.account.fills if fill.order_id == wanted))


def trades_by_instrument(face: "OrangeXFace", call: Call) -> Row:
    symbol = symbol_of(call)
    return _trades(call, (fill for fill in call.account.fills if fill.symbol == symbol))


def trades_by_currency(face: "OrangeXFace", call: Call) -> Row:
    symbols = _meant(call)
    return _trades(call, (fill for fill in call.account.fills if fill.symbol in symbols))
