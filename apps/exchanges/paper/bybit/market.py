"""Bybit's public doors."""

from typing import TYPE_CHECKING, Any

from apps.exchanges.paper.bybit.errors import BybitError
from apps.exchanges.paper.bybit.holdings import ticker_row
from apps.exchanges.paper.bybit.listing import NAMES, RULES, SYMBOLS
from apps.exchanges.paper.bybit.rows import SIDE, Row
from apps.exchanges.paper.face import Call
from apps.exchanges.paper.market import FUNDING_INTERVAL_MS, perpetual_of
from cts.domain.matching.book import ladder
from cts.domain.types import Side
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.bybit.face import BybitFace

INTERVALS = {
    "1": 60, "3": 180, "5": 300, "15": 900, "30": 1800, "60": 3600, "120": 7200, "240": 14_400, "360": 21_600,
    "720": 43_200, "D": 86_400, "W": 604_800,
}  # fmt: skip


def category(call: Call) -> str:
    wanted = call.params.get("category", "")
    if wanted not in ("linear", "inverse", "spot", "option"):
        raise BybitError(10001, "params error: category invalid" if wanted else "params error: category is required")
    return wanted


def symbol_of(call: Call) -> str:
    symbol = listed(call).get(call.params.get("symbol", ""))
    if symbol is None:
        raise BybitError(10001, "params error: symbol invalid")
    return symbol


def listed(call: Call) -> dict[str, str]:
    """Symbols of the category by their names; nothing is listed in the categories we don't have."""
    return SYMBOLS.get(category(call), {})


def perpetual(call: Call) -> str:
    """A symbol where only perpetuals make sense."""
    if category(call) != "linear":
        raise BybitError(10001, "params error: category invalid")
    return symbol_of(call)


def integer(call: Call, name: str, default: int, *, low: int = 0, high: int | None = None) -> int:
    raw = call.params.get(name) or str(default)
    if not raw.lstrip("-").isdigit():
        raise BybitError(10001, f"params error: {name} invalid")
    value = max(int(raw), low)
    return value if high is None else min(value, high)


