"""A transport that answers from a script and keeps what it was sent, and connectors that use it."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from apps.exchanges.connectors.base import Connector, Credentials, Target
from apps.exchanges.connectors.clock import VenueClock
from apps.exchanges.connectors.registry import CONNECTORS, addresses_of
from apps.exchanges.connectors.rest import RestConnector
from apps.exchanges.connectors.spec import ExchangeSpec
from apps.exchanges.connectors.throttle import LocalLimiter
from apps.exchanges.connectors.transport import Prepared, Response
from cts.domain.types import Environment, Market, PositionMode

# Every market of every venue, as its folder of payloads is called.
PLACES: dict[str, type[RestConnector]] = {
    name if market is Market.LINEAR else f"{name}-{market}": kind
    for name, kinds in CONNECTORS.items()
    for market, kind in kinds.items()
}
VENUES = Path(__file__).parents[3] / "fixtures" / "venues"
KEY = Credentials(api_key="test-key-1234", api_secret="test-secret-5678", passphrase="test-passphrase-9012")
SIGNING = {"timestamp", "signature"}


def fixture(exchange: str, name: str) -> Any:
    return json.loads((VENUES / exchange / f"{name}.json").read_text())


def spec_of(exchange: str) -> ExchangeSpec:
    return PLACES[exchange].spec


def btc(of: str | Connector) -> str:
    """Bitcoin in the spelling of this market."""
    return f"BTC{(spec_of(of) if isinstance(of, str) else of.spec).suffix}"


class ScriptedTransport:
    """Answers in the order of its script; a request the script doesn't have next fails the test.

    What a venue's connector asks by itself when it first needs it, the time and the calls of `asides`, is answered too.
    """

    def __init__(self, exchange: str, calls: list[dict[str, Any]]) -> None:
        self._time = fixture(exchange, "time")["calls"][0]
        asides = fixture(exchange, "asides") if (VENUES / exchange / "asides.json").exists() else []
        self._asides = {call["path"]: call for call in asides}
        self._calls = list(calls)
        self.sent: list[Prepared] = []
        self.aside: list[Prepared] = []
        self.times_asked = 0

    def send(self, request: Prepared, *, is_write: bool) -> Response:
        path = urlsplit(request.path).path
        if path == self._time["path"] and not (self._calls and self._calls[0]["path"] == path):
            self.times_asked += 1
            return self._response(self._time)
        if path in self._asides and not (self._calls and self._calls[0]["path"] == path):
            self.aside.append(request)
            return self._response(self._asides[path])
        assert self._calls, f"unexpected {request.method} {path}"
        call = self._calls.pop(0)
        assert (request.method, path) == (call["method"], call["path"])
        told = parameters(request)
        if isinstance(told, list):
            assert told == call["exactly"]
        elif "exactly" in call:
            assert {name: value for name, value in told.items() if name not in SIGNING} == call["exactly"]
        else:
            assert {name: told.get(name) for name in call.get("with", {})} == call.get("with", {})
        self.sent.append(request)
        if "raises" in call:
            raise call["raises"]
        return self._response(call)

    def close(self) -> None:
        assert not self._calls, f"never asked: {[call['path'] for call in self._calls]}"

    def _response(self, call: dict[str, Any]) -> Response:
        body = call["text"] if "text" in call else json.dumps(call["answer"])
        return Response(call.get("status", 200), call.get("headers", {}), body.encode())


def parameters(request: Prepared) -> Any:
    """Query and body as one mapping; a list where that is the body. Of a remote call, what its method is told."""
    query = dict(parse_qsl(urlsplit(request.path).query, keep_blank_values=True))
    body = json.loads(request.body) if request.body else {}
    if isinstance(body, list):
        return body
    return query | (body["params"] if "jsonrpc" in body else body)


def scripted(
    exchange: str,
    calls: list[dict[str, Any]] | None = None,
    *,
    mode: PositionMode = PositionMode.HEDGE,
    credentials: Credentials | None = KEY,
) -> RestConnector:
    """A connector whose clock stands still at the time of its fixtures. Waiting for its budget takes no time."""
    passed = [0.0]

    def sleep(seconds: float) -> None:
        passed[0] += seconds

    kind = PLACES[exchange]
    target = Target(environment=Environment.LIVE, market=kind.spec.market, position_mode=mode)
    transport, addresses = ScriptedTransport(exchange, calls or []), addresses_of(kind.spec, target)
    return kind(
        credentials=credentials,
        target=target,
        addresses=addresses,
        transport=transport,
        hosts=dict.fromkeys(addresses.hosts, transport),
        limiter=LocalLimiter(monotonic=lambda: passed[0]),
        clock=VenueClock(monotonic=lambda: 1000.0, wall=lambda: 0.0),
        sleep=sleep,
    )
