"""What OKX's private channels say about an account."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.face import Member
from apps.exchanges.paper.okx.holdings import balance_row, position_row
from apps.exchanges.paper.okx.listing import NAMES, kind_of
from apps.exchanges.paper.okx.rows import Row, algo_row, has_become, order_row
from cts.domain.matching.events import Event, LegChanged, MoneyMoved, OrderUpdated
from cts.domain.matching.state import BookStatus
from cts.domain.types import PositionMode, PositionSide

if TYPE_CHECKING:
    from apps.exchanges.paper.okx.face import OkxFace

# A channel and how it was asked for: everything of a kind, or one instrument.
ADVANCED = "move_order_stop"


def topic(channel: str, *, kind: str = "", name: str = "") -> str:
    return f"{channel}|{kind}|{name}"


def private_messages(face: "OkxFace", member: Member, events: list[Event]) -> list[tuple[str, object]]:
    """Executions have no channel: an order's update tells the newest. Positions and balance come at the end."""
    wanted = set().union(*member.listeners.values()) if member.listeners else set()
    rows: list[tuple[str, str, Row]] = []
    symbols: dict[str, None] = {}
    has_money = False
    for event in events:
        if isinstance(event, OrderUpdated):
            rows += _order_rows(face, member, event)
        elif isinstance(event, LegChanged):
            symbols[event.leg.symbol] = None
        elif isinstance(event, MoneyMoved):
            has_money = True
    for symbol in symbols:
        rows += [("positions", symbol, row) for row in position_rows_told(face, member, symbol)]
    if has_money:
        rows.append(("account", "", balance_row(member.account, venue=face.venue, now_ms=face.now_ms())))
    return [message for channel, symbol, row in rows for message in _addressed(member, wanted, channel, symbol, row)]


def position_rows_told(face: "OkxFace", member: Member, symbol: str) -> list[Row]:
    """Both legs in hedge mode, held or not; one row in net mode."""
    account = member.account
    if account.position_mode is PositionMode.HEDGE:
        legs = [account.leg(symbol, side) for side in PositionSide]
    else:
        held = next((side for side in PositionSide if account.held(symbol, side)), PositionSide.LONG)
        legs = [account.leg(symbol, held)]
    return [position_row(account, leg, venue=face.venue) for leg in legs]


def _order_rows(face: "OkxFace", member: Member, event: OrderUpdated) -> list[tuple[str, str, Row]]:
    order, account = event.order, member.account
    symbol = order.request.symbol
    rows: list[tuple[str, str, Row]] = []
    if order.is_conditional and (not has_become(order) or event.is_trigger):
        plan = face.plan(order)
        channel = "algo-advance" if plan.kind == ADVANCED else "orders-algo"
        rows.append((channel, symbol, algo_row(account, order, plan=plan)))
    if order.is_conditional and not has_become(order):
        return rows
    row = order_row(account, order, fill=event.fill)
    fill = event.fill
    told = {
        "amendResult": "0" if event.is_amend else "",
        "code": "0",
        "execType": ("M" if fill.is_maker else "T") if fill else "",
        "fillFee": row["fee"] if fill is None else format(-fill.fee, "f"),
        "fillFeeCcy": row["feeCcy"] if fill else "",
        "fillPnl": row["pnl"],
        "lastPx": format(face.market.quotes[symbol].last, "f"),
        "msg": "",
        "reqId": "",
    }
    if event.is_trigger and order.status is BookStatus.NEW:
        return [*rows, ("orders", symbol, row | told | {"state": "live"})]
    return [*rows, ("orders", symbol, row | told)]


def _addressed(member: Member, wanted: set[str], channel: str, symbol: str, row: Row) -> list[tuple[str, object]]:
    """Once for each way the channel was asked for: the answer repeats the question."""
    uid = str(member.account.number)
    messages: list[tuple[str, object]] = []
    kinds = ("",) if channel == "account" else (kind_of(symbol), "ANY")
    names = ("",) if channel == "account" else ("", NAMES[symbol])
    for kind in kinds:
        for name in names:
            key = topic(channel, kind=kind, name=name)
            if key in wanted or "*" in wanted:
                arg = {"channel": channel, "instType": kind, "instId": name, "uid": uid}
                messages.append((key, {"arg": {n: v for n, v in arg.items() if v}, "data": [row]}))
    return messages
