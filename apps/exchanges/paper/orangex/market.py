"""OrangeX's public methods."""

from typing import TYPE_CHECKING, Any

from apps.exchanges.paper.face import Call
from apps.exchanges.paper.market import FUNDING_INTERVAL_MS, perpetual_of
from apps.exchanges.paper.orangex.errors import BAD_PARAMS, NO_INSTRUMENT, TOO_MANY_CANDLES, OrangeXError
from apps.exchanges.paper.orangex.holdings import ticker_row
from apps.exchanges.paper.orangex.rows import (
    HIGH_RATE,
    LISTS,
    LOW_RATE,
    NAMES,
    NUMBERS,
    PERPETUALS,
    POLICY,
    RULES,
    SIDE,
    SYMBOLS,
    Row,
    currency_of,
)
from cts.domain.types import Candle
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.orangex.face import OrangeXFace

RESOLUTIONS = {
    "1": 60, "3": 180, "5": 300, "10": 600, "15": 900, "30": 1800, "60": 3600, "120": 7200, "180": 10_800,
    "240": 14_400, "360": 21_600, "720": 43_200, "D": 86_400, "1D": 86_400,
}  # fmt: skip
CANDLES_MAX = 1500
# Below this a moment is told in seconds.
SECONDS_UNTIL = 10**11


def symbol_of(call: Call) -> str:
    name = call.params.get("instrument_name", "")
    if not name:
        raise OrangeXError(*BAD_PARAMS)
    if name not in SYMBOLS:
        raise OrangeXError(*NO_INSTRUMENT)
    return SYMBOLS[name]


def perpetual(call: Call) -> str:
    """For what spot has not."""
    symbol = symbol_of(call)
    if symbol not in PERPETUALS:
        raise OrangeXError(*NO_INSTRUMENT)
    return symbol


def integer(call: Call, name: str, default: int, *, low: int = 0, high: int = 10**15) -> int:
    raw = call.params.get(name) or str(default)
    if not raw.isascii() or not raw.isdigit() or len(raw) > 18:
        raise OrangeXError(*BAD_PARAMS)
    return min(max(int(raw), low), high)


def ping(face: "OrangeXFace", call: Call) -> Row:
    return {}


def instruments(face: "OrangeXFace", call: Call) -> list[Row]:
    """A currency the venue doesn't have gives an empty list."""
    wanted, name = call.params.get("currency", "PERPETUAL"), call.params.get("instrument_name", "")
    return [_instrument(symbol) for symbol in LISTS.get(wanted, {}) if name in ("", NAMES[symbol])]


def _instrument(symbol: str) -> Row:
    """The margin coin stands where others name the coin that is traded, and the other way round."""
    rules, name, currency = RULES[symbol], NAMES[symbol], currency_of(symbol)
    base, is_spot = symbol.split("/")[0], currency == "SPOT"
    maker, taker = POLICY.maker_fee_rate, POLICY.taker_fee_rate
    if is_spot:
        maker, taker = POLICY.spot_maker_fee_rate, POLICY.spot_taker_fee_rate
    return {
        "instrId": NUMBERS[name],
        "currency": currency,
        "newListing": False,
        "base_currency": "USDT",
        "quote_currency": base,
        "creation_timestamp": "1632384961348",
        "expiration_timestamp": "2114352000000",
        "instrument_name": name,
        "show_name": f"{base}USDT",
        "is_active": True,
        "kind": currency.lower(),
        "leverage": rules.max_leverage,
        "maker_commission": text(maker),
        "taker_commission": text(taker),
        "min_trade_amount": text(rules.lot_step),
        "min_qty": text(rules.min_quantity),
        "min_notional": text(rules.min_notional),
        "tick_size": text(rules.tick_size),
        "order_price_low_rate": LOW_RATE,
        "order_price_high_rate": HIGH_RATE,
        "order_price_limit_type": 0,
        "close_only_limit_value": "0",
        "obDepth": 100,
        "support_trace_trade": False,
    }


def tickers(face: "OrangeXFace", call: Call) -> list[Row]:
    """By instrument, or all of a currency; without either, none."""
    if call.params.get("instrument_name"):
        symbols = [symbol_of(call)]
    else:
        symbols = list(LISTS.get(call.params.get("currency", ""), ()))
    return [ticker_row(symbol, market=face.market, day=face.market.day(symbol)) for symbol in symbols]


def ticker(face: "OrangeXFace", call: Call) -> Row:
    symbol = symbol_of(call)
    return ticker_row(symbol, market=face.market, day=face.market.day(symbol))


def order_book(face: "OrangeXFace", call: Call) -> Row:
    """Fifty levels where none is named, all of them for 0."""
    return face.books.snapshot(symbol_of(call), depth=integer(call, "depth", 50) or 500)


