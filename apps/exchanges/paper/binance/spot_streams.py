"""What Binance's spot streams say about a quote."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from apps.exchanges.paper.binance import spot_market
from apps.exchanges.paper.binance.market import INTERVALS
from apps.exchanges.paper.binance.rows import Row
from apps.exchanges.paper.binance.spot_rows import SPOT_NAMES
from apps.exchanges.paper.binance.streams import candle_events, trade_event

if TYPE_CHECKING:
    from apps.exchanges.paper.binance.face import BinanceFace


def streams(
    face: "BinanceFace", symbol: str, *, is_new_second: bool, is_wanted: Callable[[str], bool]
) -> Iterator[tuple[str, Callable[[], object]]]:
    name = SPOT_NAMES[symbol].lower()
    yield f"{name}@bookTicker", lambda: _quotes(face, symbol)
    for kind in ("aggTrade", "trade"):
        yield f"{name}@{kind}", lambda kind=kind: _trade(face, symbol, kind)  # type: ignore[misc]
    for interval, timeframe_s in INTERVALS.items():
        if is_wanted(f"{name}@kline_{interval}"):
            for row in candle_events(face, symbol, name=SPOT_NAMES[symbol], interval=interval, timeframe_s=timeframe_s):
                yield f"{name}@kline_{interval}", lambda row=row: row  # type: ignore[misc]
    if is_new_second:
        yield f"{name}@ticker", lambda: _day(face, symbol)


def _quotes(face: "BinanceFace", symbol: str) -> Row:
    row = spot_market.quotes_row(face, symbol)
    names = {"s": "symbol", "b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty"}
    return {"u": face.market.quotes[symbol].at_ms, **{short: row[long] for short, long in names.items()}}


def _trade(face: "BinanceFace", symbol: str, kind: str) -> Row:
    row = trade_event(face.market.last_trade(symbol), name=SPOT_NAMES[symbol]) | {"M": True}
    return row if kind == "aggTrade" else {**row, "e": "trade", "t": row["a"]}


def _day(face: "BinanceFace", symbol: str) -> Row:
    row = spot_market.day_row(face, symbol)
    names = {
        "s": "symbol", "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice", "x": "prevClosePrice",
        "c": "lastPrice", "Q": "lastQty", "b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty",
        "o": "openPrice", "h": "highPrice", "l": "lowPrice", "v": "volume", "q": "quoteVolume", "O": "openTime",
        "C": "closeTime", "F": "firstId", "L": "lastId", "n": "count",
    }  # fmt: skip
    return {"e": "24hrTicker", "E": row["closeTime"], **{short: row[long] for short, long in names.items()}}
