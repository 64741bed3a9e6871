"""OKX's public doors."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from apps.exchanges.paper.face import Call, is_sane
from apps.exchanges.paper.market import FUNDING_INTERVAL_MS, perpetual_of
from apps.exchanges.paper.okx.errors import OkxError, parameter
from apps.exchanges.paper.okx.holdings import ticker_row
from apps.exchanges.paper.okx.listing import KINDS, NAMES, RULES, SIZES, SYMBOLS, contracts, kind_of
from apps.exchanges.paper.okx.rows import SIDE, Row
from cts.domain.matching.book import ladder
from cts.domain.types import Candle, Side
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.okx.face import OkxFace

BARS = {
    "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1H": 3600, "2H": 7200, "4H": 14_400,
    "6Hutc": 21_600, "12Hutc": 43_200, "1Dutc": 86_400, "1Wutc": 604_800,
}  # fmt: skip
# A bar of Hong Kong's day is another one; nobody here asks for it.
RECENT_BARS = 1440
TYPES = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "EVENTS")


def number(call: Call, name: str) -> Decimal | None:
    raw = call.params.get(name, "")
    if raw == "":
        return None
    try:
        value = Decimal(raw)
    except InvalidOperation:
        raise parameter(name) from None
    if not is_sane(value) or value < 0:
        raise parameter(name)
    return value


# Where no end is asked for there is none.
FOREVER_MS = 10**15


def integer(call: Call, name: str, default: int, *, low: int = 0, high: int | None = None) -> int:
    raw = call.params.get(name) or str(default)
    if not raw.isascii() or not raw.isdigit() or len(raw) > 19:
        raise parameter(name)
    value = max(int(raw), low)
    return value if high is None else min(value, high)


def symbol_of(call: Call) -> str:
    name = call.params.get("instId", "")
    if not name:
        raise OkxError(50014, "Parameter instId can not be empty.", status=400)
    if name not in SYMBOLS:
        raise OkxError(51001, "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return SYMBOLS[name]


def symbols_of(call: Call) -> list[str]:
    """The named one, or all of the kind asked for, or of both we list."""
    kind = call.params.get("instType", "")
    if kind not in ("", *TYPES):
        raise parameter("instType")
    wanted = list(KINDS.get(kind, ())) if kind else list(NAMES)
    if not call.params.get("instId"):
        return wanted
    return [symbol for symbol in [symbol_of(call)] if symbol in wanted]


def swap_of(call: Call) -> str:
    """A symbol where only perpetuals make sense."""
    symbol = symbol_of(call)
    if kind_of(symbol) != "SWAP":
        raise parameter("instId")
    return symbol


def time(face: "OkxFace", call: Call) -> list[Row]:
    return [{"ts": str(call.now_ms)}]


def instruments(face: "OkxFace", call: Call) -> list[Row]:
    if not call.params.get("instType"):
        raise OkxError(50014, "Parameter instType can not be empty.", status=400)
    return [_instrument(symbol) if kind_of(symbol) == "SWAP" else _coin(symbol) for symbol in symbols_of(call)]


def _coin(symbol: str) -> Row:
    rules, (base, quote) = RULES[symbol], symbol.split("/")
    empty = ("alias", "ctMult", "ctType", "ctVal", "ctValCcy", "expTime", "instFamily", "lever", "optType", "settleCcy")
    return {
        **dict.fromkeys((*empty, "stk", "uly", "auctionEndTime"), ""),
        "baseCcy": base,
        "category": "1",
        "instId": NAMES[symbol],
        "instIdCode": 20_000 + list(NAMES).index(symbol),
        "instType": "SPOT",
        "listTime": "1548133413000",
        "lotSz": text(rules.lot_step),
        "maxLmtAmt": "20000000",
        "maxLmtSz": text(rules.max_quantity),
        "maxMktAmt": "1000000",
        # In USDT, unlike the largest limit order.
        "maxMktSz": "1000000",
        "minSz": text(rules.min_quantity),
        "quoteCcy": quote,
        "ruleType": "normal",
        "state": "live",
        "tickSz": text(rules.tick_size),
    }


def _instrument(symbol: str) -> Row:
    rules, name, size = RULES[symbol], NAMES[symbol], SIZES[symbol]
    base, family = name.split("-")[0], name.removesuffix("-SWAP")
    empty = ("alias", "baseCcy", "category", "expTime", "optType", "quoteCcy", "stk", "auctionEndTime")
    return {
        **dict.fromkeys(empty, ""),
        "ctMult": "1",
        "ctType": "linear",
        "ctVal": text(size),
        "ctValCcy": base,
        "instFamily": family,
        "instId": name,
        "instIdCode": 10_000 + list(NAMES).index(symbol),
        "instType": "SWAP",
        "lever": str(rules.max_leverage),
        "listTime": "1606468572000",
        "lotSz": contracts(symbol, rules.lot_step),
        "maxLmtSz": contracts(symbol, rules.max_quantity),
        "maxMktSz": contracts(symbol, rules.max_market_quantity),
        "minSz": contracts(symbol, rules.min_quantity),
        "ruleType": "normal",
        "settleCcy": "USDT",
        "state": "live",
        "tickSz": text(rules.tick_size),
        "uly": family,
    }


def tickers(face: "OkxFace", call: Call) -> list[Row]:
    return [ticker_row(symbol, market=face.market, day=face.market.day(symbol)) for symbol in symbols_of(call)]


def ticker(face: "OkxFace", call: Call) -> list[Row]:
    symbol = symbol_of(call)
    return [ticker_row(symbol, market=face.market, day=face.market.day(symbol))]


def mark_row(face: "OkxFace", symbol: str) -> Row:
    quote = face.market.quotes[symbol]
    kind = "SWAP" if kind_of(symbol) == "SWAP" else "MARGIN"
    return {"instType": kind, "instId": NAMES[symbol], "markPx": text(quote.mark), "ts": str(quote.at_ms)}


def mark_prices(face: "OkxFace", call: Call) -> list[Row]:
    return [mark_row(face, symbol) for symbol in symbols_of(call)]


def funding_row(face: "OkxFace", symbol: str) -> Row:
    at_ms = face.market.quotes[symbol].at_ms
    due = face.market.next_funding_ms(at_ms=at_ms)
    return {
        "fundingRate": text(face.market.funding_rate(symbol, at_ms=at_ms)),
        "fundingTime": str(due),
        "instId": NAMES[symbol],
        "instType": "SWAP",
        "maxFundingRate": "0.00375",
        "method": "current_period",
        "minFundingRate": "-0.00375",
        "nextFundingRate": "",
        "nextFundingTime": str(due + FUNDING_INTERVAL_MS),
        "ts": str(at_ms),
    }


def funding_rates(face: "OkxFace", call: Call) -> list[Row]:
    symbols = list(KINDS["SWAP"]) if call.params.get("instId") == "ANY" else [swap_of(call)]
    return [funding_row(face, symbol) for symbol in symbols]


def funding_history(face: "OkxFace", call: Call) -> list[Row]:
    symbol = swap_of(call)
    limit = integer(call, "limit", 100, low=1, high=400)
    last = call.now_ms // FUNDING_INTERVAL_MS
    if after := integer(call, "after", 0):
        last = min(last, -(-after // FUNDING_INTERVAL_MS) - 1)
    first = max(last - limit + 1, integer(call, "before", 0) // FUNDING_INTERVAL_MS + 1)
    rows = []
    for index in range(last, first - 1, -1):
        at_ms = index * FUNDING_INTERVAL_MS
        rate = text(face.market.funding_rate(symbol, at_ms=at_ms - 1))
        rows.append(
            {
                "fundingRate": rate,
                "fundingTime": str(at_ms),
                "instId": NAMES[symbol],
                "instType": "SWAP",
                "method": "current_period",
                "realizedRate": rate,
            }
        )
    return rows


def candle_row(candle: Candle, symbol: str) -> list[str]:
    prices = [f"{value:.10g}" for value in (candle.open, candle.high, candle.low, candle.close)]
    volume = candle.volume / float(SIZES[symbol])
    turnover = f"{candle.volume * candle.close:.4f}"
    # In contracts and in coins; of spot in coins and in quote.
    second = f"{candle.volume:.10g}" if kind_of(symbol) == "SWAP" else turnover
    return [str(candle.open_ms), *prices, f"{volume:.10g}", second, turnover, str(int(candle.is_closed))]


def candles(face: "OkxFace", call: Call) -> list[list[str]]:
    """The newest bars only; newest first, the running one included."""
    return _candles(face, call, is_old=False)


def candles_old(face: "OkxFace", call: Call) -> list[list[str]]:
    return _candles(face, call, is_old=True)


def _candles(face: "OkxFace", call: Call, *, is_old: bool) -> list[list[str]]:
    symbol = symbol_of(call)
    timeframe_s = BARS.get(call.params.get("bar") or "1m")
    if timeframe_s is None:
        raise parameter("bar")
    limit = integer(call, "limit", 100, low=1, high=300)
    frame_ms = timeframe_s * 1000
    start_ms = integer(call, "before", 0) + 1 if call.params.get("before") else 0
    end_ms = integer(call, "after", 0) - 1 if call.params.get("after") else call.now_ms
    if is_old:
        end_ms = min(end_ms, call.now_ms // frame_ms * frame_ms - 1)
    else:
        start_ms = max(start_ms, call.now_ms // frame_ms * frame_ms - (RECENT_BARS - 1) * frame_ms)
    found = face.market.candles(symbol, timeframe_s=timeframe_s, start_ms=start_ms, end_ms=end_ms, limit=limit)
    return [candle_row(candle, symbol) for candle in reversed(found)]


def book_row(face: "OkxFace", symbol: str, *, depth: int) -> Row:
    quote = face.market.quotes[symbol]
    sides = {}
    for key, taker in (("asks", Side.BUY), ("bids", Side.SELL)):
        levels = ladder(quote, rules=RULES[symbol], taker=taker, depth=depth)
        sides[key] = [[text(level.price), contracts(symbol, level.quantity), "0", "1"] for level in levels]
    return {**sides, "ts": str(quote.at_ms)}


def book(face: "OkxFace", call: Call) -> list[Row]:
    return [book_row(face, symbol_of(call), depth=integer(call, "sz", 1, low=1, high=50))]


def trade_rows(face: "OkxFace", symbol: str, *, limit: int) -> list[Row]:
    return [
        {
            "instId": NAMES[symbol],
            "side": SIDE[trade.side],
            "sz": contracts(symbol, trade.quantity),
            "px": text(trade.price),
            "source": "0",
            "tradeId": str(trade.id),
            "ts": str(trade.at_ms),
        }
        for trade in list(face.market.trades[perpetual_of(symbol)])[: -limit - 1 : -1]
    ]


def trades(face: "OkxFace", call: Call) -> list[Row]:
    return trade_rows(face, symbol_of(call), limit=integer(call, "limit", 100, low=1, high=500))
