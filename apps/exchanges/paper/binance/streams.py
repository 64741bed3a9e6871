"""What Binance's public streams say about a quote."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import orjson

from apps.exchanges.paper.binance.market import INTERVALS, book_ticker_row, day_row, levels, premium_row
from apps.exchanges.paper.binance.rows import NAMES, Row
from apps.exchanges.paper.binance.socket import COMBINED
from apps.exchanges.paper.market import Trade
from cts.domain.types import Side
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.binance.face import BinanceFace


def broadcast(face: "BinanceFace", symbol: str, *, is_new_second: bool) -> None:
    name = NAMES[symbol].lower()
    for topic, make in _public(face, symbol, name=name, is_new_second=is_new_second):
        cast(face, topic, make)


def cast(face: "BinanceFace", topic: str, make: Callable[[], object], *, prefix: str = "") -> None:
    """To the sockets that want it as it is, and to those that want its name beside it."""
    plain, combined = face.topics.get(prefix + topic), face.topics.get(COMBINED + prefix + topic)
    if not plain and not combined:
        return
    body = orjson.dumps(make())
    if plain:
        face.cast(prefix + topic, body)
    if combined:
        face.cast(COMBINED + prefix + topic, b'{"stream":"' + topic.encode() + b'","data":' + body + b"}")


def _public(
    face: "BinanceFace", symbol: str, *, name: str, is_new_second: bool
) -> Iterator[tuple[str, Callable[[], object]]]:
    yield f"{name}@bookTicker", lambda: _book_ticker(face, symbol)
    yield "!bookTicker", lambda: _book_ticker(face, symbol)
    yield f"{name}@aggTrade", lambda: trade_event(face.market.last_trade(symbol), name=NAMES[symbol])
    for depth in (5, 10, 20):
        for speed in ("", "@100ms", "@500ms"):
            yield f"{name}@depth{depth}{speed}", lambda depth=depth: _partial_book(face, symbol, depth)  # type: ignore[misc]
    for interval, timeframe_s in INTERVALS.items():
        topic = f"{name}@kline_{interval}"
        if face.topics.get(topic) or face.topics.get(COMBINED + topic):
            for row in candle_events(face, symbol, name=NAMES[symbol], interval=interval, timeframe_s=timeframe_s):
                yield topic, lambda row=row: row  # type: ignore[misc]
    if is_new_second:
        yield f"{name}@ticker", lambda: _day(face, symbol)
        yield "!ticker@arr", lambda: [_day(face, symbol)]
        for speed in ("", "@1s"):
            yield f"{name}@markPrice{speed}", lambda: _mark(face, symbol)
            yield f"!markPrice@arr{speed}", lambda: [_mark(face, symbol)]


def _book_ticker(face: "BinanceFace", symbol: str) -> Row:
    row = book_ticker_row(face, symbol)
    at_ms = row["time"]
    return {
        "e": "bookTicker",
        "u": at_ms,
        "E": at_ms,
        "T": at_ms,
        "s": row["symbol"],
        "b": row["bidPrice"],
        "B": row["bidQty"],
        "a": row["askPrice"],
        "A": row["askQty"],
    }


def trade_event(trade: Trade, *, name: str) -> Row:
    return {
        "e": "aggTrade",
        "E": trade.at_ms,
        "a": trade.id,
        "s": name,
        "p": text(trade.price),
        "q": text(trade.quantity),
        "f": trade.id,
        "l": trade.id,
        "T": trade.at_ms,
        "m": trade.side is Side.SELL,
    }


def _partial_book(face: "BinanceFace", symbol: str, depth: int) -> Row:
    at_ms = face.market.quotes[symbol].at_ms
    sides = levels(face, symbol, depth=depth)
    head = {"e": "depthUpdate", "E": at_ms, "T": at_ms, "s": NAMES[symbol], "U": at_ms, "u": at_ms, "pu": at_ms - 1}
    return {**head, "b": sides["bids"], "a": sides["asks"]}


def candle_events(face: "BinanceFace", symbol: str, *, name: str, interval: str, timeframe_s: int) -> Iterator[Row]:
    """The running bar; with the first second of a new one also the finished one, marked as such."""
    at_ms = face.market.quotes[symbol].at_ms
    since = at_ms - timeframe_s * 1000
    candles = face.market.candles(symbol, timeframe_s=timeframe_s, start_ms=since, end_ms=at_ms, limit=2)
    is_fresh = at_ms // 1000 % timeframe_s == 0
    for candle in candles if is_fresh else candles[-1:]:
        number = "{:.10g}".format
        bar = {
            "t": candle.open_ms,
            "T": candle.open_ms + timeframe_s * 1000 - 1,
            "s": name,
            "i": interval,
            "f": 1,
            "L": 2,
            "o": number(candle.open),
            "c": number(candle.close),
            "h": number(candle.high),
            "l": number(candle.low),
            "v": number(candle.volume),
            "n": 1,
            "x": candle.is_closed,
            "q": f"{candle.volume * candle.close:.4f}",
            "V": "0",
            "Q": "0",
            "B": "0",
        }
        yield {"e": "kline", "E": at_ms, "s": name, "k": bar}


def _day(face: "BinanceFace", symbol: str) -> Row:
    row = day_row(face, symbol)
    names = {
        "s": "symbol", "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice", "c": "lastPrice",
        "Q": "lastQty", "o": "openPrice", "h": "highPrice", "l": "lowPrice", "v": "volume", "q": "quoteVolume",
        "O": "openTime", "C": "closeTime", "F": "firstId", "L": "lastId", "n": "count",
    }  # fmt: skip
    return {"e": "24hrTicker", "E": row["closeTime"], **{short: row[long] for short, long in names.items()}}


def _mark(face: "BinanceFace", symbol: str) -> Row:
    row = premium_row(face, symbol)
    return {
        "e": "markPriceUpdate",
        "E": row["time"],
        "s": row["symbol"],
        "p": row["markPrice"],
        "i": row["indexPrice"],
        "P": row["estimatedSettlePrice"],
        "r": row["lastFundingRate"],
        "T": row["nextFundingTime"],
    }
