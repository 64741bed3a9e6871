"""Symbols made ready for entries beside a running engine: in step first, then one by one, again where the venue was away."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from apps.engine import preparing
from apps.engine.preparing import Preparing
from apps.exchanges.models import Connection
from cts.domain.errors import DomainError, ExchangeError, Rejected, Unavailable
from cts.domain.types import MarginMode
from tests.flows.stage import until
from tests.orders.venue import ScriptedVenue

pytestmark = pytest.mark.django_db(transaction=True)
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


class Particular(ScriptedVenue):
    """A venue that takes leverage for some symbols only, or not now."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.errors: dict[str, ExchangeError] = {}

    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None:
        if symbol in self.errors:
            raise self.errors[symbol]
        self.told.append(symbol)


@pytest.fixture
def venue() -> Particular:
    return Particular()


@pytest.fixture
def in_step() -> threading.Event:
    return threading.Event()


@pytest.fixture
def prepared(
    connection: Connection, venue: Particular, in_step: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Preparing]:
    monkeypatch.setattr(preparing, "AGAIN_S", 0.05)
    thread = Preparing(
        connection, connector=venue, is_in_step=in_step.is_set, is_held=lambda: True, on_news=lambda: None
    )
    thread.want([BTC, ETH])
    thread.start()
    yield thread
    thread.stop()


def failed(thread: Preparing) -> Callable[[], bool]:
    def check() -> bool:
        try:
            thread.check(stall_s=60)
        except DomainError as error:
            return error.code == "venue_setup"
        return False

    return check


def test_nothing_is_told_to_the_venue_before_the_account_is_in_step(
    prepared: Preparing, venue: Particular, in_step: threading.Event
) -> None:
    time.sleep(0.6)
    assert (venue.told, prepared.ready) == ([], frozenset())
    in_step.set()
    until(lambda: prepared.ready == {BTC, ETH})
    assert venue.told == [BTC, ETH]
    prepared.want([ETH])
    until(lambda: prepared.ready == {ETH})
    assert venue.told == [BTC, ETH]


def test_a_symbol_the_venue_refuses_keeps_no_other_from_being_ready(
    prepared: Preparing, venue: Particular, in_step: threading.Event
) -> None:
    venue.errors[BTC] = Rejected("at most 5x")
    in_step.set()
    until(lambda: prepared.ready == {ETH})
    prepared.check(stall_s=60)


def test_a_venue_that_refuses_every_symbol_is_the_owners_to_mend(
    prepared: Preparing, venue: Particular, in_step: threading.Event
) -> None:
    venue.errors = {BTC: Rejected("at most 5x"), ETH: Rejected("at most 5x")}
    in_step.set()
    until(failed(prepared))


def test_a_venue_that_is_away_is_asked_again(prepared: Preparing, venue: Particular, in_step: threading.Event) -> None:
    venue.errors = {BTC: Unavailable("maintenance")}
    in_step.set()
    until(lambda: prepared.ready == {ETH})
    venue.errors.clear()
    until(lambda: prepared.ready == {BTC, ETH})
