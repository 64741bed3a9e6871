"""BingX's public doors."""

from typing import TYPE_CHECKING

from apps.exchanges.paper.bingx.errors import BingxError, invalid
from apps.exchanges.paper.bingx.rows import NAMES, POLICY, RULES, SYMBOLS, Row
from apps.exchanges.paper.face import Call
from apps.exchanges.paper.market import FUNDING_INTERVAL_MS
from cts.domain.matching.book import ladder
from cts.domain.types import Candle, Side
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.bingx.face import BingxFace

INTERVALS = {
    "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "2h": 7200, "4h": 14_400, "6h": 21_600,
    "8h": 28_800, "12h": 43_200, "1d": 86_400, "3d": 259_200, "1w": 604_800,
}  # fmt: skip
DEPTHS = (5, 10, 20, 50, 100, 500, 1000)


def symbol_of(call: Call) -> str:
    name = call.params.get("symbol", "")
    if not name:
        raise invalid("symbol")
    if name not in SYMBOLS:
        raise BingxError(109425, f"{name[:40]} is not listed")
    return SYMBOLS[name]


def integer(call: Call, name: str, default: int, *, high: int | None = None) -> int:
    raw = call.params.get(name) or str(default)
    if not (raw.isascii() and raw.isdigit() and len(raw) < 20):
        raise invalid(name)
    return int(raw) if high is None else max(1, min(int(raw), high))


def time(face: "BingxFace", call: Call) -> object:
    return {"serverTime": call.now_ms}


def contracts(face: "BingxFace", call: Call) -> object:
    symbols = [symbol_of(call)] if call.params.get("symbol") else list(NAMES)
    return [_contract(symbol, number=100 + index) for index, symbol in enumerate(symbols)]


def _contract(symbol: str, *, number: int) -> Row:
    """Steps are told as numbers of decimals. Flags are text, rates are numbers."""
    rules = RULES[symbol]
    return {
        "contractId": str(number),
        "symbol": NAMES[symbol],
        "size": text(rules.lot_step),
        "quantityPrecision": _decimals(text(rules.lot_step)),
        "pricePrecision": _decimals(text(rules.tick_size)),
        "feeRate": float(POLICY.taker_fee_rate),
        "makerFeeRate": float(POLICY.maker_fee_rate),
        "takerFeeRate": float(POLICY.taker_fee_rate),
        "tradeMinLimit": 0,
        "tradeMinQuantity": float(rules.min_quantity),
        "tradeMinUSDT": float(rules.min_notional),
        "maxLongLeverage": rules.max_leverage,
        "maxShortLeverage": rules.max_leverage,
        "currency": "USDT",
        "asset": NAMES[symbol].removesuffix("-USDT"),
        "status": 1,
        "apiStateOpen": "true",
        "apiStateClose": "true",
        "ensureTrigger": True,
        "triggerFeeRate": "0.00020000",
        "launchTime": 1586275200000,
        "maintainTime": 0,
        "offTime": 0,
        "displayName": NAMES[symbol],
    }


def coin_contracts(face: "BingxFace", call: Call) -> object:
    """Those that settle in a coin; none is simulated."""
    return []


def _decimals(step: str) -> int:
    return len(step.partition(".")[2])


def candle_row(candle: Candle) -> Row:
    number = "{:.10g}".format
    return {
        "open": number(candle.open),
        "close": number(candle.close),
        "high": number(candle.high),
        "low": number(candle.low),
        "volume": number(candle.volume),
        "time": candle.open_ms,
    }


def klines(face: "BingxFace", call: Call) -> object:
    """Newest first, and from after the start on."""
    symbol = symbol_of(call)
    timeframe_s = INTERVALS.get(call.params.get("interval", ""))
    if timeframe_s is None:
        raise invalid("interval")
    limit = integer(call, "limit", 500, high=1440)
    start_ms, end_ms = integer(call, "startTime", 0), integer(call, "endTime", call.now_ms)
    if start_ms and not call.params.get("endTime"):
        end_ms = start_ms + limit * timeframe_s * 1000
    candles = face.market.candles(
        symbol, timeframe_s=timeframe_s, start_ms=start_ms + 1, end_ms=min(end_ms, call.now_ms), limit=limit
    )
    return [candle_row(candle) for candle in reversed(candles)]


def day_row(face: "BingxFace", symbol: str) -> Row:
    quote, day = face.market.quotes[symbol], face.market.day(symbol)
    last = float(quote.last)
    book = book_row(face, symbol)
    return {
        "symbol": NAMES[symbol],
        "priceChange": f"{last - day.open:.8f}",
        "priceChangePercent": f"{(last / day.open - 1) * 100:.2f}%",
        "lastPrice": text(quote.last),
        "lastQty": text(face.market.trades[symbol][-1].quantity),
        "highPrice": f"{max(day.high, last):.10g}",
        "lowPrice": f"{min(day.low, last):.10g}",
        "volume": f"{day.volume:.3f}",
        "quoteVolume": f"{day.turnover:.2f}",
        "openPrice": f"{day.open:.10g}",
        "openTime": quote.at_ms - 86_400_000,
        "closeTime": quote.at_ms,
        "bidPrice": book["bid_price"],
        "bidQty": book["bid_qty"],
        "askPrice": book["ask_price"],
        "askQty": book["ask_qty"],
    }


