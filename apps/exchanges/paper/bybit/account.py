"""Bybit's doors for the account: wallet, positions, leverage, modes."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.bybit.errors import BybitError
from apps.exchanges.paper.bybit.holdings import attached, position_rows, wallet_row
from apps.exchanges.paper.bybit.listing import POLICY
from apps.exchanges.paper.bybit.market import category, listed, perpetual, symbol_of
from apps.exchanges.paper.bybit.rows import Row
from apps.exchanges.paper.bybit.trade import LEGS, TRIGGERS, number
from apps.exchanges.paper.face import Call
from cts.domain.matching import engine, liquidation
from cts.domain.matching.events import Event, Refusal, Refused
from cts.domain.matching.state import Leg, Request, TriggerBy
from cts.domain.types import MarginMode, OrderType, PositionMode, PositionSide
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.bybit.face import BybitFace

MARGIN_MODES = {"ISOLATED_MARGIN": MarginMode.ISOLATED, "REGULAR_MARGIN": MarginMode.CROSS}
ATTACHABLE = (("takeProfit", "TakeProfit"), ("stopLoss", "StopLoss"))
ATTACHED_BY = {"takeProfit": "tpTriggerBy", "stopLoss": "slTriggerBy"}
POSITION_MODES = {"0": PositionMode.ONE_WAY, "3": PositionMode.HEDGE}


def wallet(face: "BybitFace", call: Call) -> Row:
    if call.params.get("accountType") != "UNIFIED":
        raise BybitError(10001, "accountType only support UNIFIED.")
    return {"list": [wallet_row(call.account, venue=face.venue)]}


def info(face: "BybitFace", call: Call) -> Row:
    is_isolated = call.account.margin_mode is MarginMode.ISOLATED
    return {
        "unifiedMarginStatus": 5,
        "marginMode": "ISOLATED_MARGIN" if is_isolated else "REGULAR_MARGIN",
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "updatedTime": str(call.now_ms),
    }


def fee_rate(face: "BybitFace", call: Call) -> Row:
    names = [call.params["symbol"]] if call.params.get("symbol") else list(listed(call))
    maker, taker = text(POLICY.maker_fee_rate), text(POLICY.taker_fee_rate)
    if category(call) == "spot":
        maker, taker = text(POLICY.spot_maker_fee_rate), text(POLICY.spot_taker_fee_rate)
    return {"list": [{"symbol": name, "makerFeeRate": maker, "takerFeeRate": taker} for name in names]}


def set_margin_mode(face: "BybitFace", call: Call) -> Row:
    mode = MARGIN_MODES.get(call.params.get("setMarginMode", ""))
    if mode is None:
        raise BybitError(10001, "params error: setMarginMode invalid")
    try:
        face.keep(call.who, lambda: liquidation.set_margin_mode(call.account, mode=mode))
    except Refused as refused:
        if refused.reason is Refusal.NO_CHANGE:
            return {"reasons": []}
        raise BybitError(3400045, "Set margin mode failed") from None
    return {"reasons": []}


def positions(face: "BybitFace", call: Call) -> Row:
    """A named symbol is told even when flat; by settle coin only what is held."""
    if category(call) != "linear":
        return {"category": category(call), "list": [], "nextPageCursor": ""}
    account = call.account
    if call.params.get("symbol"):
        rows = position_rows(account, symbol_of(call), venue=face.venue)
    elif call.params.get("settleCoin"):
        held = [
            row
            for symbol in listed(call).values()
            for row in position_rows(account, symbol, venue=face.venue)
            if row["size"] != "0"
        ]
        rows = held if call.params["settleCoin"] == "USDT" else []
    else:
        raise BybitError(10001, "Missing some parameters that must be filled in, symbol or settleCoin")
    return {"category": "linear", "list": rows, "nextPageCursor": ""}


def set_leverage(face: "BybitFace", call: Call) -> Row:
    symbol = perpetual(call)
    buy, sell = number(call, "buyLeverage"), number(call, "sellLeverage")
    if buy is None or buy != sell or buy % 1:
        raise BybitError(10001, "params error: buyLeverage and sellLeverage must be equal whole numbers")

    def change() -> list[Event]:
        return liquidation.set_leverage(
            call.account, venue=face.venue, symbol=symbol, leverage=int(buy), now_ms=call.now_ms
        )

    try:
        face.keep(call.who, change)
    except Refused as refused:
        if refused.reason is Refusal.NO_CHANGE:
            raise BybitError(110043, "leverage not modified") from None
        raise
    return {}


def switch_mode(face: "BybitFace", call: Call) -> Row:
    mode = POSITION_MODES.get(call.params.get("mode", ""))
    if mode is None or not (call.params.get("symbol") or call.params.get("coin")):
        raise BybitError(10001, "params error: mode invalid")
    try:
        face.keep(call.who, lambda: liquidation.set_position_mode(call.account, mode=mode))
    except Refused as refused:
        if refused.reason is Refusal.NO_CHANGE:
            raise BybitError(110025, "Position mode is not modified") from None
        raise
    return {}


def trading_stop(face: "BybitFace", call: Call) -> Row:
    """Stop and target of the whole position: set, move, or take away with "0"."""
    symbol = perpetual(call)
    side = LEGS.get(call.params.get("positionIdx", "0")) or next(
        (side for side in PositionSide if call.account.held(symbol, side)), None
    )
    if side is None or not call.account.held(symbol, side):
        raise BybitError(10001, "can not set tp/sl/ts for zero position")
    leg = call.account.leg(symbol, side)
    wanted = [(field, kind) for field, kind in ATTACHABLE if call.params.get(field)]
    changed = [_attach(face, call, leg, field=field, kind=kind) for field, kind in wanted]
    if not any(changed):
        raise BybitError(34040, "not modified")
    return {}


def _attach(face: "BybitFace", call: Call, leg: Leg, *, field: str, kind: str) -> bool:
    account, old, price = call.account, attached(call.account, leg, kind), number(call, field)
    if price == (old.trigger_price if old else None):
        return False
    if price is not None:
        request = Request(
            symbol=leg.symbol,
            side=leg.side.exit_side,
            order_type=OrderType.MARKET,
            quantity=price * 0,
            client_id=f"venue-{account.last_id + 1}",
            trigger_price=price,
            trigger_by=TRIGGERS.get(call.params.get(ATTACHED_BY[field], ""), TriggerBy.LAST),
            is_rising=(kind == "TakeProfit") == (leg.side is PositionSide.LONG),
            is_reduce_only=True,
            is_close_position=True,
            leg=leg.side if account.position_mode is PositionMode.HEDGE else None,
            attached_as=kind,
        )
        face.act(call.who, lambda: engine.place(account, venue=face.venue, request=request, now_ms=call.now_ms))
    if old:
        face.act(call.who, lambda: engine.cancel(account, order_id=old.id, now_ms=call.now_ms))
    return True


def query_api(face: "BybitFace", call: Call) -> Row:
    return {
        "id": str(call.account.number),
        "note": "paper",
        "apiKey": call.who.api_key,
        "readOnly": 0,
        "secret": "",
        "permissions": {
            "ContractTrade": ["Order", "Position"],
            "Spot": ["SpotTrade"],
            "Wallet": [],
            "Options": [],
            "Derivatives": ["DerivativesTrade"],
            "Exchange": [],
        },
        "ips": ["*"],
        "type": 1,
        "deadlineDay": 90,
        "expiredAt": "2099-01-01T00:00:00Z",
        "createdAt": "2026-01-01T00:00:00Z",
        "unified": 0,
        "uta": 1,
        "userID": call.account.number,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_DEFAULT",
        "kycRegion": "",
    }


def coin_info(face: "BybitFace", call: Call) -> Row:
    return {"rows": []}
