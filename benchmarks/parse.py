"""F2: ticker, order and position payloads, from the bytes of the wire to values, against ccxt on the same bytes."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from benchmarks import bingx, okx, orangex, peers, pionex
from benchmarks.harness import Result, compare

BYBIT = {
    "ticker": {
        "symbol": "BTCUSDT",
        "lastPrice": "60000.2",
        "bid1Price": "60000.1",
        "ask1Price": "60000.2",
        "markPrice": "60001.00",
        "indexPrice": "59999.51",
        "fundingRate": "0.0001",
        "nextFundingTime": "1700006400000",
        "volume24h": "48123.411",
        "turnover24h": "2887404660.12",
        "price24hPcnt": "0.012345",
        "prevPrice24h": "59268.5",
        "highPrice24h": "60500",
        "lowPrice24h": "59000",
        "openInterest": "51234.1",
        "bid1Size": "3.120",
        "ask1Size": "0.400",
        "openInterestValue": "3074060000",
    },
    "order": {
        "orderId": "fd4300ae-7847-404e-b947-b46980a4d140",
        "orderLinkId": "c1",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "price": "60000.10",
        "qty": "0.10",
        "cumExecQty": "0.04",
        "avgPrice": "60000.1",
        "orderStatus": "PartiallyFilled",
        "timeInForce": "GTC",
        "positionIdx": 0,
        "reduceOnly": False,
        "createdTime": "1684738540559",
        "updatedTime": "1684738540561",
        "leavesQty": "0.06",
        "leavesValue": "3600.006",
        "cumExecValue": "2400.004",
        "cumExecFee": "1.32",
        "triggerPrice": "",
        "rejectReason": "EC_NoError",
    },
    "position": {
        "symbol": "BTCUSDT",
        "side": "Buy",
        "size": "0.01",
        "avgPrice": "60000",
        "positionIdx": 0,
        "leverage": "10",
        "markPrice": "60100",
        "liqPrice": "54321.5",
        "unrealisedPnl": "1",
        "tradeMode": 0,
        "seq": 4688002127,
        "positionValue": "600",
        "updatedTime": "1684738540561",
        "createdTime": "1684738540559",
        "positionIM": "60.3",
        "positionMM": "3.3",
        "takeProfit": "",
        "stopLoss": "",
        "positionStatus": "Normal",
    },
}
BINANCE = {
    "ticker": {
        "symbol": "BTCUSDT",
        "priceChange": "731.7",
        "priceChangePercent": "1.235",
        "weightedAvgPrice": "59901.2",
        "lastPrice": "60000.20",
        "lastQty": "0.004",
        "openPrice": "59268.5",
        "highPrice": "60500.0",
        "lowPrice": "59000.0",
        "volume": "48123.411",
        "quoteVolume": "2887404660.12",
        "openTime": 1699920000000,
        "closeTime": 1700006399999,
        "firstId": 1,
        "lastId": 90,
        "count": 90,
    },
    "order": {
        "orderId": 22542179,
        "symbol": "BTCUSDT",
        "status": "PARTIALLY_FILLED",
        "clientOrderId": "c1",
        "price": "60000.10",
        "avgPrice": "60000.10",
        "origQty": "0.10",
        "executedQty": "0.04",
        "cumQuote": "2400.004",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "reduceOnly": False,
        "closePosition": False,
        "side": "BUY",
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "origType": "LIMIT",
        "time": 1566818724722,
        "updateTime": 1566818724725,
    },
    "position": {
        "symbol": "BTCUSDT",
        "positionSide": "BOTH",
        "positionAmt": "0.010",
        "entryPrice": "60000",
        "breakEvenPrice": "60012",
        "markPrice": "60100",
        "unRealizedProfit": "1",
        "liquidationPrice": "54321.5",
        "isolatedMargin": "0",
        "notional": "601",
        "marginAsset": "USDT",
        "isolatedWallet": "0",
        "initialMargin": "60.1",
        "maintMargin": "2.4",
        "updateTime": 1684738540561,
        "bidNotional": "0",
        "askNotional": "0",
        "adl": 2,
    },
}
PAYLOADS: dict[str, dict[str, Any]] = {
    "bybit": BYBIT,
    "binance": BINANCE,
    "bingx": bingx.PAYLOADS,
    "okx": okx.PAYLOADS,
}
# Our field, ccxt's field: what both must read alike before their speed means anything.
SAME = {
    "ticker": {"last": "last", "volume_24h": "baseVolume", "turnover_24h": "quoteVolume"},
    "order": {
        "quantity": "amount",
        "filled_quantity": "filled",
        "price": "price",
        "average_price": "average",
        "created_ms": "timestamp",
    },
    "position": {
        "quantity": "contracts",
        "entry_price": "entryPrice",
        "unrealized_pnl": "unrealizedPnl",
        "mark_price": "markPrice",
    },
}


def run() -> list[Result]:
    ours = (_one(exchange, kind) for exchange in PAYLOADS for kind in SAME)
    return [*ours, *orangex.parse(SAME), *pionex.parse()]


def _one(exchange: str, kind: str) -> Result:
    payload = json.dumps(PAYLOADS[exchange][kind]).encode()
    ours, theirs = _ours(exchange, kind, payload), _theirs(exchange, kind, payload)
    checked = _check(exchange, kind, ours(), theirs())
    return compare("F2", f"{exchange}: bytes to {kind}", ours=ours, theirs=theirs, calls=20_000, checked=checked)


def _ours(exchange: str, kind: str, payload: bytes) -> Callable[[], Any]:
    parse = getattr(peers.ours(exchange), f"parse_{kind}")
    return lambda: parse(payload)


def _theirs(exchange: str, kind: str, payload: bytes) -> Callable[[], Any]:
    peer = peers.theirs(exchange)
    market = peer.market(peers.SYMBOL)
    name = "parse_position_risk" if (exchange, kind) == ("binance", "position") else f"parse_{kind}"
    parse, loads = getattr(peer, name), json.loads
    return lambda: parse(loads(payload), market)


def _check(exchange: str, kind: str, ours: Any, theirs: Any) -> str:
    factors, ours_alone = (okx.FACTORS, okx.TOLD_BY_US_ALONE) if exchange == "okx" else ({}, set())
    same = {mine: other for mine, other in SAME[kind].items() if mine not in ours_alone}
    if ours.symbol != theirs["symbol"]:
        raise AssertionError(f"symbols differ: {ours.symbol} and {theirs['symbol']}")
    for mine, other in same.items():
        left, right = getattr(ours, mine), theirs[other]
        if Decimal(str(right)) * factors.get(other, 1) != Decimal(left):
            raise AssertionError(f"{kind}: {mine} {left} is not {other} {right}")
    return f"equal: symbol, {', '.join(same)}"
