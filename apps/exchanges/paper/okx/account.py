"""OKX's doors for the account: balance, positions, leverage, modes, bills."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.face import Call
from apps.exchanges.paper.okx.errors import OkxError, parameter
from apps.exchanges.paper.okx.holdings import balance_row, position_rows
from apps.exchanges.paper.okx.listing import POLICY, SYMBOLS, kind_of
from apps.exchanges.paper.okx.market import FOREVER_MS, integer, number, swap_of, symbols_of
from apps.exchanges.paper.okx.rows import MARGIN, Row, bill_row
from cts.domain.matching import liquidation
from cts.domain.matching.events import Event, Refusal, Refused
from cts.domain.matching.state import Account, EntryKind
from cts.domain.types import MarginMode, PositionMode
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.okx.face import OkxFace

MODES = {"long_short_mode": PositionMode.HEDGE, "net_mode": PositionMode.ONE_WAY}
MODE_WORDS = {mode: word for word, mode in MODES.items()}
MARGINS = {word: mode for mode, word in MARGIN.items()}
DEFAULT_LEVERAGE = 20


def balance(face: "OkxFace", call: Call) -> list[Row]:
    return [balance_row(call.account, venue=face.venue, now_ms=call.now_ms)]


def positions(face: "OkxFace", call: Call) -> list[Row]:
    """Only what is held."""
    names = [name for name in call.params.get("instId", "").split(",") if name]
    if call.params.get("instType", "SWAP") != "SWAP":
        return []
    if not names:
        return position_rows(call.account, venue=face.venue)
    if unknown := [name for name in names if name not in SYMBOLS]:
        raise OkxError(51001, f"Instrument ID {unknown[0]} doesn't exist.")
    return [row for name in names for row in position_rows(call.account, venue=face.venue, symbol=SYMBOLS[name])]


def config(face: "OkxFace", call: Call) -> list[Row]:
    number = str(call.account.number)
    return [
        {
            "acctLv": "2",
            "acctStpMode": "cancel_maker",
            "autoLoan": False,
            "ctIsoMode": "automatic",
            "greeksType": "PA",
            "ip": "",
            "kycLv": "2",
            "label": "paper",
            "level": "Lv1",
            "mainUid": number,
            "mgnIsoMode": "automatic",
            "perm": "read_only,trade",
            "posMode": MODE_WORDS[call.account.position_mode],
            "roleType": "0",
            "type": "0",
            "uid": number,
        }
    ]


def set_position_mode(face: "OkxFace", call: Call) -> list[Row]:
    """Already so is a success."""
    mode = MODES.get(call.params.get("posMode", ""))
    if mode is None:
        raise parameter("posMode")
    if call.account.position_mode is not mode:
        face.keep(call.who, lambda: liquidation.set_position_mode(call.account, mode=mode))
    return [{"posMode": call.params["posMode"]}]


def _kept(symbol: str, mode: MarginMode) -> str:
    return f"{symbol}|{mode}"


def leverage_of(account: Account, symbol: str, mode: MarginMode) -> int:
    """Each margin mode has its own; the matching knows that of the mode the symbol is in."""
    if account.margin_mode_of(symbol) is mode:
        return account.leverage(symbol)
    return account.leverages.get(_kept(symbol, mode), DEFAULT_LEVERAGE)


def margin_mode_use(face: "OkxFace", call: Call, *, symbol: str) -> None:
    """An order names its margin mode. We hold a symbol in one mode at a time, where the venue could hold both."""
    account, mode = call.account, MARGINS.get(call.params.get("tdMode", ""))
    if kind_of(symbol) == "SPOT":
        # The documents ask for cash; ccxt was once refused that for conditional orders and says cross. Nothing is borrowed.
        if call.params.get("tdMode") not in ("cash", "cross"):
            raise parameter("tdMode")
        return
    if mode is None:
        raise parameter("tdMode")
    before = account.margin_mode_of(symbol)
    if before is mode:
        return
    leverage = leverage_of(account, symbol, mode)

    def change() -> None:
        liquidation.set_margin_mode(account, mode=mode, symbol=symbol)
        account.leverages |= {_kept(symbol, before): account.leverage(symbol), symbol: leverage}

    try:
        face.keep(call.who, change)
    except Refused:
        raise OkxError(51010, "Request unsupported under current account mode.") from None


def set_leverage(face: "OkxFace", call: Call) -> list[Row]:
    symbol, account = swap_of(call), call.account
    mode, wanted = MARGINS.get(call.params.get("mgnMode", "")), number(call, "lever")
    if mode is None or wanted is None or wanted % 1:
        raise parameter("mgnMode" if mode is None else "lever")
    leg = call.params.get("posSide", "")
    is_leg_needed = mode is MarginMode.ISOLATED and account.position_mode is PositionMode.HEDGE
    if leg not in ("", "net", "long", "short") or (is_leg_needed and leg not in ("long", "short")):
        raise parameter("posSide")
    if not 1 <= wanted <= face.rules[symbol].max_leverage:
        raise Refused(Refusal.LEVERAGE)
    leverage = int(wanted)
    if account.margin_mode_of(symbol) is not mode:

        def note() -> None:
            account.leverages[_kept(symbol, mode)] = leverage

        face.keep(call.who, note)
    elif account.leverage(symbol) != leverage:

        def change() -> list[Event]:
            return liquidation.set_leverage(
                account, venue=face.venue, symbol=symbol, leverage=leverage, now_ms=call.now_ms
            )

        face.keep(call.who, change)
    return [{"instId": call.params["instId"], "lever": str(leverage), "mgnMode": MARGIN[mode], "posSide": leg}]


def leverage_info(face: "OkxFace", call: Call) -> list[Row]:
    symbol, mode = swap_of(call), MARGINS.get(call.params.get("mgnMode", ""))
    if mode is None:
        raise parameter("mgnMode")
    legs = ("long", "short") if call.account.position_mode is PositionMode.HEDGE else ("net",)
    leverage = str(leverage_of(call.account, symbol, mode))
    return [
        {"instId": call.params["instId"], "mgnMode": MARGIN[mode], "posSide": leg, "lever": leverage} for leg in legs
    ]


def fee_rates(face: "OkxFace", call: Call) -> list[Row]:
    told: Row = {"instType": "SWAP", "level": "Lv1", "ts": str(call.now_ms)}
    if call.params.get("instType") == "SPOT":
        maker, taker = text(-POLICY.spot_maker_fee_rate), text(-POLICY.spot_taker_fee_rate)
        return [told | {"instType": "SPOT", "maker": maker, "taker": taker}]
    return [told | {"makerU": text(-POLICY.maker_fee_rate), "takerU": text(-POLICY.taker_fee_rate)}]


def bills(face: "OkxFace", call: Call) -> list[Row]:
    """Fundings, newest first; other kinds aren't kept as the venue keeps them."""
    symbols = symbols_of(call)
    if call.params.get("type", "8") != "8":
        return []
    start, end = integer(call, "begin", 0), integer(call, "end", FOREVER_MS)
    after = integer(call, "after", 10**18)
    found = [
        entry
        for entry in reversed(call.account.ledger)
        if entry.kind is EntryKind.FUNDING
        and entry.symbol in symbols
        and start <= entry.at_ms <= end
        and entry.id < after
    ]
    return [bill_row(entry) for entry in found[: integer(call, "limit", 100, low=1, high=100)]]
