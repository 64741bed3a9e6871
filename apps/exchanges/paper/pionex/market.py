"""Pionex's public doors, of perpetuals and spot."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.face import Call
from apps.exchanges.paper.market import FUNDING_INTERVAL_MS, Trade, perpetual_of
from apps.exchanges.paper.pionex.errors import PionexError, market_parameter
from apps.exchanges.paper.pionex.rows import NAMES, RULES, SIDE, SYMBOLS, Row
from apps.exchanges.paper.pionex.spot_rows import SPOT_NAMES, SPOT_RULES, SPOT_SYMBOLS
from apps.exchanges.paper.pionex.spot_rows import listing as spot_listing
from cts.domain.matching.book import ladder
from cts.domain.types import Side
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.pionex.face import PionexFace

# M is minutes.
INTERVALS = {
    "1M": 60, "5M": 300, "15M": 900, "30M": 1800, "60M": 3600, "4H": 14_400, "8H": 28_800, "12H": 43_200,
    "1D": 86_400, "1W": 604_800,
}  # fmt: skip
BOOK_LEVELS = 50
ALL_NAMES, ALL_SYMBOLS, ALL_RULES = NAMES | SPOT_NAMES, SYMBOLS | SPOT_SYMBOLS, RULES | SPOT_RULES


def listed(rows: list[Row]) -> list[Row] | None:
    """An empty list is told as null."""
    return rows or None


def symbol_of(call: Call) -> str:
    name = call.params.get("symbol", "")
    if not name:
        raise market_parameter("symbol")
    if name not in ALL_SYMBOLS:
        raise PionexError("MARKET_INVALID_SYMBOL", "Invalid symbol")
    return ALL_SYMBOLS[name]


def perpetual(call: Call) -> str:
    """For what spot has not."""
    symbol = symbol_of(call)
    if symbol not in NAMES:
        raise PionexError("MARKET_INVALID_SYMBOL", "Invalid symbol")
    return symbol


def integer(call: Call, name: str, default: int, *, low: int = 0, high: int = 10**15) -> int:
    """Zero counts as not given."""
    raw = call.params.get(name, "")
    if raw in ("", "0"):
        return default
    if not raw.isascii() or not raw.isdigit() or not low <= int(raw) <= high:
        raise market_parameter(name)
    return int(raw)


def _meant(call: Call, *, default: str) -> list[str]:
    """The symbol named, or all of the market that is meant."""
    if call.params.get("symbol"):
        return [symbol_of(call)]
    market = call.params.get("type") or default
    if market not in ("SPOT", "PERP"):
        raise market_parameter("type")
    return list(NAMES if market == "PERP" else SPOT_NAMES)


def symbols(face: "PionexFace", call: Call) -> Row:
    if wanted := call.params.get("symbols"):
        found = [ALL_SYMBOLS[name] for name in wanted.split(",") if name in ALL_SYMBOLS]
    else:
        found = _meant(call, default="SPOT")
    if call.params.get("status", "ALL") == "OFFLINE":
        found = []
    return {"symbols": listed([_listing(symbol) if symbol in NAMES else spot_listing(symbol) for symbol in found])}


def _listing(symbol: str) -> Row:
    rules, name = RULES[symbol], NAMES[symbol]
    base = name.removesuffix("_USDT_PERP")
    return {
        "symbol": name,
        "name": f"{base}.PERP/USDT",
        "contractType": "PERPETUAL",
        "baseCurrency": base,
        "quoteCurrency": "USDT",
        "basePrecision": max(0, -int(rules.lot_step.normalize().as_tuple().exponent)),
        "quotePrecision": max(0, -int(rules.tick_size.normalize().as_tuple().exponent)),
        "minNotional": text(rules.min_notional),
        "baseStep": text(rules.lot_step),
        "quoteStep": text(rules.tick_size),
        "minSizeLimit": text(rules.min_quantity),
        "maxSizeLimit": text(rules.max_quantity),
        "maxImpactLimit": "0.1",
        "minSizeMarket": text(rules.min_quantity),
        "maxSizeMarket": text(rules.max_market_quantity),
        "maxImpactMarket": "0.05",
        "maxOrderNum": rules.max_open_orders,
        "status": "TRADING",
        "liquidationFeeRate": "0.005",
    }


def _perpetuals(call: Call) -> list[str]:
    return [perpetual(call)] if call.params.get("symbol") else list(NAMES)


def risk_table(face: "PionexFace", call: Call) -> Row:
    return {"symbols": [{"symbol": NAMES[symbol], "rows": _tiers(symbol)} for symbol in _perpetuals(call)]}


def _tiers(symbol: str) -> list[Row]:
    rules = RULES[symbol]
    return [
        {
            "rowNum": number,
            "notionalLimit": str(50_000 * 10**number),
            "maxLeverage": str(max(1, rules.max_leverage // number)),
            "maintMarginRatio": text(rules.maintenance_ratio * number),
            "quickDeduction": "0",
        }
        for number in (1, 2)
    ]


def trades(face: "PionexFace", call: Call) -> Row:
    limit = integer(call, "limit", 100, low=10, high=500)
    symbol = symbol_of(call)
    newest = list(face.market.trades[perpetual_of(symbol)])[-limit:]
    return {"trades": [trade_row(trade, symbol) | {"timestamp": str(trade.at_ms)} for trade in reversed(newest)]}


def trade_row(trade: Trade, symbol: str) -> Row:
    return {
        "symbol": ALL_NAMES[symbol],
        "tradeId": str(trade.id),
        "price": text(trade.price),
        "size": text(trade.quantity),
        "side": SIDE[trade.side],
        "timestamp": trade.at_ms,
    }


def levels(face: "PionexFace", symbol: str, *, depth: int) -> Row:
    sides = {}
    for name, taker in (("bids", Side.SELL), ("asks", Side.BUY)):
        found = ladder(face.market.quotes[symbol], rules=ALL_RULES[symbol], taker=taker, depth=min(depth, BOOK_LEVELS))
        sides[name] = [[text(level.price), text(level.quantity)] for level in found]
    return sides


def depth(face: "PionexFace", call: Call) -> Row:
    symbol = symbol_of(call)
    found = levels(face, symbol, depth=integer(call, "limit", 20, low=1, high=1000))
    return found | {"updateTime": face.market.quotes[symbol].at_ms}


def tickers(face: "PionexFace", call: Call) -> Row:
    return {"tickers": listed([_ticker(face, symbol) for symbol in sorted(_meant(call, default="SPOT"))])}


def _ticker(face: "PionexFace", symbol: str) -> Row:
    quote, day = face.market.quotes[symbol], face.market.day(symbol)
    return {
        "symbol": ALL_NAMES[symbol],
        "time": -(-quote.at_ms // 1000) * 1000,
        "open": f"{day.open:.10g}",
        "close": text(quote.last),
        "high": f"{max(day.high, float(quote.last)):.10g}",
        "low": f"{min(day.low, float(quote.last)):.10g}",
        "volume": f"{day.volume:.4f}",
        "amount": f"{day.turnover:.4f}",
        "count": len(face.market.trades[perpetual_of(symbol)]),
    }


def book_tickers(face: "PionexFace", call: Call) -> Row:
    return {"tickers": listed([_book_ticker(face, symbol) for symbol in sorted(_meant(call, default="PERP"))])}


def _book_ticker(face: "PionexFace", symbol: str) -> Row:
    best = levels(face, symbol, depth=1)
    (bid_price, bid_size), (ask_price, ask_size) = best["bids"][0], best["asks"][0]
    return {
        "symbol": ALL_NAMES[symbol],
        "bidPrice": bid_price,
        "bidSize": bid_size,
        "askPrice": ask_price,
        "askSize": ask_size,
        "timestamp": face.market.quotes[symbol].at_ms,
    }


def klines(face: "PionexFace", call: Call) -> Row:
    """Newest first, counted back from `endTime`, whose bar belongs to them."""
    symbol, timeframe_s = symbol_of(call), INTERVALS.get(call.params.get("interval", ""))
    if timeframe_s is None:
        raise market_parameter("interval")
    limit = integer(call, "limit", 100, low=1, high=500)
    end_ms = integer(call, "endTime", call.now_ms)
    start_ms = max(0, end_ms - limit * timeframe_s * 1000)
    candles = face.market.candles(symbol, timeframe_s=timeframe_s, start_ms=start_ms, end_ms=end_ms, limit=limit)
    rows = [
        {"time": candle.open_ms}
        | {name: f"{getattr(candle, name):.10g}" for name in ("open", "close", "high", "low", "volume")}
        for candle in reversed(candles)
    ]
    return {"klines": listed(rows)}


def indexes(face: "PionexFace", call: Call) -> Row:
    return {"indexes": [index_row(face, symbol) for symbol in sorted(_perpetuals(call))]}


def index_row(face: "PionexFace", symbol: str) -> Row:
    quote = face.market.quotes[symbol]
    return {
        "symbol": NAMES[symbol],
        "indexPrice": text(quote.mark),
        "markPrice": text(quote.mark),
        "nextFundingRate": text(face.market.funding_rate(symbol, at_ms=quote.at_ms)),
        "nextFundingTime": face.market.next_funding_ms(at_ms=quote.at_ms),
        "updateTime": quote.at_ms,
    }


def funding_rates(face: "PionexFace", call: Call) -> Row:
    """Newest first, all of them before `endTime`."""
    symbol, limit = perpetual(call), integer(call, "limit", 1, low=1, high=500)
    end_ms = min(integer(call, "endTime", call.now_ms), call.now_ms)
    newest = (end_ms - 1) // FUNDING_INTERVAL_MS * FUNDING_INTERVAL_MS
    rates = [
        {"fundingRate": text(face.market.funding_rate(symbol, at_ms=at_ms - 1)), "fundingTime": at_ms}
        for at_ms in (newest - number * FUNDING_INTERVAL_MS for number in range(limit))
        if at_ms > 0
    ]
    return {"symbol": NAMES[symbol], "rates": listed(rates)}


def open_interests(face: "PionexFace", call: Call) -> Row:
    return {"openInterests": [{"symbol": name, "openInterest": "50000"} for name in sorted(SYMBOLS)]}
