"""Which connectors there are, and how one is made. The only module that knows every venue file."""

import threading

from apps.exchanges.connectors.base import Connector, Credentials, Target
from apps.exchanges.connectors.binance import BinanceConnector
from apps.exchanges.connectors.bybit import BybitConnector
from apps.exchanges.connectors.calling import Addresses
from apps.exchanges.connectors.clock import VenueClock
from apps.exchanges.connectors.rest import RestConnector
from apps.exchanges.connectors.spec import ExchangeSpec
from apps.exchanges.connectors.throttle import Limiter, LocalLimiter
from apps.exchanges.connectors.transport import HttpTransport, Transport
from cts.domain.errors import DomainError
from cts.domain.types import Environment

CONNECTORS: dict[str, type[RestConnector]] = {"bybit": BybitConnector, "binance": BinanceConnector}
EXCHANGES: dict[str, ExchangeSpec] = {name: connector.spec for name, connector in CONNECTORS.items()}

_LOCK = threading.Lock()
_CLOCKS: dict[str, VenueClock] = {}
_TRANSPORTS: dict[tuple[str, float], HttpTransport] = {}
_LIMITER = LocalLimiter()


def connector_create(
    exchange: str,
    *,
    credentials: Credentials | None,
    target: Target,
    limiter: Limiter | None = None,
    transport: Transport | None = None,
) -> Connector:
    """Opens nothing. Sockets, clock and budgets are shared with the other connectors of the same address."""
    kind = CONNECTORS.get(exchange)
    if kind is None:
        raise DomainError("unknown_exchange", f"{exchange!r} is none of {', '.join(CONNECTORS)}", field="exchange")
    if target.market not in kind.spec.markets:
        raise DomainError("unknown_market", f"{kind.spec.label} has no {target.market} here", field="market")
    addresses = addresses_of(kind.spec, target)
    with _LOCK:
        clock = _CLOCKS.setdefault(addresses.rest, VenueClock())
        if transport is None:
            key = (addresses.rest, target.timeout_s)
            transport = _TRANSPORTS.get(key) or HttpTransport(addresses.rest, timeout_s=target.timeout_s)
            if isinstance(transport, HttpTransport):
                _TRANSPORTS[key] = transport
    return kind(
        credentials=credentials,
        target=target,
        addresses=addresses,
        transport=transport,
        limiter=limiter or _LIMITER,
        clock=clock,
    )


def addresses_of(spec: ExchangeSpec, target: Target) -> Addresses:
    if target.environment is Environment.PAPER:
        if not target.paper_url:
            raise DomainError("no_paper_url", "A paper connection needs the paper venue's address", field="environment")
        rest = f"{target.paper_url.rstrip('/')}/{spec.name}"
        ws = "ws" + rest.removeprefix("http")
        return Addresses(rest, {name: (ws + path,) for name, path in spec.paper_ws_paths.items()})
    endpoints = spec.environments.get(target.environment)
    if endpoints is None:
        raise DomainError("no_environment", f"{spec.label} has no {target.environment}", field="environment")
    return Addresses(endpoints.rest, endpoints.ws)
