"""A paper venue for tests: real sockets, a market that stands still until told, fresh accounts on demand."""

import itertools
import json
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.base import Credentials
from apps.exchanges.connectors.registry import EXCHANGES
from apps.exchanges.connectors.throttle import Grant, LocalLimiter
from apps.exchanges.paper.server import PaperVenue

START_PRICES = {
    "BTC/USDT:USDT": 60_000.0,
    "ETH/USDT:USDT": 3_000.0,
    "SOL/USDT:USDT": 150.0,
    "XRP/USDT:USDT": 2.0,
    "DOGE/USDT:USDT": 0.2,
    "BNB/USDT:USDT": 800.0,
    "ADA/USDT:USDT": 0.6,
    "AVAX/USDT:USDT": 25.0,
    "LINK/USDT:USDT": 20.0,
    "LTC/USDT:USDT": 100.0,
}
_numbers = itertools.count(1)


class Spendthrift(LocalLimiter):
    """What the venue closes stays closed; our own thrift, which has tests of its own, would make these last minutes."""

    def take(self, grants: Sequence[Grant], *, is_urgent: bool) -> float:
        return super().take([msgspec.structs.replace(grant, weight=0) for grant in grants], is_urgent=is_urgent)


class PaperVenueControl:
    """The venue as a test sees it: its URL, and the doors that steer it. Everything goes over the socket."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._moved: set[str] = set()

    @property
    def ws_url(self) -> str:
        return self.url.replace("http://", "ws://")

    def account(self, exchange: str, *, balance: str = "10000", position_mode: str | None = None) -> Credentials:
        """A new account with a key of its own, in a position mode where no call of the venue's could change it."""
        number = next(_numbers)
        credentials = Credentials(
            api_key=f"{exchange}key{number:06d}",
            api_secret=f"secret{number:06d}{exchange}",
            passphrase=f"passphrase{number:06d}" if "passphrase" in EXCHANGES[exchange].credential_fields else "",
        )
        self.account_for(exchange, credentials, balance=balance, position_mode=position_mode)
        return credentials

    def account_for(
        self, exchange: str, credentials: Credentials, *, balance: str = "10000", position_mode: str | None = None
    ) -> None:
        body: dict[str, Any] = {
            "exchange": exchange,
            "api_key": credentials.api_key,
            "api_secret": credentials.api_secret,
        }
        body |= {"passphrase": credentials.passphrase, "balance": balance, "position_mode": position_mode}
        self.call("POST", "/_accounts", body)

    def price(self, symbol: str, price: float | None, *, mark: float | None = None) -> None:
        """Move the market; resting orders and triggers have been matched when this returns."""
        self._moved.add(symbol)
        self.call("POST", "/_price", {"symbol": symbol, "price": price, "mark": mark})

    def reset_prices(self) -> None:
        """Back to the start, where anything has moved: most tests leave the market as it was."""
        for symbol in sorted(self._moved):
            self.price(symbol, START_PRICES[symbol])
        self._moved.clear()

    def faults(self, exchange: str, path: str, kind: str, *, count: int | None = 1, **options: Any) -> None:
        """Arm a fault; `path` is the venue's own (`/v5/order/create`), `count` None is until cleared."""
        self.call("POST", "/_faults", {"exchange": exchange, "path": path, "kind": kind, "count": count, **options})

    def clear_faults(self) -> None:
        self.call("DELETE", "/_faults")

    def state(self, exchange: str, credentials: Credentials) -> dict[str, Any]:
        """Orders, fills, positions and money of an account, as the venue holds them."""
        found: dict[str, Any] = self.call("GET", f"/_state?exchange={exchange}&api_key={credentials.api_key}")
        return found

    def fund(self) -> None:
        """Pay one funding now."""
        self.call("POST", "/_funding")

    def call(self, method: str, path: str, body: object = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)


@pytest.fixture(scope="session")
def _quiet_paper_venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaperVenueControl]:
    folder: Path = tmp_path_factory.mktemp("paper")
    venue = PaperVenue(state_path=folder / "paper.sqlite3", seed=7, start_prices=START_PRICES)
    yield PaperVenueControl(venue.start_in_thread())
    venue.stop()


@pytest.fixture
def paper_venue(_quiet_paper_venue: PaperVenueControl) -> PaperVenueControl:
    """The session's quiet venue at its start prices, without faults. Accounts are the test's own."""
    _quiet_paper_venue.clear_faults()
    _quiet_paper_venue.reset_prices()
    return _quiet_paper_venue


@pytest.fixture(scope="session")
def moving_paper_venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaperVenueControl]:
    """A venue whose market moves by itself, the same way for the same seed and second."""
    folder: Path = tmp_path_factory.mktemp("moving-paper")
    venue = PaperVenue(state_path=folder / "paper.sqlite3", seed=7)
    yield PaperVenueControl(venue.start_in_thread())
    venue.stop()
