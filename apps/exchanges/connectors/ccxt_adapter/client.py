"""ccxt's own client as we run it: exact numbers, its limiter on, no repeats, nothing logged. ccxt is imported here alone."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from importlib import import_module
from inspect import getsource
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from apps.exchanges.connectors.base import Credentials
from cts.domain.errors import DomainError, PayloadError
from cts.domain.types import Environment, Market
from cts.domain.units import decimal_from_float

INSTALL = "install it with: make ccxt"
# ccxt writes whole requests, keys and signatures included, at DEBUG.
logging.getLogger("ccxt").setLevel(logging.WARNING)

# Our three fields, by ccxt's names in the order in which they are taken.
_FIELDS = {"api_key": ("apiKey",), "api_secret": ("secret",), "passphrase": ("password", "uid", "accountId")}
_LABELS = {"uid": "User id (some call it memo)", "accountId": "Account id"}
_KINDS_OF_MARKET = {Market.LINEAR: ("linear", "swap"), Market.SPOT: ("spot",)}


class _Exact:
    """Laid over a client's class. JSON numbers stay text on their way to decimals, and requests are counted."""

    number = Decimal
    requests_left = 0
    markets: dict[str, Any]

    def on_json_response(self, response_body: str) -> Any:
        return json.loads(response_body, parse_float=str, parse_int=str)

    def set_markets(self, markets: Any, currencies: Any = None) -> Any:
        """ccxt's own table of an exchange (fees, limits) is written with floats."""
        super().set_markets(markets, currencies)  # type: ignore[misc]
        self.markets = {symbol: exact(row) for symbol, row in self.markets.items()}
        return self.markets

    def parse_json(self, http_response: str) -> Any:
        """ccxt takes a body cut short for a text, and reads no positions and no money in it."""
        if not http_response.startswith(("{", "[")):
            return None
        try:
            return self.on_json_response(http_response)
        except ValueError:
            raise PayloadError("body", detail="is not whole") from None

    def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        self.requests_left += 1
        told = super().fetch(url, method, headers, body)  # type: ignore[misc]
        if method == "GET" and not isinstance(told, dict | list):
            raise PayloadError("body", detail="is not JSON")
        return told


class _Elsewhere(HTTPAdapter):
    """Sends every request to one host, whatever host it names: ccxt tells errors by the host it believes it asked."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base_url = base_url.rstrip("/")

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        request.url = self._base_url + request.path_url
        return super().send(request, *args, **options)


def exact(value: Any) -> Any:
    """The row with decimals in place of floats; the venue's own row in it stays as it came."""
    if isinstance(value, float):
        return decimal_from_float(value)
    if isinstance(value, dict):
        return {name: inner if name == "info" else exact(inner) for name, inner in value.items()}
    return [exact(inner) for inner in value] if isinstance(value, list) else value


def library() -> Any:
    """ccxt itself.

    Raises:
        DomainError: `ccxt_missing`.
    """
    try:
        return import_module("ccxt")
    except ImportError:
        raise DomainError("ccxt_missing", f"The package ccxt is not installed; {INSTALL}") from None


def client_kind(name: str) -> Any:
    """ccxt's class for an exchange.

    Raises:
        DomainError: `ccxt_missing`, `unknown_exchange`.
    """
    ccxt = library()
    if name not in ccxt.exchanges:
        near = ", ".join(known for known in ccxt.exchanges if name[:3] in known) or "see its list of exchanges"
        raise DomainError("unknown_exchange", f"ccxt {ccxt.__version__} has no exchange {name!r} (it has {near})")
    return getattr(ccxt, name)


def client_create(
    name: str,
    *,
    market: Market,
    environment: Environment,
    credentials: Credentials | None,
    timeout_s: float,
    base_url: str = "",
) -> Any:
    """A client for one account and one market, which has asked nothing yet. `base_url` stands in for every host."""
    kind = client_kind(name)
    client = type(f"Exact_{name}", (_Exact, kind), {})({"enableRateLimit": True, "timeout": round(timeout_s * 1000)})
    for field, ccxt_field in credential_names(client).items():
        setattr(client, ccxt_field, getattr(credentials, field) if credentials else None)
    _options_set(client, kind, market)
    if environment is Environment.TESTNET:
        client.set_sandbox_mode(True)
    if base_url:
        for scheme in ("https://", "http://"):
            client.session.mount(scheme, _Elsewhere(base_url))
    return client


def _options_set(client: Any, kind: Any, market: Market) -> None:
    # Currencies are for deposits and withdrawals, which we don't do; some venues tell them to a signed call only.
    client.has["fetchCurrencies"] = False
    options = client.options
    options |= {"maxRetriesOnFailure": 0, "adjustForTimeDifference": True, "warnOnFetchOpenOrdersWithoutSymbol": False}
    options["defaultType"] = "swap" if market is Market.LINEAR else "spot"
    if market is Market.LINEAR:
        options["defaultSubType"] = "linear"
    listed = options.get("fetchMarkets")
    types = listed.get("types") if isinstance(listed, dict) else listed
    if isinstance(types, list) and (ours := [word for word in types if word in _KINDS_OF_MARKET[market]]):
        options["fetchMarkets"] = {**listed, "types": ours} if isinstance(listed, dict) else ours
    if mentions(kind, "fetch_order", "'acknowledged'"):
        options["fetchOrder"] = {
            "acknowledged": True
        }  # that it may not find old orders, which we ask for elsewhere too


def credential_names(client: Any) -> dict[str, str]:
    """Our fields of a key and ccxt's names for them.

    Raises:
        DomainError: `ccxt_refused`, where a key has parts we have no field for.
    """
    needed = {name for name, is_needed in client.requiredCredentials.items() if is_needed}
    found = {field: name for field, names in _FIELDS.items() for name in names if name in needed}
    if needed - set(found.values()) or not found.keys() >= {"api_key", "api_secret"}:
        asked = ", ".join(sorted(needed)) or "nothing"
        raise refused(client.id, f"it signs with {asked}, and CTS keeps an API key with its secret and one part more")
    return found


def credential_labels(client: Any) -> dict[str, str]:
    names = credential_names(client)
    return {field: _LABELS[name] for field, name in names.items() if name in _LABELS}


def refused(name: str, reason: str) -> DomainError:
    return DomainError("ccxt_refused", f"CTS can't trade on {name} through ccxt: {reason}")


@lru_cache(maxsize=4096)
def mentions(kind: Any, method: str, word: str) -> bool:
    """Whether the exchange's own code of the methods so named knows `word`: what `has` and `features` don't tell."""
    found = [name for name in dir(kind) if re.fullmatch(method, name) and callable(getattr(kind, name))]
    own = [getattr(kind, name) for name in found]
    return any(word in getsource(code) for code in own if not code.__qualname__.startswith("Exchange."))


@contextmanager
def closing(client: Any) -> Iterator[Any]:
    try:
        yield client
    finally:
        client.session.close()
