"""OKX's part of F1 and F2: one market, one payload of each kind, one order on either side. Its amounts are contracts."""

import base64
import hmac
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

NAME, CONTRACT = "BTC-USDT-SWAP", Decimal("0.01")
PASSPHRASE = "benchmark-passphrase"
MARKET: dict[str, Any] = {"id": NAME, "contractSize": 0.01, "precision": {"amount": 0.01, "price": 0.1}}
PAYLOADS: dict[str, dict[str, Any]] = {
    "ticker": {
        "instType": "SWAP",
        "instId": NAME,
        "last": "60000.2",
        "lastSz": "0.37",
        "askPx": "60000.2",
        "askSz": "120",
        "bidPx": "60000.1",
        "bidSz": "70",
        "open24h": "59268.5",
        "high24h": "60500",
        "low24h": "59000",
        "volCcy24h": "48123.41",
        "vol24h": "4812341",
        "ts": "1700000000450",
        "sodUtc0": "59000",
        "sodUtc8": "58800",
    },
    "order": {
        "accFillSz": "4",
        "algoClOrdId": "",
        "algoId": "",
        "avgPx": "60000.1",
        "cTime": "1684738540559",
        "cancelSource": "",
        "category": "normal",
        "ccy": "",
        "clOrdId": "c1",
        "fee": "-1.32",
        "feeCcy": "USDT",
        "fillPx": "60000.1",
        "fillSz": "4",
        "fillTime": "1684738540561",
        "instId": NAME,
        "instType": "SWAP",
        "lever": "10",
        "ordId": "680800019749904384",
        "ordType": "limit",
        "pnl": "0",
        "posSide": "net",
        "px": "60000.10",
        "rebate": "0",
        "rebateCcy": "USDT",
        "reduceOnly": "false",
        "side": "buy",
        "state": "partially_filled",
        "sz": "10",
        "tag": "",
        "tdMode": "cross",
        "tradeId": "1204",
        "uTime": "1684738540561",
    },
    "position": {
        "adl": "1",
        "availPos": "1",
        "avgPx": "60000",
        "cTime": "1684738540559",
        "ccy": "USDT",
        "imr": "60.1",
        "instId": NAME,
        "instType": "SWAP",
        "last": "60100",
        "lever": "10",
        "liqPx": "54321.5",
        "margin": "",
        "markPx": "60100",
        "mgnMode": "cross",
        "mgnRatio": "150",
        "mmr": "2.4",
        "notionalUsd": "601",
        "pos": "1",
        "posId": "307173036051017730",
        "posSide": "net",
        "uTime": "1684738540561",
        "upl": "1",
        "uplRatio": "0.016",
    },
}
# What ccxt counts in contracts; it tells no turnover of a swap.
FACTORS = dict.fromkeys(("amount", "filled", "contracts", "baseVolume"), CONTRACT)
TOLD_BY_US_ALONE = {"turnover_24h"}


def order(
    client: Any, peer: Any, *, symbol: str, client_id: str, request: Any
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    def theirs() -> Any:
        told = peer.create_order_request(symbol, "limit", "buy", 1, 60000.1, {"clOrdId": client_id})
        return peer.sign("trade/order", "private", "POST", told)

    return lambda: client.order_request_bytes(request), theirs


def signed(headers: dict[str, str], body: str, *, secret: str) -> bool:
    message = f"{headers['OK-ACCESS-TIMESTAMP']}POST/api/v5/trade/order{body}".encode()
    expected = base64.b64encode(hmac.digest(secret.encode(), message, "sha256")).decode()
    return headers["OK-ACCESS-SIGN"] == expected


def fields(body: str | bytes) -> dict[str, str]:
    told: dict[str, str] = json.loads(body)
    return told
