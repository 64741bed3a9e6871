"""Every venue × every kind of call × every fault: the right one of the five errors, and never a second order."""

from collections.abc import Callable

import msgspec
import pytest

from apps.exchanges.connectors.spec import Capability
from cts.domain.errors import AmbiguousResult, AuthFailed, ExchangeError, OrderNotFound, RateLimited, Unsupported
from cts.domain.types import MarginMode, OrderStatus
from tests.exchanges.certification.conftest import Note
from tests.exchanges.certification.faults import CLOCK, FAULTS, KEY
from tests.exchanges.certification.stage import Stage

pytestmark = pytest.mark.wire


def outcome(verb: Callable[[], object]) -> ExchangeError | None:
    try:
        verb()
    except ExchangeError as error:
        return error
    return None


@pytest.mark.parametrize("name", FAULTS)
def test_placing(hasty: Stage, cell: Note, name: str) -> None:
    cell("fault", f"place: {name}")
    fault, request = FAULTS[name], hasty.resting()
    door = hasty.door_of(lambda: hasty.connector.place(hasty.resting()))
    hasty.fault(door, fault.kind, **fault.options)
    raised = outcome(lambda: hasty.connector.place(request))
    assert type(raised) is (type(None) if fault.place is None else fault.place), raised
    if isinstance(raised, RateLimited):
        assert raised.retry_at is not None
        assert raised.is_ban or fault.kind != "ban"
    assert hasty.times_taken(request) == int(fault.is_taken)
    if isinstance(raised, AmbiguousResult):
        _resolved(hasty, request_id=request.client_order_id, is_taken=fault.is_taken)


def _resolved(stage: Stage, *, request_id: str, is_taken: bool) -> None:
    """Asked for by its id, the order is found, or surely absent."""
    asked = outcome(lambda: stage.connector.order(stage.symbol, client_order_id=request_id))
    assert asked is None if is_taken else isinstance(asked, OrderNotFound)


@pytest.mark.parametrize("name", FAULTS)
def test_reading(hasty: Stage, cell: Note, name: str) -> None:
    cell("fault", f"read: {name}")
    fault = FAULTS[name]
    hasty.fault(hasty.door_of(hasty.connector.balances), fault.kind, **fault.options)
    raised = outcome(hasty.connector.balances)
    assert type(raised) is (type(None) if fault.repeated is None else fault.repeated), raised


@pytest.mark.parametrize("name", FAULTS)
def test_canceling(hasty: Stage, cell: Note, name: str) -> None:
    cell("fault", f"cancel: {name}")
    fault = FAULTS[name]
    first, request = hasty.placed(hasty.resting()), hasty.placed(hasty.resting())
    door = hasty.door_of(lambda: hasty.cancel(first))
    hasty.fault(door, fault.kind, **fault.options)
    raised = outcome(lambda: hasty.cancel(request))
    if fault.repeated is not None:
        assert type(raised) is fault.repeated, raised
        assert hasty.is_open(request) is not fault.is_taken
        return
    # Canceled by a try whose answer was lost, the next one finds nothing to cancel.
    assert raised is None or (isinstance(raised, OrderNotFound) and fault.is_taken), raised
    assert not hasty.is_open(request)
    hasty.settles(request, OrderStatus.CANCELED)


@pytest.mark.parametrize("name", FAULTS)
def test_setting(hasty: Stage, cell: Note, name: str) -> None:
    has_settings = hasty.spec.can(Capability.LEVERAGE)
    cell("fault", f"setting: {name}", is_absent=not has_settings)
    fault = FAULTS[name]

    def set_to(leverage: int) -> None:
        hasty.connector.set_leverage(hasty.symbol, leverage=leverage, margin_mode=MarginMode.CROSS)

    if not has_settings:
        assert isinstance(outcome(lambda: set_to(7)), Unsupported)
        return
    hasty.fault(hasty.door_of(lambda: set_to(6)), fault.kind, **fault.options)
    raised = outcome(lambda: set_to(7))
    assert type(raised) is (type(None) if fault.repeated is None else fault.repeated), raised


def test_skewed_clock_is_followed(stage: Stage, cell: Note) -> None:
    cell("fault", CLOCK)
    for skew_ms in (-30_000, 30_000):
        stage.venue.faults(stage.exchange, "", "clock_skew", skew_ms=skew_ms)
        stage.entered()
    # Asked while the venue's clock is ahead: once it is set right, the second fill lies in the future.
    fills = stage.connector.fills(stage.symbol)
    stage.venue.faults(stage.exchange, "", "clock_skew", skew_ms=0)
    # The clock is shared by all who ask this address: it must not go on believing in the shift.
    stage.connector.clock.sync(stage.connector._time_once, is_forced=True)
    assert len(fills) == 2


def test_wrong_key_is_told_apart(stage: Stage, cell: Note) -> None:
    cell("fault", KEY)
    stranger = stage.connected(msgspec.structs.replace(stage.keys, api_key="nobody"))
    with pytest.raises(AuthFailed):
        stranger.balances()
