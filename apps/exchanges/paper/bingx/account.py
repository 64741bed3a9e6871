"""BingX's doors for the account: balances, positions, leverage, modes, income, keys."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.bingx.errors import BingxError, invalid
from apps.exchanges.paper.bingx.holdings import balance_row, is_isolated, position_row
from apps.exchanges.paper.bingx.lists import window
from apps.exchanges.paper.bingx.market import integer, symbol_of
from apps.exchanges.paper.bingx.rows import NAMES, POLICY, RULES, income_row
from apps.exchanges.paper.face import Call
from cts.domain.matching import liquidation
from cts.domain.matching.events import Refusal, Refused
from cts.domain.types import MarginMode, Market, PositionMode

if TYPE_CHECKING:
    from apps.exchanges.paper.bingx.face import BingxFace

LISTEN_KEY_MS = 3_600_000
MARGIN_MODES = {"ISOLATED": MarginMode.ISOLATED, "CROSSED": MarginMode.CROSS}
INCOME_SPAN_MS = 90 * 86_400_000


def balance(face: "BingxFace", call: Call) -> object:
    return [balance_row(call.account, venue=face.venue)]


def positions(face: "BingxFace", call: Call) -> object:
    symbol = symbol_of(call) if call.params.get("symbol") else None
    legs = [leg for leg in call.account.open_legs() if symbol in (None, leg.symbol)]
    return [position_row(call.account, leg, venue=face.venue) for leg in legs]


def leverage(face: "BingxFace", call: Call) -> object:
    symbol = symbol_of(call)
    now, most = call.account.leverage(symbol), RULES[symbol].max_leverage
    return {
        "longLeverage": now,
        "shortLeverage": now,
        "maxLongLeverage": most,
        "maxShortLeverage": most,
        "availableLongVol": "0",
        "availableShortVol": "0",
    }


def set_leverage(face: "BingxFace", call: Call) -> object:
    """A side at a time in hedge mode; here both have the same."""
    symbol, side = symbol_of(call), call.params.get("side", "")
    is_hedged = call.account.position_mode is PositionMode.HEDGE
    if side not in (("LONG", "SHORT") if is_hedged else ("BOTH",)):
        raise invalid("side")
    wanted = integer(call, "leverage", 0)
    try:
        face.keep(
            call.who,
            lambda: liquidation.set_leverage(
                call.account, venue=face.venue, symbol=symbol, leverage=wanted, now_ms=call.now_ms
            ),
        )
    except Refused as refused:
        if refused.reason is not Refusal.NO_CHANGE:
            raise
    return {"leverage": wanted, "symbol": NAMES[symbol], "availableLongVol": "0", "availableShortVol": "0"}


def margin_type(face: "BingxFace", call: Call) -> object:
    return {"marginType": "ISOLATED" if is_isolated(call.account, symbol_of(call)) else "CROSSED"}


def set_margin_type(face: "BingxFace", call: Call) -> object:
    symbol, mode = symbol_of(call), MARGIN_MODES.get(call.params.get("marginType", ""))
    if mode is None:
        raise invalid("marginType")
    try:
        face.keep(call.who, lambda: liquidation.set_margin_mode(call.account, mode=mode, symbol=symbol))
    except Refused as refused:
        if refused.reason is not Refusal.NO_CHANGE:
            raise
    return {}


def position_mode(face: "BingxFace", call: Call) -> object:
    return {"dualSidePosition": "true" if call.account.position_mode is PositionMode.HEDGE else "false"}


def set_position_mode(face: "BingxFace", call: Call) -> object:
    wanted = call.params.get("dualSidePosition", "").lower()
    if wanted not in ("true", "false"):
        raise invalid("dualSidePosition")
    mode = PositionMode.HEDGE if wanted == "true" else PositionMode.ONE_WAY
    try:
        face.keep(call.who, lambda: liquidation.set_position_mode(call.account, mode=mode))
    except Refused as refused:
        if refused.reason is not Refusal.NO_CHANGE:
            raise
    return {"dualSidePosition": wanted}


def commission_rate(face: "BingxFace", call: Call) -> object:
    rates = {"takerCommissionRate": float(POLICY.taker_fee_rate), "makerCommissionRate": float(POLICY.maker_fee_rate)}
    return {"commission": rates}


def income(face: "BingxFace", call: Call) -> object:
    start, end = window(call, "startTime", "endTime", span_ms=INCOME_SPAN_MS)
    symbol = symbol_of(call) if call.params.get("symbol") else None
    ledger = [entry for entry in call.account.ledger if entry.market is Market.LINEAR]
    entries = [entry for entry in ledger if symbol in (None, entry.symbol) and start <= entry.at_ms <= end]
    rows = [income_row(entry) for entry in entries]
    if kind := call.params.get("incomeType"):
        rows = [row for row in rows if row["incomeType"] == kind]
    return rows[: integer(call, "limit", 100, high=1000)] or None


def api_permissions(face: "BingxFace", call: Call) -> object:
    """1 spot, 2 reading, 3 perpetual swaps, 5 withdrawals."""
    return {"apiKey": call.who.api_key, "permissions": [1, 2, 3], "ipAddresses": [], "note": "paper"}


def listen_key_create(face: "BingxFace", call: Call) -> object:
    member = call.who
    if not member.listen_key:
        member.listen_key = member.signature(f"listen key {call.now_ms}")
    member.listen_until_ms = face.market.now_ms() + LISTEN_KEY_MS
    return {"listenKey": member.listen_key}


def _own_listen_key(call: Call) -> None:
    if not call.who.listen_key or call.params.get("listenKey") != call.who.listen_key:
        raise BingxError(100400, "listenKey does not exist")


def listen_key_keep(face: "BingxFace", call: Call) -> object:
    _own_listen_key(call)
    listen_key_create(face, call)
    return {}


def listen_key_close(face: "BingxFace", call: Call) -> object:
    _own_listen_key(call)
    call.who.listen_key = ""
    return {}
