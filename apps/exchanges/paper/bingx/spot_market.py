"""BingX's public doors for spot: the same market as the perpetuals', at the same price."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.bingx.errors import BingxError, invalid
from apps.exchanges.paper.bingx.market import INTERVALS, integer
from apps.exchanges.paper.bingx.rows import Row
from apps.exchanges.paper.bingx.spot_rows import SPOT_NAMES, SPOT_RULES, SPOT_SYMBOLS, symbol_row
from apps.exchanges.paper.face import Call
from apps.exchanges.paper.market import perpetual_of
from cts.domain.matching.book import Level, ladder
from cts.domain.types import Side
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.bingx.face import BingxFace

DAY_MS = 86_400_000


def symbol_of(call: Call) -> str:
    name = call.params.get("symbol", "")
    if not name:
        raise invalid("symbol")
    if name not in SPOT_SYMBOLS:
        raise BingxError(100204, f"{name[:40]} is not listed")
    return SPOT_SYMBOLS[name]


def symbols_of(call: Call) -> list[str]:
    return [symbol_of(call)] if call.params.get("symbol") else list(SPOT_NAMES)


def symbols(face: "BingxFace", call: Call) -> object:
    return {"symbols": [symbol_row(symbol) for symbol in symbols_of(call)]}


def klines(face: "BingxFace", call: Call) -> object:
    """Newest first; both bounds belong to the window. Rows end with the close's time and the turnover."""
    symbol, timeframe_s = symbol_of(call), INTERVALS.get(call.params.get("interval", ""))
    if timeframe_s is None:
        raise invalid("interval")
    limit = integer(call, "limit", 500, high=1000)
    start_ms, end_ms = integer(call, "startTime", 0), integer(call, "endTime", call.now_ms)
    if start_ms and not call.params.get("endTime"):
        end_ms = start_ms + limit * timeframe_s * 1000
    found = face.market.candles(
        symbol, timeframe_s=timeframe_s, start_ms=start_ms, end_ms=min(end_ms, call.now_ms), limit=limit
    )
    return [
        [c.open_ms, c.open, c.high, c.low, c.close, c.volume, c.open_ms + timeframe_s * 1000 - 1, c.volume * c.close]
        for c in reversed(found)
    ]


def best(face: "BingxFace", symbol: str) -> tuple[Level, Level]:
    """Bid and ask."""
    quote, rules = face.market.quotes[symbol], SPOT_RULES[symbol]
    return next(ladder(quote, rules=rules, taker=Side.SELL)), next(ladder(quote, rules=rules, taker=Side.BUY))


def day_row(face: "BingxFace", symbol: str) -> Row:
    """Numbers, but for the percentage."""
    quote, day, (bid, ask) = face.market.quotes[symbol], face.market.day(symbol), best(face, symbol)
    last = float(quote.last)
    return {
        "symbol": SPOT_NAMES[symbol],
        "openPrice": day.open,
        "highPrice": max(day.high, last),
        "lowPrice": min(day.low, last),
        "lastPrice": last,
        "priceChange": round(last - day.open, 8),
        "priceChangePercent": f"{(last / day.open - 1) * 100:.2f}%",
        "volume": day.volume,
        "quoteVolume": day.turnover,
        "openTime": quote.at_ms - DAY_MS,
        "closeTime": quote.at_ms,
        "bidPrice": float(bid.price),
        "bidQty": float(bid.quantity),
        "askPrice": float(ask.price),
        "askQty": float(ask.quantity),
    }


def day_tickers(face: "BingxFace", call: Call) -> object:
    """Always a list."""
    return [day_row(face, symbol) for symbol in symbols_of(call)]


def book_tickers(face: "BingxFace", call: Call) -> object:
    symbol = symbol_of(call)
    bid, ask = best(face, symbol)
    return [
        {
            "eventType": "bookTicker",
            "time": face.market.quotes[symbol].at_ms,
            "symbol": SPOT_NAMES[symbol],
            "bidPrice": text(bid.price),
            "bidVolume": text(bid.quantity),
            "askPrice": text(ask.price),
            "askVolume": text(ask.quantity),
        }
    ]


def levels(face: "BingxFace", symbol: str, *, depth: int) -> dict[str, list[list[str]]]:
    """Bids from the best down, asks from the worst down."""
    quote, rules, sides = face.market.quotes[symbol], SPOT_RULES[symbol], {}
    for key, taker in (("bids", Side.SELL), ("asks", Side.BUY)):
        found = [[text(v.price), text(v.quantity)] for v in ladder(quote, rules=rules, taker=taker, depth=depth)]
        sides[key] = found if key == "bids" else found[::-1]
    return sides


def depth(face: "BingxFace", call: Call) -> object:
    symbol = symbol_of(call)
    sides = levels(face, symbol, depth=min(integer(call, "limit", 20, high=1000), 50))
    return {**sides, "ts": face.market.quotes[symbol].at_ms}


def trades(face: "BingxFace", call: Call) -> object:
    newest = list(face.market.trades[perpetual_of(symbol_of(call))])[-integer(call, "limit", 100, high=500) :]
    return [
        {
            "id": trade.id,
            "price": float(trade.price),
            "qty": float(trade.quantity),
            "time": trade.at_ms,
            "buyerMaker": trade.side is Side.SELL,
        }
        for trade in newest
    ]
