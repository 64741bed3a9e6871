"""Binance's doors for the account: balances, positions, leverage, modes, income."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.binance.errors import BinanceError, missing
from apps.exchanges.paper.binance.holdings import account_row, balance_row, margin_type, position_rows
from apps.exchanges.paper.binance.market import integer, symbol_of, symbols_of
from apps.exchanges.paper.binance.rows import NAMES, POLICY, RULES, SYMBOLS, income_row
from apps.exchanges.paper.binance.trade import window
from apps.exchanges.paper.face import Call
from cts.domain.matching import liquidation
from cts.domain.matching.events import Refusal, Refused
from cts.domain.types import MarginMode, Market, PositionMode
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.binance.face import BinanceFace

LISTEN_KEY_MS = 3_600_000
MARGIN_MODES = {"ISOLATED": MarginMode.ISOLATED, "CROSSED": MarginMode.CROSS}


def balance(face: "BinanceFace", call: Call) -> object:
    return [balance_row(call.account, venue=face.venue, now_ms=call.now_ms)]


def account_v2(face: "BinanceFace", call: Call) -> object:
    return account_row(call.account, venue=face.venue, now_ms=call.now_ms, version=2)


def account_v3(face: "BinanceFace", call: Call) -> object:
    return account_row(call.account, venue=face.venue, now_ms=call.now_ms, version=3)


def positions_v2(face: "BinanceFace", call: Call) -> object:
    symbol = symbol_of(call) if call.params.get("symbol") else None
    return position_rows(call.account, venue=face.venue, version=2, symbol=symbol)


def positions_v3(face: "BinanceFace", call: Call) -> object:
    symbol = symbol_of(call) if call.params.get("symbol") else None
    return position_rows(call.account, venue=face.venue, version=3, symbol=symbol)


def set_leverage(face: "BinanceFace", call: Call) -> object:
    symbol = symbol_of(call)
    if not call.params.get("leverage"):
        raise missing("leverage")
    leverage = integer(call, "leverage", 0)
    try:
        face.keep(
            call.who,
            lambda: liquidation.set_leverage(
                call.account, venue=face.venue, symbol=symbol, leverage=leverage, now_ms=call.now_ms
            ),
        )
    except Refused as refused:
        # The same leverage again is simply confirmed here.
        if refused.reason is not Refusal.NO_CHANGE:
            raise
    return {"symbol": NAMES[symbol], "leverage": leverage, "maxNotionalValue": "100000000"}


def set_margin_type(face: "BinanceFace", call: Call) -> object:
    symbol = symbol_of(call)
    mode = MARGIN_MODES.get(call.params.get("marginType", ""))
    if mode is None:
        raise missing("marginType")
    try:
        face.keep(call.who, lambda: liquidation.set_margin_mode(call.account, mode=mode, symbol=symbol))
    except Refused as refused:
        code, message = {
            Refusal.NO_CHANGE: (-4046, "No need to change margin type."),
            Refusal.HAS_ORDERS: (-4047, "Margin type cannot be changed if there exists open orders."),
            Refusal.HAS_POSITION: (-4048, "Margin type cannot be changed if there exists position."),
        }[refused.reason]
        raise BinanceError(code, message) from None
    return {"code": 200, "msg": "success"}


def position_mode(face: "BinanceFace", call: Call) -> object:
    return {"dualSidePosition": call.account.position_mode is PositionMode.HEDGE}


def set_position_mode(face: "BinanceFace", call: Call) -> object:
    wanted = call.params.get("dualSidePosition", "").lower()
    if wanted not in ("true", "false"):
        raise missing("dualSidePosition")
    mode = PositionMode.HEDGE if wanted == "true" else PositionMode.ONE_WAY
    try:
        face.keep(call.who, lambda: liquidation.set_position_mode(call.account, mode=mode))
    except Refused as refused:
        code, message = {
            Refusal.NO_CHANGE: (-4059, "No need to change position side."),
            Refusal.HAS_ORDERS: (-4067, "Position side cannot be changed if there exists open orders."),
            Refusal.HAS_POSITION: (-4068, "Position side cannot be changed if there exists position."),
        }[refused.reason]
        raise BinanceError(code, message) from None
    return {"code": 200, "msg": "success"}


def symbol_config(face: "BinanceFace", call: Call) -> object:
    account = call.account
    return [
        {
            "symbol": NAMES[symbol],
            "marginType": "ISOLATED" if margin_type(account, symbol) == "isolated" else "CROSSED",
            "isAutoAddMargin": False,
            "leverage": account.leverage(symbol),
            "maxNotionalValue": "100000000",
        }
        for symbol in symbols_of(call)
    ]


def account_config(face: "BinanceFace", call: Call) -> object:
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": False,
        "dualSidePosition": call.account.position_mode is PositionMode.HEDGE,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


def multi_assets(face: "BinanceFace", call: Call) -> object:
    return {"multiAssetsMargin": False}


def leverage_brackets(face: "BinanceFace", call: Call) -> object:
    return [
        {
            "symbol": NAMES[symbol],
            "notionalCoef": 1.0,
            "brackets": [
                {
                    "bracket": 1,
                    "initialLeverage": RULES[symbol].max_leverage,
                    "notionalCap": 100_000_000,
                    "notionalFloor": 0,
                    "maintMarginRatio": float(RULES[symbol].maintenance_ratio),
                    "cum": 0.0,
                }
            ],
        }
        for symbol in symbols_of(call)
    ]


def commission_rate(face: "BinanceFace", call: Call) -> object:
    return {
        "symbol": NAMES[symbol_of(call)],
        "makerCommissionRate": text(POLICY.maker_fee_rate),
        "takerCommissionRate": text(POLICY.taker_fee_rate),
    }


def income(face: "BinanceFace", call: Call) -> object:
    start, end = window(call)
    symbol = SYMBOLS.get(call.params.get("symbol", ""))
    ledger = [entry for entry in call.account.ledger if entry.market is Market.LINEAR]
    entries = [entry for entry in ledger if symbol in (None, entry.symbol) and start <= entry.at_ms <= end]
    rows = [income_row(entry) for entry in entries]
    if kind := call.params.get("incomeType"):
        rows = [row for row in rows if row["incomeType"] == kind]
    limit, page = integer(call, "limit", 100, high=1000), integer(call, "page", 1, high=10_000)
    if call.params.get("startTime") or page > 1:
        return rows[(page - 1) * limit : page * limit]
    return rows[-limit:]


def margin_pairs(face: "BinanceFace", call: Call) -> object:
    """Nothing is lent here."""
    return []


def api_restrictions(face: "BinanceFace", call: Call) -> object:
    return {
        "ipRestrict": False,
        "createTime": 1_767_225_600_000,
        "enableReading": True,
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": True,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": True,
        "enableSpotAndMarginTrading": True,
        "enablePortfolioMarginTrading": False,
    }


def listen_key_create(face: "BinanceFace", call: Call) -> object:
    """Asked again while one lives, the same key is given and lives on."""
    member = call.who
    member.listen_key = member.listen_key or member.signature(f"listen key {call.now_ms}")
    member.listen_until_ms = face.market.now_ms() + LISTEN_KEY_MS
    return {"listenKey": member.listen_key}


def listen_key_keep(face: "BinanceFace", call: Call) -> object:
    if not call.who.listen_key:
        raise BinanceError(-1125, "This listenKey does not exist.")
    return listen_key_create(face, call)


def listen_key_close(face: "BinanceFace", call: Call) -> object:
    call.who.listen_key = ""
    return {}
