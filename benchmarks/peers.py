"""ccxt's clients with one market preloaded, so that neither side asks the network anything."""

import time
from typing import Any

import ccxt

from apps.exchanges.connectors.base import Credentials, Target
from apps.exchanges.connectors.registry import connector_create
from cts.domain.types import Environment, Market

SYMBOL = "BTC/USDT:USDT"
KEY, SECRET = "benchmark-key-0001", "benchmark-secret-0001"
CCXT_NAMES = {"bybit": "bybit", "binance": "binanceusdm", "bingx": "bingx"}
# How a venue spells the one market, where it isn't the usual way.
IDS = {"bingx": "BTC-USDT"}

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


def theirs(exchange: str) -> Any:
    client = getattr(ccxt, CCXT_NAMES[exchange])({"apiKey": KEY, "secret": SECRET, "enableRateLimit": False})
    client.set_markets({SYMBOL: _MARKET | {"id": IDS.get(exchange, _MARKET["id"])}})
    client.options["enableUnifiedAccount"] = True
    return client


def ours(exchange: str) -> Any:
    client = connector_create(
        exchange,
        credentials=Credentials(api_key=KEY, api_secret=SECRET),
        target=Target(environment=Environment.LIVE, market=Market.LINEAR),
    )
    # As after any first contact: the offset between the clocks is known.
    client.clock.sync(lambda: time.time_ns() // 1_000_000)
    return client
