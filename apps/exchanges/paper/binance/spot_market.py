"""Binance's public doors for spot: the same market as the perpetuals', at the same price."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.binance.errors import BinanceError, missing
from apps.exchanges.paper.binance.market import INTERVALS, candle_row, integer, one_or_all
from apps.exchanges.paper.binance.rows import Row
from apps.exchanges.paper.binance.spot_rows import SPOT_NAMES, SPOT_RULES, SPOT_SYMBOLS, symbol_row
from apps.exchanges.paper.face import Call
from apps.exchanges.paper.market import perpetual_of
from cts.domain.matching.book import ladder
from cts.domain.types import Side
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.binance.face import BinanceFace

DAY_MS = 86_400_000


def symbol_of(call: Call) -> str:
    name = call.params.get("symbol", "")
    if name not in SPOT_SYMBOLS:
        raise BinanceError(-1121, "Invalid symbol.") if name else missing("symbol")
    return SPOT_SYMBOLS[name]


def symbols_of(call: Call) -> list[str]:
    return [symbol_of(call)] if call.params.get("symbol") else list(SPOT_NAMES)


def exchange_info(face: "BinanceFace", call: Call) -> object:
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
    ]
    rows = [symbol_row(symbol) for symbol in symbols_of(call)]
    return {
        "timezone": "UTC",
        "serverTime": call.now_ms,
        "rateLimits": limits,
        "exchangeFilters": [],
        "symbols": rows,
    }


def klines(face: "BinanceFace", call: Call) -> object:
    symbol, timeframe_s = symbol_of(call), INTERVALS.get(call.params.get("interval", ""))
    if timeframe_s is None:
        raise BinanceError(-1120, "Invalid interval.")
    limit = integer(call, "limit", 500, high=1000)
    start_ms, end_ms = integer(call, "startTime", 0), integer(call, "endTime", call.now_ms)
    if start_ms:
        end_ms = min(end_ms, start_ms + limit * timeframe_s * 1000 - 1)
    candles = face.market.candles(symbol, timeframe_s=timeframe_s, start_ms=start_ms, end_ms=end_ms, limit=limit)
    return [candle_row(candle, timeframe_s=timeframe_s) for candle in candles]


def quotes_row(face: "BinanceFace", symbol: str) -> Row:
    quote, rules = face.market.quotes[symbol], SPOT_RULES[symbol]
    bid, ask = (next(ladder(quote, rules=rules, taker=side)) for side in (Side.SELL, Side.BUY))
    return {
        "symbol": SPOT_NAMES[symbol],
        "bidPrice": text(bid.price),
        "bidQty": text(bid.quantity),
        "askPrice": text(ask.price),
        "askQty": text(ask.quantity),
    }


def book_tickers(face: "BinanceFace", call: Call) -> object:
    return one_or_all(call, [quotes_row(face, symbol) for symbol in symbols_of(call)])


def prices(face: "BinanceFace", call: Call) -> object:
    quotes = [face.market.quotes[symbol] for symbol in symbols_of(call)]
    return one_or_all(call, [{"symbol": SPOT_NAMES[q.symbol], "price": text(q.last)} for q in quotes])


def day_row(face: "BinanceFace", symbol: str) -> Row:
    quote, day, trade = face.market.quotes[symbol], face.market.day(symbol), face.market.last_trade(symbol)
    last = float(quote.last)
    return {
        **quotes_row(face, symbol),
        "priceChange": f"{last - day.open:.8f}",
        "priceChangePercent": f"{(last / day.open - 1) * 100:.3f}",
        "weightedAvgPrice": f"{day.turnover / day.volume:.8f}",
        "prevClosePrice": f"{day.open:.10g}",
        "lastPrice": text(quote.last),
        "lastQty": text(trade.quantity),
        "openPrice": f"{day.open:.10g}",
        "highPrice": f"{max(day.high, last):.10g}",
        "lowPrice": f"{min(day.low, last):.10g}",
        "volume": f"{day.volume:.3f}",
        "quoteVolume": f"{day.turnover:.2f}",
        "openTime": quote.at_ms - DAY_MS,
        "closeTime": quote.at_ms,
        "firstId": 1,
        "lastId": trade.id,
        "count": 1_000_000,
    }


def day_tickers(face: "BinanceFace", call: Call) -> object:
    return one_or_all(call, [day_row(face, symbol) for symbol in symbols_of(call)])


def depth(face: "BinanceFace", call: Call) -> object:
    symbol, wanted = symbol_of(call), integer(call, "limit", 100, high=5000)
    quote = face.market.quotes[symbol]
    sides = {}
    for key, taker in (("bids", Side.SELL), ("asks", Side.BUY)):
        levels = ladder(quote, rules=SPOT_RULES[symbol], taker=taker, depth=min(wanted, 50))
        sides[key] = [[text(level.price), text(level.quantity)] for level in levels]
    return {"lastUpdateId": quote.at_ms, **sides}


def trades(face: "BinanceFace", call: Call) -> object:
    found = list(face.market.trades[perpetual_of(symbol_of(call))])[-integer(call, "limit", 500, high=1000) :]
    return [
        {
            "id": trade.id,
            "price": text(trade.price),
            "qty": text(trade.quantity),
            "quoteQty": text(trade.price * trade.quantity),
            "time": trade.at_ms,
            "isBuyerMaker": trade.side is Side.SELL,
            "isBestMatch": True,
        }
        for trade in found
    ]
