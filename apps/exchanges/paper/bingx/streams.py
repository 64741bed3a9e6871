"""What BingX's public topics say about a quote."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import orjson

from apps.exchanges.paper.bingx.market import INTERVALS, book_row, day_row, levels, premium_row
from apps.exchanges.paper.bingx.rows import NAMES, RULES, Row
from cts.domain.matching.book import ladder
from cts.domain.types import Side
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.bingx.face import BingxFace

DEPTHS = (5, 10, 20, 50, 100)
SPEEDS = ("", "@200ms", "@500ms")
KINDS = frozenset(
    {"ticker", "lastPrice", "markPrice", "bookTicker", "trade"}
    | {f"kline_{interval}" for interval in INTERVALS}
    | {f"depth{depth}{speed}" for depth in DEPTHS for speed in SPEEDS}
)


def broadcast(face: "BingxFace", symbol: str, *, is_new_second: bool) -> None:
    for topic, make in _public(face, symbol, is_new_second=is_new_second):
        if face.topics.get(topic):
            face.cast(topic, orjson.dumps({"code": 0, "dataType": topic, **make()}))


def _public(face: "BingxFace", symbol: str, *, is_new_second: bool) -> Iterator[tuple[str, Callable[[], Row]]]:
    name, at_ms = NAMES[symbol], face.market.quotes[symbol].at_ms
    yield f"{name}@lastPrice", lambda: {"data": _last_price(face, symbol)}
    yield f"{name}@trade", lambda: {"data": [_trade(face, symbol)]}
    yield f"{name}@bookTicker", lambda: {"data": _book(face, symbol)}
    for depth in DEPTHS:
        for speed in SPEEDS:
            topic = f"{name}@depth{depth}{speed}"
            yield topic, lambda depth=depth: {"ts": at_ms, "data": levels(face, symbol, depth=min(depth, 50))}  # type: ignore[misc]
    for interval, timeframe_s in INTERVALS.items():
        topic = f"{name}@kline_{interval}"
        yield topic, lambda frame=timeframe_s: {"s": name, "data": [_candle(face, symbol, frame)]}  # type: ignore[misc]
    if is_new_second:
        yield f"{name}@ticker", lambda: {"data": _ticker(face, symbol)}
        yield f"{name}@markPrice", lambda: {"data": _mark(face, symbol)}


def _last_price(face: "BingxFace", symbol: str) -> Row:
    quote = face.market.quotes[symbol]
    return {"e": "lastPriceUpdate", "E": quote.at_ms, "s": NAMES[symbol], "c": text(quote.last)}


def _trade(face: "BingxFace", symbol: str) -> Row:
    trade = face.market.trades[symbol][-1]
    is_sold = trade.side is Side.SELL
    return {"q": text(trade.quantity), "p": text(trade.price), "T": trade.at_ms, "m": is_sold, "s": NAMES[symbol]}


def _book(face: "BingxFace", symbol: str) -> Row:
    quote = face.market.quotes[symbol]
    bid = next(ladder(quote, rules=RULES[symbol], taker=Side.SELL))
    ask = next(ladder(quote, rules=RULES[symbol], taker=Side.BUY))
    return {
        "e": "bookTicker",
        "u": quote.at_ms,
        "E": quote.at_ms,
        "T": quote.at_ms,
        "s": NAMES[symbol],
        "b": text(bid.price),
        "B": text(bid.quantity),
        "a": text(ask.price),
        "A": text(ask.quantity),
    }


def _candle(face: "BingxFace", symbol: str, timeframe_s: int) -> Row:
    """The running bar; its time is that of its opening, though it is spelled like a close."""
    at_ms = face.market.quotes[symbol].at_ms
    since = at_ms - timeframe_s * 1000
    candle = face.market.candles(symbol, timeframe_s=timeframe_s, start_ms=since, end_ms=at_ms, limit=1)[-1]
    number = "{:.10g}".format
    prices = {"c": candle.close, "o": candle.open, "h": candle.high, "l": candle.low, "v": candle.volume}
    return {**{name: number(value) for name, value in prices.items()}, "T": candle.open_ms}


def _ticker(face: "BingxFace", symbol: str) -> Row:
    row, book = day_row(face, symbol), book_row(face, symbol)
    return {
        "e": "24hTicker",
        "E": row["closeTime"],
        "s": row["symbol"],
        "p": row["priceChange"],
        "P": row["priceChangePercent"].removesuffix("%"),
        "c": row["lastPrice"],
        "L": row["lastQty"],
        "h": row["highPrice"],
        "l": row["lowPrice"],
        "v": row["volume"],
        "q": row["quoteVolume"],
        "o": row["openPrice"],
        "O": row["openTime"],
        "C": row["closeTime"],
        "A": f"{book['ask_price']:.10g}",
        "a": f"{book['ask_qty']:.10g}",
        "B": f"{book['bid_price']:.10g}",
        "b": f"{book['bid_qty']:.10g}",
    }


def _mark(face: "BingxFace", symbol: str) -> Row:
    row = premium_row(face, symbol)
    return {"e": "markPriceUpdate", "E": row["updateTime"], "s": row["symbol"], "p": row["markPrice"]}
