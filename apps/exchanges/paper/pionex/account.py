"""Pionex's doors for the account: balances, positions, leverage, modes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from apps.exchanges.paper.face import Call
from apps.exchanges.paper.pionex.errors import PionexError, parameter
from apps.exchanges.paper.pionex.holdings import (
    cross_row,
    isolated_legs,
    isolated_row,
    position_row,
)
from apps.exchanges.paper.pionex.holdings import detail as detail_row
from apps.exchanges.paper.pionex.market import listed
from apps.exchanges.paper.pionex.rows import MODE, MODES, NAMES, SYMBOLS, Row, isolated_word
from cts.domain.matching import liquidation
from cts.domain.matching.events import Event, Refusal, Refused
from cts.domain.types import MarginMode, PositionMode

if TYPE_CHECKING:
    from apps.exchanges.paper.pionex.face import PionexFace

MARGINS = {"CROSS": MarginMode.CROSS, "ISOLATED": MarginMode.ISOLATED}


def symbol_of(call: Call) -> str:
    name = call.params.get("symbol", "")
    if not name:
        raise parameter("symbol")
    if name not in SYMBOLS:
        raise PionexError("TRADE_INVALID_SYMBOL", "Invalid symbol")
    return SYMBOLS[name]


def symbol_or_none(call: Call) -> str | None:
    return symbol_of(call) if call.params.get("symbol") else None


def _set(face: "PionexFace", call: Call, change: Callable[[], list[Event] | None]) -> None:
    """As it already is: nothing is said about it."""
    try:
        face.keep(call.who, change)
    except Refused as refused:
        if refused.reason is not Refusal.NO_CHANGE:
            raise


def balances(face: "PionexFace", call: Call) -> Row:
    account, hedged = call.account, call.account.position_mode is PositionMode.HEDGE
    isolates = [
        {
            "symbol": NAMES[leg.symbol],
            "isolatedMode": isolated_word(account, leg.symbol, leg.side if hedged else None),
            "balances": [isolated_row(leg)],
        }
        for leg in isolated_legs(account)
    ]
    return {"balances": [cross_row(account)], "isolates": listed(isolates)}


def detail(face: "PionexFace", call: Call) -> Row:
    return detail_row(call.account, venue=face.venue)


def positions(face: "PionexFace", call: Call) -> Row:
    wanted = symbol_or_none(call)
    legs = [leg for leg in call.account.open_legs() if wanted in (None, leg.symbol)]
    return {"positions": listed([position_row(call.account, leg, venue=face.venue) for leg in legs])}


def leverage(face: "PionexFace", call: Call) -> Row:
    symbol = symbol_of(call)
    return {"symbol": NAMES[symbol], "leverage": str(call.account.leverage(symbol))}


def set_leverage(face: "PionexFace", call: Call) -> Row:
    symbol, wanted = symbol_of(call), call.params.get("leverage", "")
    if not wanted.isascii() or not wanted.isdigit() or len(wanted) > 4:
        raise parameter("leverage")

    def change() -> list[Event]:
        return liquidation.set_leverage(
            call.account, venue=face.venue, symbol=symbol, leverage=int(wanted), now_ms=call.now_ms
        )

    _set(face, call, change)
    return leverage(face, call)


def isolated_mode(face: "PionexFace", call: Call) -> Row:
    symbol = symbol_of(call)
    is_cross = call.account.margin_mode_of(symbol) is MarginMode.CROSS
    return {"symbol": NAMES[symbol], "isolatedMode": "CROSS" if is_cross else "ISOLATED"}


def set_isolated_mode(face: "PionexFace", call: Call) -> None:
    symbol, mode = symbol_of(call), MARGINS.get(call.params.get("isolatedMode", ""))
    if mode is None:
        raise parameter("isolatedMode")
    _set(face, call, lambda: liquidation.set_margin_mode(call.account, mode=mode, symbol=symbol))


def position_mode(face: "PionexFace", call: Call) -> Row:
    return {"positionMode": MODE[call.account.position_mode]}


def set_position_mode(face: "PionexFace", call: Call) -> None:
    mode = MODES.get(call.params.get("positionMode", ""))
    if mode is None:
        raise parameter("positionMode")
    _set(face, call, lambda: liquidation.set_position_mode(call.account, mode=mode))