def candles(face: "OrangeXFace", call: Call) -> list[Row]:
    """Of spot the bare name is known, without its ending."""
    bare = f"{call.params.get('instrument_name', '')}-SPOT"
    symbol = SYMBOLS[bare] if bare in SYMBOLS else symbol_of(call)
    timeframe_s = RESOLUTIONS.get(call.params.get("resolution", ""))
    if timeframe_s is None:
        raise OrangeXError(*BAD_PARAMS)
    start_ms, end_ms = _moment(call, "start_timestamp"), _moment(call, "end_timestamp")
    oldest_ms = call.now_ms - CANDLES_MAX * timeframe_s * 1000
    if start_ms and start_ms < oldest_ms - timeframe_s * 1000:
        raise OrangeXError(*TOO_MANY_CANDLES)
    found = face.market.candles(
        symbol, timeframe_s=timeframe_s, start_ms=max(start_ms, oldest_ms), end_ms=end_ms, limit=CANDLES_MAX
    )
    return [candle_row(candle) for candle in found]


def _moment(call: Call, name: str) -> int:
    """Milliseconds; the documentation's seconds are taken too."""
    value = integer(call, name, 0)
    return value if value >= SECONDS_UNTIL else value * 1000


def candle_row(candle: Candle) -> Row:
    numbers = {
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.volume,
        "cost": candle.volume * candle.close,
    }
    return {"tick": candle.open_ms // 1000, **{name: f"{value:.8f}" for name, value in numbers.items()}}


def trade_row(trade: Any, symbol: str) -> Row:
    return {
        "timestamp": str(trade.at_ms),
        "price": text(trade.price),
        "amount": text(trade.quantity),
        "iv": "0",
        "direction": SIDE[trade.side],
        "instrument_name": NAMES[symbol],
        "trade_id": str(trade.id),
        "mark_price": text(trade.price),
    }


def last_trades(face: "OrangeXFace", call: Call) -> Row:
    """Newest first."""
    symbol = symbol_of(call)
    count = integer(call, "count", 10, low=1, high=1000)
    trades = list(face.market.trades[perpetual_of(symbol)])
    return {
        "trades": [trade_row(trade, symbol) for trade in reversed(trades[-count:])],
        "has_more": len(trades) > count,
    }


def funding_rate(face: "OrangeXFace", call: Call) -> Row:
    symbol = perpetual(call)
    return {
        "instrument_name": NAMES[symbol],
        "rate": text(face.market.funding_rate(symbol, at_ms=call.now_ms)),
        "capitalRateInterval": FUNDING_INTERVAL_MS // 3_600_000,
        "expire_time": str(face.market.next_funding_ms(at_ms=call.now_ms)),
    }


def funding_rates(face: "OrangeXFace", call: Call) -> list[Row]:
    """All contracts, and a dead one, as the venue keeps them there."""
    end_ms = face.market.next_funding_ms(at_ms=call.now_ms)
    rows = [
        {
            "instrumentName": NAMES[symbol],
            "capitalRate": text(face.market.funding_rate(symbol, at_ms=call.now_ms)),
            "startTime": str(end_ms - FUNDING_INTERVAL_MS),
            "endTime": str(end_ms),
        }
        for symbol in PERPETUALS
    ]
    dead = {"capitalRate": "0.0001", "startTime": "1742256000000", "endTime": "1742284800000"}
    return [*rows, {"instrumentName": "LUNA-USDT-PERPETUAL", **dead}]


def contracts(face: "OrangeXFace", call: Call) -> list[Row]:
    """As told to those who list exchanges."""
    rows = []
    for symbol in PERPETUALS:
        name = NAMES[symbol]
        quote, day = face.market.quotes[symbol], face.market.day(symbol)
        rows.append(
            {
                "ticker_id": name,
                "base_currency": symbol.split("/")[0],
                "target_currency": "USDT",
                "last_price": text(quote.last),
                "base_volume": f"{day.volume:.4f}",
                "target_volume": f"{day.turnover:.4f}",
                "bid": text(quote.bid),
                "ask": text(quote.ask),
                "high": f"{day.high:.10g}",
                "low": f"{day.low:.10g}",
                "product_type": "perpetual",
                "open_interest": "50000",
                "index_price": text(quote.mark),
                "index_name": symbol.split("/")[0] + "-USDT",
                "index_currency": symbol.split("/")[0],
                "start_timestamp": 1_631_004_005_882,
                "funding_rate": text(face.market.funding_rate(symbol, at_ms=call.now_ms)),
                "next_funding_rate_timestamp": face.market.next_funding_ms(at_ms=call.now_ms),
                "contract_type": "Quanto",
                "contract_price": text(quote.last),
                "contract_price_currency": "USDT",
            }
        )
    return rows


def leverage_bracket(face: "OrangeXFace", call: Call) -> list[Row]:
    rules = RULES[perpetual(call)]
    row = {"bracket": 1, "initialLeverage": rules.max_leverage, "maintenanceMarginRate": text(rules.maintenance_ratio)}
    return [row | {"notionalCap": "2000000", "notionalFloor": "0", "cum": "0"}]
