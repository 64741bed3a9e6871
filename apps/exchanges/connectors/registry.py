"""Which connectors there are, and how one is made. The only module that knows every venue file."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from apps.exchanges.connectors.base import Connector, Credentials, Target
from apps.exchanges.connectors.calling import Addresses
from apps.exchanges.connectors.clock import VenueClock
from apps.exchanges.connectors.rest import RestConnector
from apps.exchanges.connectors.spec import COMMUNITY_PREFIX, ExchangeSpec
from apps.exchanges.connectors.throttle import Limiter, LocalLimiter
from apps.exchanges.connectors.transport import HttpTransport, Transport
from cts.domain.errors import DomainError
from cts.domain.types import Environment, Market

if TYPE_CHECKING:
    from apps.exchanges.connectors.ccxt_adapter import CcxtConnector

# By market, the classes of the package that bears the venue's name.
_OFFERED: dict[str, dict[Market, str]] = {
    "bybit": {Market.LINEAR: "BybitConnector", Market.SPOT: "BybitSpotConnector"},
    "binance": {Market.LINEAR: "BinanceConnector", Market.SPOT: "BinanceSpotConnector"},
    "bingx": {Market.LINEAR: "BingxConnector", Market.SPOT: "BingxSpotConnector"},
    "okx": {Market.LINEAR: "OkxConnector", Market.SPOT: "OkxSpotConnector"},
    "orangex": {Market.LINEAR: "OrangeXConnector", Market.SPOT: "OrangeXSpotConnector"},
    "pionex": {Market.LINEAR: "PionexConnector", Market.SPOT: "PionexSpotConnector"},
}
V = TypeVar("V")


class _OnDemand(MutableMapping[str, V]):
    """Each value made when it is first asked for: who trades on one venue doesn't load the others."""

    def __init__(self, names: Iterable[str], make: Callable[[str], V]) -> None:
        self._names = dict.fromkeys(names)
        self._make = make
        self._made: dict[str, V] = {}

    def __getitem__(self, name: str) -> V:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __setitem__(self, name: str, value: V) -> None:
        self._names[name] = None
        self._made[name] = value

    def __delitem__(self, name: str) -> None:
        del self._names[name]
        self._made.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _loaded(name: str) -> dict[Market, type[RestConnector]]:
    module = import_module(f"{__package__}.{name}")
    return {market: getattr(module, kind) for market, kind in _OFFERED[name].items()}


CONNECTORS: MutableMapping[str, dict[Market, type[RestConnector]]] = _OnDemand(_OFFERED, _loaded)
# Those of ccxt that the owner named; without any, neither ccxt nor what speaks through it is imported.
COMMUNITY: dict[str, dict[Market, "type[CcxtConnector]"]] = {}
# What a venue is, told by its first market: name, keys and environments are the same for all of them.
EXCHANGES: MutableMapping[str, ExchangeSpec] = _OnDemand(
    _OFFERED, lambda name: next(iter(CONNECTORS[name].values())).spec
)

_LOCK = threading.Lock()
_CLOCKS: dict[str, VenueClock] = {}
_TRANSPORTS: dict[tuple[str, float], HttpTransport] = {}
_LIMITER = LocalLimiter()


def community_enable(names: Iterable[str]) -> None:
    """Offer these exchanges of ccxt beside our own.

    Raises:
        DomainError: `ccxt_missing`, `unknown_exchange`, `ccxt_refused`.
    """
    if not (wanted := list(names)):
        return
    from apps.exchanges.connectors.ccxt_adapter import CcxtConnector
    from apps.exchanges.connectors.ccxt_adapter.spec import exchange_specs

    for name in wanted:
        for market, spec in exchange_specs(name).items():
            kind = type(f"Ccxt{name.title()}{market.title()}", (CcxtConnector,), {"spec": spec})
            COMMUNITY.setdefault(spec.name, {})[market] = kind
            EXCHANGES.setdefault(spec.name, spec)


def markets_of(exchange: str) -> "Mapping[Market, type[RestConnector] | type[CcxtConnector]]":
    """The connectors of a venue by market; none where there is no such venue."""
    return CONNECTORS.get(exchange) or COMMUNITY.get(exchange) or {}


def connector_kind(exchange: str, market: str) -> "type[RestConnector] | type[CcxtConnector]":
    """The connector of one market of a venue.

    Raises:
        DomainError: `unknown_exchange`, `unknown_market`.
    """
    kinds = markets_of(exchange)
    if not kinds:
        remedy = (
            f"; name {exchange[len(COMMUNITY_PREFIX) :]} in CTS_CCXT_EXCHANGES"
            if exchange.startswith(COMMUNITY_PREFIX)
            else ""
        )
        known = f"{exchange!r} is none of {', '.join(EXCHANGES)}{remedy}"
        raise DomainError("unknown_exchange", known, field="exchange")
    kind = kinds.get(Market(market)) if market in kinds else None
    if kind is None:
        label = EXCHANGES[exchange].label
        raise DomainError("unknown_market", f"{label} has {', '.join(kinds)}, not {market}", field="market")
    return kind


def connector_create(
    exchange: str,
    *,
    credentials: Credentials | None,
    target: Target,
    limiter: Limiter | None = None,
    transport: Transport | None = None,
) -> Connector:
    """Opens nothing. Sockets, clock and budgets are shared with the other connectors of the same address."""
    kind = connector_kind(exchange, target.market)
    addresses = addresses_of(kind.spec, target)
    if not issubclass(kind, RestConnector):
        return kind(credentials=credentials, target=target)
    with _LOCK:
        clock = _CLOCKS.setdefault(addresses.rest, VenueClock())
        hosts = {name: transport or _shared(address, target) for name, address in addresses.hosts.items()}
        transport = transport or _shared(addresses.rest, target)
    return kind(
        credentials=credentials,
        target=target,
        addresses=addresses,
        transport=transport,
        hosts=hosts,
        limiter=limiter or _LIMITER,
        clock=clock,
    )


def _shared(address: str, target: Target) -> HttpTransport:
    key = (address, target.timeout_s)
    return _TRANSPORTS.setdefault(key, HttpTransport(address, timeout_s=target.timeout_s))


def addresses_of(spec: ExchangeSpec, target: Target) -> Addresses:
    if target.environment is Environment.PAPER and spec.has_paper:
        if not target.paper_url:
            raise DomainError("no_paper_url", "A paper connection needs the paper venue's address", field="environment")
        rest = f"{target.paper_url.rstrip('/')}/{spec.name}"
        ws = "ws" + rest.removeprefix("http")
        hosts = {name: rest for endpoints in spec.environments.values() for name in endpoints.hosts}
        return Addresses(rest, {name: (ws + path,) for name, path in spec.paper_ws_paths.items()}, {}, hosts)
    endpoints = spec.environments.get(target.environment)
    if endpoints is None:
        raise DomainError("no_environment", f"{spec.label} has no {target.environment}", field="environment")
    return Addresses(endpoints.rest, endpoints.ws, endpoints.headers, endpoints.hosts)
