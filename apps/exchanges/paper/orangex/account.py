"""OrangeX's methods for the account: assets, legs, leverage, margin modes. The position mode has none."""

from typing import TYPE_CHECKING

import orjson

from apps.exchanges.paper.face import Call
from apps.exchanges.paper.orangex.errors import BAD_PARAMS, BAD_REQUEST, OrangeXError
from apps.exchanges.paper.orangex.holdings import assets_row, position_row, position_rows, spot_assets_row
from apps.exchanges.paper.orangex.market import integer, perpetual
from apps.exchanges.paper.orangex.rows import Row
from cts.domain.matching import liquidation
from cts.domain.matching.events import Event, Refusal, Refused
from cts.domain.matching.state import Leg
from cts.domain.types import MarginMode, PositionSide

if TYPE_CHECKING:
    from apps.exchanges.paper.orangex.face import OrangeXFace

MARGIN_MODES = {"cross": MarginMode.CROSS, "isolate": MarginMode.ISOLATED}


def assets(face: "OrangeXFace", call: Call) -> Row:
    """The kinds are asked for as a list; a bare word is a bad request."""
    try:
        wanted = orjson.loads(call.params.get("asset_type", ""))
    except orjson.JSONDecodeError:
        raise OrangeXError(*BAD_REQUEST) from None
    if not isinstance(wanted, list) or not wanted:
        raise OrangeXError(*BAD_REQUEST)
    known: Row = {
        "WALLET": {"total": "0", "coupon": "0", "details": []},
        "SPOT": spot_assets_row(call.account),
        "PERPETUAL": assets_row(call.account, venue=face.venue),
    }
    return known if "ALL" in wanted else {name: row for name, row in known.items() if name in wanted}


def positions(face: "OrangeXFace", call: Call) -> list[Row]:
    if call.params.get("currency") != "PERPETUAL":
        return []
    return position_rows(call.account, venue=face.venue)


def user_position(face: "OrangeXFace", call: Call) -> list[Row]:
    return position_rows(call.account, venue=face.venue, symbol=perpetual(call))


def position(face: "OrangeXFace", call: Call) -> Row:
    """One leg of the symbol, a flat one where nothing is held."""
    symbol = perpetual(call)
    held = [leg for leg in call.account.open_legs() if leg.symbol == symbol]
    leg = held[0] if held else Leg(symbol=symbol, side=PositionSide.LONG)
    return position_row(call.account, leg, venue=face.venue)


def settings(face: "OrangeXFace", call: Call) -> Row:
    symbol, account = perpetual(call), call.account
    is_cross = account.margin_mode_of(symbol) is MarginMode.CROSS
    return {
        "margin_type": "cross" if is_cross else "isolate",
        "leverage": str(account.leverage(symbol)),
        "instrument_name": call.params["instrument_name"],
        "time": str(call.now_ms),
    }


def adjust_leverage(face: "OrangeXFace", call: Call) -> str:
    symbol, leverage = perpetual(call), integer(call, "leverage", 0)

    def change() -> list[Event]:
        return liquidation.set_leverage(
            call.account, venue=face.venue, symbol=symbol, leverage=leverage, now_ms=call.now_ms
        )

    try:
        face.keep(call.who, change)
    except Refused as refused:
        if refused.reason is not Refusal.NO_CHANGE:
            raise
    return "ok"


def adjust_margin_type(face: "OrangeXFace", call: Call) -> str:
    """Refused while there is an order or a leg, also for the mode it is in."""
    symbol, mode = perpetual(call), MARGIN_MODES.get(call.params.get("margin_type", "").lower())
    if mode is None:
        raise OrangeXError(*BAD_PARAMS)
    account = call.account
    if any(order.request.symbol == symbol for order in account.open_orders.values()):
        raise Refused(Refusal.HAS_ORDERS)
    if any(leg.symbol == symbol for leg in account.open_legs()):
        raise Refused(Refusal.HAS_POSITION)
    try:
        face.keep(call.who, lambda: liquidation.set_margin_mode(account, mode=mode, symbol=symbol))
    except Refused as refused:
        if refused.reason is not Refusal.NO_CHANGE:
            raise
    return "ok"


def account_msg(face: "OrangeXFace", call: Call) -> Row:
    return {"user_id": str(call.account.number), "email": "", "kyc_level": 0}
