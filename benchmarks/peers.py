"""ccxt's clients with one market preloaded, so that neither side asks the network anything."""

import time
from typing import Any

import ccxt

from apps.exchanges.connectors.base import Credentials, Target
from apps.exchanges.connectors.okx import OkxConnector
from apps.exchanges.connectors.registry import connector_create
from benchmarks import okx
from cts.domain.types import Environment, Market

SYMBOL = "BTC/USDT:USDT"
KEY, SECRET = "benchmark-key-0001", "benchmark-secret-0001"
CCXT_NAMES = {"bybit": "bybit", "binance": "binanceusdm", "bingx": "bingx", "okx": "okx"}

_MARKET: dict[str, Any] = {
    "id": "BTCUSDT",
    "symbol": SYMBOL,
    "base": "BTC",
    "quote": "USDT",
    "settle": "USDT",
    "type": "swap",
    "spot": False,
    "margin": False,
    "swap": True,
    "future": False,
    "option": False,
    "contract": True,
    "linear": True,
    "inverse": False,
    "active": True,
    "contractSize": 1,
    "baseId": "BTC",
    "quoteId": "USDT",
    "settleId": "USDT",
    "precision": {"amount": 0.001, "price": 0.1},
    "limits": {"amount": {"min": 0.001}, "price": {}, "cost": {}, "leverage": {}},
    "info": {"orderTypes": ["LIMIT", "MARKET"], "contractType": "PERPETUAL"},
}


# What a venue's market has otherwise.
_MARKETS: dict[str, dict[str, Any]] = {"bingx": {"id": "BTC-USDT"}, "okx": okx.MARKET}


def theirs(exchange: str) -> Any:
    keys = {"apiKey": KEY, "secret": SECRET, "password": okx.PASSPHRASE}
    client = getattr(ccxt, CCXT_NAMES[exchange])(keys | {"enableRateLimit": False})
    client.set_markets({SYMBOL: _MARKET | _MARKETS.get(exchange, {})})
    client.options["enableUnifiedAccount"] = True
    return client


def ours(exchange: str) -> Any:
    client: Any = connector_create(
        exchange,
        credentials=Credentials(api_key=KEY, api_secret=SECRET, passphrase=okx.PASSPHRASE),
        target=Target(environment=Environment.LIVE, market=Market.LINEAR),
    )
    # As after any first contact: the offset between the clocks is known.
    client.clock.sync(lambda: time.time_ns() // 1_000_000)
    if isinstance(client, OkxConnector):
        client.contracts.learn(okx.NAME, okx.CONTRACT)
    return client
