"""Binance's public doors."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.binance.errors import BinanceError, missing
from apps.exchanges.paper.binance.rows import NAMES, RULES, SYMBOLS, Row
from apps.exchanges.paper.face import Call
from apps.exchanges.paper.market import FUNDING_INTERVAL_MS, Trade
from cts.domain.matching.book import ladder
from cts.domain.types import Candle, Side
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.binance.face import BinanceFace

INTERVALS = {
    "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "2h": 7200, "4h": 14_400, "6h": 21_600,
    "8h": 28_800, "12h": 43_200, "1d": 86_400, "3d": 259_200, "1w": 604_800,
}  # fmt: skip


def symbol_of(call: Call) -> str:
    name = call.params.get("symbol", "")
    if not name:
        raise missing("symbol")
    if name not in SYMBOLS:
        raise BinanceError(-1121, "Invalid symbol.")
    return SYMBOLS[name]


def symbols_of(call: Call) -> list[str]:
    return [symbol_of(call)] if call.params.get("symbol") else list(NAMES)


def one_or_all(call: Call, rows: list[Row]) -> object:
    """A named symbol is answered with an object, all of them with a list."""
    return rows[0] if call.params.get("symbol") else rows


def integer(call: Call, name: str, default: int, *, high: int | None = None) -> int:
    raw = call.params.get(name) or str(default)
    if not raw.isdigit():
        raise BinanceError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    return int(raw) if high is None else max(1, min(int(raw), high))


def ping(face: "BinanceFace", call: Call) -> object:
    return {}


def time(face: "BinanceFace", call: Call) -> object:
    return {"serverTime": call.now_ms}


def candle_row(candle: Candle, *, timeframe_s: int) -> list[object]:
    number = "{:.10g}".format
    prices = [number(value) for value in (candle.open, candle.high, candle.low, candle.close, candle.volume)]
    quote_volume = candle.volume * candle.close
    return [
        candle.open_ms,
        *prices,
        candle.open_ms + timeframe_s * 1000 - 1,
        f"{quote_volume:.4f}",
        int(candle.volume) + 1,
        number(candle.volume / 2),
        f"{quote_volume / 2:.4f}",
        "0",
    ]


def klines(face: "BinanceFace", call: Call) -> object:
    """Ascending, the running bar last. With a start alone they count forward from it."""
    symbol = symbol_of(call)
    timeframe_s = INTERVALS.get(call.params.get("interval", ""))
    if timeframe_s is None:
        raise BinanceError(-1120, "Invalid interval.")
    limit = integer(call, "limit", 500, high=1500)
    start_ms, end_ms = integer(call, "startTime", 0), integer(call, "endTime", call.now_ms)
    if start_ms:
        end_ms = min(end_ms, start_ms + (limit - 1) * timeframe_s * 1000 + timeframe_s * 1000 - 1)
    candles = face.market.candles(symbol, timeframe_s=timeframe_s, start_ms=start_ms, end_ms=end_ms, limit=limit)
    return [candle_row(candle, timeframe_s=timeframe_s) for candle in candles]


def day_row(face: "BinanceFace", symbol: str) -> Row:
    quote, day = face.market.quotes[symbol], face.market.day(symbol)
    last = float(quote.last)
    return {
        "symbol": NAMES[symbol],
        "priceChange": f"{last - day.open:.8f}",
        "priceChangePercent": f"{(last / day.open - 1) * 100:.3f}",
        "weightedAvgPrice": f"{day.turnover / day.volume:.8f}",
        "lastPrice": text(quote.last),
        "lastQty": text(face.market.trades[symbol][-1].quantity),
        "openPrice": f"{day.open:.10g}",
        "highPrice": f"{max(day.high, last):.10g}",
        "lowPrice": f"{min(day.low, last):.10g}",
        "volume": f"{day.volume:.3f}",
        "quoteVolume": f"{day.turnover:.2f}",
        "openTime": quote.at_ms - 86_400_000,
        "closeTime": quote.at_ms,
        "firstId": 1,
        "lastId": face.market.trades[symbol][-1].id,
        "count": 1_000_000,
    }


def day_tickers(face: "BinanceFace", call: Call) -> object:
    return one_or_all(call, [day_row(face, symbol) for symbol in symbols_of(call)])


def book_ticker_row(face: "BinanceFace", symbol: str) -> Row:
    quote = face.market.quotes[symbol]
    bid = next(ladder(quote, rules=RULES[symbol], taker=Side.SELL))
    ask = next(ladder(quote, rules=RULES[symbol], taker=Side.BUY))
    return {
        "symbol": NAMES[symbol],
        "bidPrice": text(bid.price),
        "bidQty": text(bid.quantity),
        "askPrice": text(ask.price),
        "askQty": text(ask.quantity),
        "time": quote.at_ms,
        "lastUpdateId": quote.at_ms,
    }


def book_tickers(face: "BinanceFace", call: Call) -> object:
    return one_or_all(call, [book_ticker_row(face, symbol) for symbol in symbols_of(call)])


def prices(face: "BinanceFace", call: Call) -> object:
    quotes = [face.market.quotes[symbol] for symbol in symbols_of(call)]
    return one_or_all(call, [{"symbol": NAMES[q.symbol], "price": text(q.last), "time": q.at_ms} for q in quotes])


def premium_row(face: "BinanceFace", symbol: str) -> Row:
    quote = face.market.quotes[symbol]
    return {
        "symbol": NAMES[symbol],
        "markPrice": text(quote.mark),
        "indexPrice": text(quote.mark),
        "estimatedSettlePrice": text(quote.mark),
        "lastFundingRate": text(face.market.funding_rate(symbol, at_ms=quote.at_ms)),
        "interestRate": "0.00010000",
        "nextFundingTime": face.market.next_funding_ms(at_ms=quote.at_ms),
        "time": quote.at_ms,
    }


def premium_index(face: "BinanceFace", call: Call) -> object:
    return one_or_all(call, [premium_row(face, symbol) for symbol in symbols_of(call)])


def levels(face: "BinanceFace", symbol: str, *, depth: int) -> dict[str, list[list[str]]]:
    quote = face.market.quotes[symbol]
    sides = {}
    for key, taker in (("bids", Side.SELL), ("asks", Side.BUY)):
        found = ladder(quote, rules=RULES[symbol], taker=taker, depth=depth)
        sides[key] = [[text(level.price), text(level.quantity)] for level in found]
    return sides


def depth(face: "BinanceFace", call: Call) -> object:
    symbol = symbol_of(call)
    wanted = integer(call, "limit", 500, high=1000)
    at_ms = face.market.quotes[symbol].at_ms
    return {"lastUpdateId": at_ms, "E": at_ms, "T": at_ms, **levels(face, symbol, depth=min(wanted, 50))}


def _newest_trades(face: "BinanceFace", call: Call) -> list[Trade]:
    return list(face.market.trades[symbol_of(call)])[-integer(call, "limit", 500, high=1000) :]


def aggregate_trades(face: "BinanceFace", call: Call) -> object:
    return [
        {
            "a": t.id,
            "p": text(t.price),
            "q": text(t.quantity),
            "f": t.id,
            "l": t.id,
            "T": t.at_ms,
            "m": t.side is Side.SELL,
        }
        for t in _newest_trades(face, call)
    ]


def trades(face: "BinanceFace", call: Call) -> object:
    return [
        {
            "id": t.id,
            "price": text(t.price),
            "qty": text(t.quantity),
            "quoteQty": text(t.price * t.quantity),
            "time": t.at_ms,
            "isBuyerMaker": t.side is Side.SELL,
        }
        for t in _newest_trades(face, call)
    ]


def funding_rates(face: "BinanceFace", call: Call) -> object:
    """Ascending, settled intervals only."""
    symbol = symbol_of(call)
    limit = integer(call, "limit", 100, high=1000)
    newest = min(integer(call, "endTime", call.now_ms), call.now_ms) // FUNDING_INTERVAL_MS * FUNDING_INTERVAL_MS
    oldest = max(integer(call, "startTime", 0), newest - (limit - 1) * FUNDING_INTERVAL_MS)
    first = -(-oldest // FUNDING_INTERVAL_MS) * FUNDING_INTERVAL_MS
    return [
        {
            "symbol": NAMES[symbol],
            "fundingTime": at_ms,
            "fundingRate": text(face.market.funding_rate(symbol, at_ms=at_ms - 1)),
            "markPrice": text(face.market.quotes[symbol].mark),
        }
        for at_ms in range(first, newest + 1, FUNDING_INTERVAL_MS)
    ]


def funding_info(face: "BinanceFace", call: Call) -> object:
    return []