def day_tickers(face: "BingxFace", call: Call) -> object:
    """One, or a list of all."""
    return day_row(face, symbol_of(call)) if call.params.get("symbol") else [day_row(face, symbol) for symbol in NAMES]


def book_row(face: "BingxFace", symbol: str) -> Row:
    """Numbers, not text."""
    quote = face.market.quotes[symbol]
    bid = next(ladder(quote, rules=RULES[symbol], taker=Side.SELL))
    ask = next(ladder(quote, rules=RULES[symbol], taker=Side.BUY))
    return {
        "symbol": NAMES[symbol],
        "bid_price": float(bid.price),
        "bid_qty": float(bid.quantity),
        "ask_price": float(ask.price),
        "ask_qty": float(ask.quantity),
    }


def book_ticker(face: "BingxFace", call: Call) -> object:
    return {"book_ticker": book_row(face, symbol_of(call))}


def price_tickers(face: "BingxFace", call: Call) -> object:
    quotes = [face.market.quotes[symbol] for symbol in NAMES]
    rows = [{"symbol": NAMES[q.symbol], "price": text(q.last), "time": q.at_ms} for q in quotes]
    if not call.params.get("symbol"):
        return rows
    name = NAMES[symbol_of(call)]
    return next(row for row in rows if row["symbol"] == name)


def levels(face: "BingxFace", symbol: str, *, depth: int) -> dict[str, list[list[str]]]:
    """Bids from the best down, asks from the worst down."""
    quote = face.market.quotes[symbol]
    sides = {}
    for key, taker in (("bids", Side.SELL), ("asks", Side.BUY)):
        found = [
            [text(v.price), text(v.quantity)] for v in ladder(quote, rules=RULES[symbol], taker=taker, depth=depth)
        ]
        sides[key] = found if key == "bids" else found[::-1]
    return sides


def depth(face: "BingxFace", call: Call) -> object:
    symbol = symbol_of(call)
    wanted = integer(call, "limit", 20)
    if wanted not in DEPTHS:
        raise invalid("limit")
    sides = levels(face, symbol, depth=min(wanted, 50))
    return {"T": face.market.quotes[symbol].at_ms, **sides, "bidsCoin": sides["bids"], "asksCoin": sides["asks"]}


def trades(face: "BingxFace", call: Call) -> object:
    newest = list(face.market.trades[symbol_of(call)])[-integer(call, "limit", 500, high=1000) :]
    return [
        {
            "time": trade.at_ms,
            "isBuyerMaker": trade.side is Side.SELL,
            "price": text(trade.price),
            "qty": text(trade.quantity),
            "quoteQty": text(trade.price * trade.quantity),
        }
        for trade in newest
    ]


def premium_row(face: "BingxFace", symbol: str) -> Row:
    quote = face.market.quotes[symbol]
    return {
        "symbol": NAMES[symbol],
        "markPrice": text(quote.mark),
        "indexPrice": text(quote.mark),
        "lastFundingRate": text(face.market.funding_rate(symbol, at_ms=quote.at_ms)),
        "nextFundingTime": face.market.next_funding_ms(at_ms=quote.at_ms),
        "fundingIntervalHours": FUNDING_INTERVAL_MS // 3_600_000,
        "minFundingRate": "-0.003000",
        "maxFundingRate": "0.003000",
        "updateTime": quote.at_ms,
    }


def premium_index(face: "BingxFace", call: Call) -> object:
    if call.params.get("symbol"):
        return premium_row(face, symbol_of(call))
    return [premium_row(face, symbol) for symbol in NAMES]


def funding_rates(face: "BingxFace", call: Call) -> object:
    """Newest first, settled intervals only."""
    symbol = symbol_of(call)
    limit = integer(call, "limit", 100, high=1000)
    newest = min(integer(call, "endTime", call.now_ms), call.now_ms) // FUNDING_INTERVAL_MS * FUNDING_INTERVAL_MS
    oldest = max(integer(call, "startTime", 0), newest - (limit - 1) * FUNDING_INTERVAL_MS)
    first = -(-oldest // FUNDING_INTERVAL_MS) * FUNDING_INTERVAL_MS
    return [
        {
            "symbol": NAMES[symbol],
            "fundingRate": text(face.market.funding_rate(symbol, at_ms=at_ms - 1)),
            "fundingTime": at_ms,
        }
        for at_ms in range(newest, first - 1, -FUNDING_INTERVAL_MS)
    ]