def time(face: "BybitFace", call: Call) -> Row:
    return {"timeSecond": str(call.now_ms // 1000), "timeNano": str(call.now_ms * 1_000_000)}


def instruments(face: "BybitFace", call: Call) -> Row:
    wanted = category(call)
    symbols = [symbol_of(call)] if call.params.get("symbol") else list(listed(call).values())
    make = _spot_instrument if wanted == "spot" else _instrument
    start = integer(call, "cursor", 0) if call.params.get("cursor") else 0
    limit = integer(call, "limit", 500, low=1, high=1000)
    page = symbols[start : start + limit]
    cursor = str(start + limit) if start + limit < len(symbols) and wanted != "spot" else ""
    return {"category": wanted, "list": [make(symbol) for symbol in page], "nextPageCursor": cursor}


def _spot_instrument(symbol: str) -> Row:
    rules, name = RULES[symbol], NAMES[symbol]
    return {
        "symbol": name,
        "baseCoin": name.removesuffix("USDT"),
        "quoteCoin": "USDT",
        "innovation": "0",
        "status": "Trading",
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": text(rules.lot_step),
            "quotePrecision": "0.0000001",
            "minOrderQty": text(rules.min_quantity),
            "maxOrderQty": text(rules.max_quantity),
            "minOrderAmt": text(rules.min_notional),
            "maxOrderAmt": "8000000",
            "maxLimitOrderQty": text(rules.max_quantity),
            "maxMarketOrderQty": text(rules.max_market_quantity),
            "postOnlyMaxLimitOrderSize": text(rules.max_quantity),
        },
        "priceFilter": {"tickSize": text(rules.tick_size)},
        "riskParameters": {"priceLimitRatioX": "0.1", "priceLimitRatioY": "0.1"},
        "symbolType": "",
    }


def _instrument(symbol: str) -> Row:
    rules = RULES[symbol]
    name = NAMES[symbol]
    return {
        "symbol": name,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": name.removesuffix("USDT"),
        "quoteCoin": "USDT",
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(max(0, -int(rules.tick_size.normalize().as_tuple().exponent))),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": f"{rules.max_leverage}.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": text(rules.tick_size), "maxPrice": "1999999.80", "tickSize": text(rules.tick_size)},
        "lotSizeFilter": {
            "maxOrderQty": text(rules.max_quantity),
            "minOrderQty": text(rules.min_quantity),
            "qtyStep": text(rules.lot_step),
            "postOnlyMaxOrderQty": text(rules.max_quantity),
            "maxMktOrderQty": text(rules.max_market_quantity),
            "minNotionalValue": text(rules.min_notional),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": FUNDING_INTERVAL_MS // 60_000,
        "settleCoin": "USDT",
        "copyTrading": "both",
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
        "isPreListing": False,
        "displayName": "",
        "symbolType": "",
    }


def tickers(face: "BybitFace", call: Call) -> Row:
    wanted = category(call)
    symbols = [symbol_of(call)] if call.params.get("symbol") else list(listed(call).values())
    rows = [ticker_row(symbol, market=face.market, day=face.market.day(symbol)) for symbol in symbols]
    return {"category": wanted, "list": rows}


def klines(face: "BybitFace", call: Call) -> Row:
    """Newest first, the running bar included."""
    symbol = symbol_of(call)
    timeframe_s = INTERVALS.get(call.params.get("interval", ""))
    if timeframe_s is None:
        raise BybitError(10001, "params error: interval invalid")
    limit = integer(call, "limit", 200, low=1, high=1000)
    start_ms = integer(call, "start", 0)
    end_ms = integer(call, "end", call.now_ms)
    if start_ms and not call.params.get("end"):
        # With a start alone the venue counts forward from it.
        end_ms = min(end_ms, start_ms + (limit - 1) * timeframe_s * 1000)
    candles = face.market.candles(symbol, timeframe_s=timeframe_s, start_ms=start_ms, end_ms=end_ms, limit=limit)
    rows = [
        [
            str(c.open_ms),
            *(f"{v:.10g}" for v in (c.open, c.high, c.low, c.close, c.volume)),
            f"{c.volume * c.close:.4f}",
        ]
        for c in reversed(candles)
    ]
    return {"category": category(call), "symbol": NAMES[symbol], "list": rows}


def book_row(face: "BybitFace", symbol: str, *, depth: int, kind: str = "") -> Row:
    quote = face.market.quotes[symbol]
    sides = {}
    for key, taker in (("b", Side.SELL), ("a", Side.BUY)):
        levels = ladder(quote, rules=RULES[symbol], taker=taker, depth=depth)
        sides[key] = [[text(level.price), text(level.quantity)] for level in levels]
    row = {"s": NAMES[symbol], **sides, "u": quote.at_ms // 10, "seq": quote.at_ms}
    return row if kind else {**row, "ts": quote.at_ms, "cts": quote.at_ms}


def orderbook(face: "BybitFace", call: Call) -> Row:
    return book_row(face, symbol_of(call), depth=integer(call, "limit", 25, low=1, high=50))


def recent_trades(face: "BybitFace", call: Call) -> Row:
    symbol = symbol_of(call)
    trades = list(face.market.trades[perpetual_of(symbol)])[-integer(call, "limit", 500, low=1, high=1000) :]
    rows: list[dict[str, Any]] = [
        {
            "execId": str(trade.id),
            "symbol": NAMES[symbol],
            "price": text(trade.price),
            "size": text(trade.quantity),
            "side": SIDE[trade.side],
            "time": str(trade.at_ms),
            "isBlockTrade": False,
            "isRPITrade": False,
            "seq": str(trade.id),
        }
        for trade in reversed(trades)
    ]
    return {"category": category(call), "list": rows}


def funding_history(face: "BybitFace", call: Call) -> Row:
    symbol = perpetual(call)
    limit = integer(call, "limit", 200, low=1, high=200)
    end_ms = integer(call, "endTime", call.now_ms)
    newest = min(end_ms, call.now_ms) // FUNDING_INTERVAL_MS * FUNDING_INTERVAL_MS
    start_ms = max(integer(call, "startTime", 0), newest - (limit - 1) * FUNDING_INTERVAL_MS)
    rows = [
        {
            "symbol": NAMES[symbol],
            "fundingRate": text(face.market.funding_rate(symbol, at_ms=at_ms - 1)),
            "fundingRateTimestamp": str(at_ms),
        }
        for at_ms in range(newest, start_ms - 1, -FUNDING_INTERVAL_MS)
    ]
    return {"category": "linear", "list": rows}


def risk_limit(face: "BybitFace", call: Call) -> Row:
    symbols = [perpetual(call)] if call.params.get("symbol") else list(SYMBOLS["linear"].values())
    rows = [
        {
            "id": 1,
            "symbol": NAMES[symbol],
            "riskLimitValue": "2000000",
            "maintenanceMargin": text(RULES[symbol].maintenance_ratio),
            "initialMargin": f"{1 / RULES[symbol].max_leverage:.4f}",
            "isLowestRisk": 1,
            "maxLeverage": f"{RULES[symbol].max_leverage}.00",
            "mmDeduction": "",
        }
        for symbol in symbols
    ]
    return {"category": "linear", "list": rows, "nextPageCursor": ""}
