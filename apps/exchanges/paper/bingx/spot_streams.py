"""What BingX's spot topics say: of a quote to all, of orders and balances to whose they are."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import orjson

from apps.exchanges.paper.bingx.rows import Row, client_id, wire_id
from apps.exchanges.paper.bingx.spot_market import best, day_row, levels
from apps.exchanges.paper.bingx.spot_rows import SPOT_NAMES, balances, kind, status_of
from apps.exchanges.paper.face import Member
from cts.domain.matching.events import Event, MoneyMoved, OrderUpdated
from cts.domain.matching.state import ZERO
from cts.domain.types import Market, Side
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.bingx.face import BingxFace

PREFIX = "spot:"
INTERVALS = {
    "1min": 60, "3min": 180, "5min": 300, "15min": 900, "30min": 1800, "60min": 3600, "2hour": 7200, "4hour": 14_400,
    "6hour": 21_600, "8hour": 28_800, "12hour": 43_200, "1day": 86_400, "1week": 604_800,
}  # fmt: skip
DEPTHS = (5, 10, 20, 50, 100)
SPOT_KINDS = frozenset(
    {"ticker", "lastPrice", "bookTicker", "trade", "depth"}
    | {f"kline_{interval}" for interval in INTERVALS}
    | {f"depth{depth}" for depth in DEPTHS}
)
REPORT, BALANCE = "spot.executionReport", "ACCOUNT_UPDATE"


def spot_broadcast(face: "BingxFace", symbol: str, *, is_new_second: bool) -> None:
    for topic, make in _public(face, symbol, is_new_second=is_new_second):
        if face.topics.get(PREFIX + topic):
            body = {"code": 0, "data": make(), "dataType": topic, "success": True}
            face.cast(PREFIX + topic, orjson.dumps(body))


def _public(face: "BingxFace", symbol: str, *, is_new_second: bool) -> Iterator[tuple[str, Callable[[], Row]]]:
    name = SPOT_NAMES[symbol]
    yield f"{name}@lastPrice", lambda: _last_price(face, symbol)
    yield f"{name}@trade", lambda: _trade(face, symbol)
    yield f"{name}@bookTicker", lambda: _book(face, symbol)
    yield f"{name}@depth", lambda: dict(levels(face, symbol, depth=20))
    for depth in DEPTHS:
        yield f"{name}@depth{depth}", lambda depth=depth: dict(levels(face, symbol, depth=min(depth, 50)))  # type: ignore[misc]
    for interval in INTERVALS:
        yield f"{name}@kline_{interval}", lambda interval=interval: _candle(face, symbol, interval)  # type: ignore[misc]
    if is_new_second:
        yield f"{name}@ticker", lambda: _ticker(face, symbol)


def _last_price(face: "BingxFace", symbol: str) -> Row:
    """Without a time."""
    return {"c": text(face.market.quotes[symbol].last), "e": "lastPriceUpdate", "s": SPOT_NAMES[symbol]}


def _trade(face: "BingxFace", symbol: str) -> Row:
    trade = face.market.last_trade(symbol)
    return {
        "E": trade.at_ms,
        "T": trade.at_ms,
        "e": "trade",
        "m": trade.side is Side.SELL,
        "p": text(trade.price),
        "q": text(trade.quantity),
        "s": SPOT_NAMES[symbol],
        "t": str(trade.id),
    }


def _book(face: "BingxFace", symbol: str) -> Row:
    bid, ask = best(face, symbol)
    told = {"A": text(ask.quantity), "B": text(bid.quantity), "a": text(ask.price), "b": text(bid.price)}
    return {**told, "E": face.market.quotes[symbol].at_ms, "e": "bookTicker", "s": SPOT_NAMES[symbol]}


def _candle(face: "BingxFace", symbol: str, interval: str) -> Row:
    at_ms, timeframe_s = face.market.quotes[symbol].at_ms, INTERVALS[interval]
    since = at_ms - timeframe_s * 1000
    bar = face.market.candles(symbol, timeframe_s=timeframe_s, start_ms=since, end_ms=at_ms, limit=1)[-1]
    number = "{:.10g}".format
    prices = {"o": bar.open, "h": bar.high, "l": bar.low, "c": bar.close, "v": bar.volume, "q": bar.volume * bar.close}
    times = {
        "t": bar.open_ms,
        "T": bar.open_ms + timeframe_s * 1000 - 1,
        "i": interval,
        "n": 1,
        "s": SPOT_NAMES[symbol],
    }
    told = {name: number(value) for name, value in prices.items()}
    return {"E": at_ms, "K": {**told, **times}, "e": "kline", "s": SPOT_NAMES[symbol]}


def _ticker(face: "BingxFace", symbol: str) -> Row:
    row = day_row(face, symbol)
    names = {
        "s": "symbol", "p": "priceChange", "P": "priceChangePercent", "o": "openPrice", "h": "highPrice",
        "l": "lowPrice", "c": "lastPrice", "v": "volume", "q": "quoteVolume", "O": "openTime", "C": "closeTime",
        "A": "askPrice", "a": "askQty", "B": "bidPrice", "b": "bidQty",
    }  # fmt: skip
    return {"e": "24hTicker", "E": row["closeTime"], **{short: row[long] for short, long in names.items()}}


# --- the account --------------------------------------------------------------------------------------------------------
def spot_messages(member: Member, events: list[Event]) -> list[tuple[str, object]]:
    """Reports of orders one by one, then the assets they touched. That a trigger was reached isn't told of.

    Whether the wallet's balance has what is locked in it isn't documented: ccxt reads it as what is left to trade with.
    """
    updates = [e for e in events if isinstance(e, OrderUpdated) and e.order.request.is_spot]
    reports = [(REPORT, _report(update)) for update in updates if not update.is_trigger]
    entries = [e.entry for e in events if isinstance(e, MoneyMoved) and e.entry.market is Market.SPOT]
    touched = {entry.asset for entry in entries} | {a for e in updates for a in e.order.request.symbol.split("/")}
    if not touched:
        return [*reports]
    moved = {name: sum((e.amount for e in entries if e.asset == name), ZERO) for name in touched}
    rows = [
        {"a": asset, "bc": text(moved[asset]), "cw": text(free), "lk": text(locked), "wb": text(free)}
        for asset, free, locked in balances(member.account)
        if asset in touched
    ]
    at_ms, why = events[-1].at_ms, "ORDER" if updates else "DEPOSIT"
    return [*reports, (BALANCE, {"e": BALANCE, "E": at_ms, "T": at_ms, "a": {"B": rows, "m": why}})]


def _report(event: OrderUpdated) -> Row:
    """Numbers, not text."""
    order, fill, request = event.order, event.fill, event.order.request
    done = "NEW" if order.status.is_open else "CANCELED"
    data = {
        "e": "executionReport",
        "E": event.at_ms,
        "s": SPOT_NAMES[request.symbol],
        "S": request.side.value.upper(),
        "o": kind(order),
        "q": float(order.quantity),
        "p": float(order.price or 0),
        "x": "TRADE" if fill else done,
        "X": status_of(order),
        "i": wire_id(order.id),
        "l": float(fill.quantity) if fill else 0,
        "z": float(order.filled_quantity),
        "L": float(fill.price) if fill else 0,
        "n": float(-fill.fee) if fill else 0,
        "N": fill.fee_asset if fill else "",
        "T": event.at_ms if fill else 0,
        "t": fill.id if fill else 0,
        "O": order.created_ms,
        "Z": float(order.filled_cost),
        "Y": float(fill.price * fill.quantity) if fill else 0,
        "Q": 0,
        "m": bool(fill and fill.is_maker),
        "C": client_id(order),
    }
    return {"code": 0, "dataType": REPORT, "data": data}
