"""Clients nobody here wrote, pointed at the paper venue."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlparse

import ccxt
import pytest
from pybit.unified_trading import HTTP

from apps.exchanges.connectors.base import Credentials
from tests.paper_fixtures import PaperVenueControl

SLUGS = {"bybit": "bybit", "binanceusdm": "binance", "binance": "binance", "bingx": "bingx", "okx": "okx"}
Client = Callable[..., Any]


def _rebased(value: Any, base: str) -> Any:
    if isinstance(value, dict):
        return {name: _rebased(inner, base) for name, inner in value.items()}
    return base + urlparse(value).path


@pytest.fixture
def ccxt_client(paper_venue: PaperVenueControl) -> Client:
    """ccxt as its users run it; only the host differs, and currencies (a spot matter) aren't loaded."""

    def make(name: str, credentials: Credentials | None = None, **options: Any) -> Any:
        slug = SLUGS[name]
        credentials = credentials or paper_venue.account(slug)
        config = {
            "apiKey": credentials.api_key,
            "secret": credentials.api_secret,
            "password": credentials.passphrase,
            "enableRateLimit": False,
            "options": {"fetchMarkets": {"types": ["linear"]}, "defaultType": "swap", **options},
        }
        client = getattr(ccxt, name)(config)
        client.has["fetchCurrencies"] = False
        client.urls["api"] = _rebased(client.urls["api"], f"{paper_venue.url}/{slug}")
        return client

    return make


@pytest.fixture
def pybit_client(paper_venue: PaperVenueControl) -> Client:
    def make(credentials: Credentials | None = None) -> HTTP:
        credentials = credentials or paper_venue.account("bybit")
        client = HTTP(api_key=credentials.api_key, api_secret=credentials.api_secret)
        client.endpoint = f"{paper_venue.url}/bybit"
        return client

    return make
