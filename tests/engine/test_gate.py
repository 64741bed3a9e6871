"""The gate opens by a whole sync on a stream that was never lost meanwhile, and closes at once."""

from apps.engine.gate import Gate


def _opened() -> Gate:
    gate = Gate()
    gate.up()
    gate.open(gate.begin())
    assert gate.is_open
    return gate


def test_a_sync_while_the_stream_is_down_does_not_open_it() -> None:
    gate = Gate()
    begun = gate.begin()
    gate.open(begun)
    assert not gate.is_open
    # The stream came up in the middle: what it told before the sync's first question may be missing.
    gate.up()
    gate.open(begun)
    assert not gate.is_open


def test_a_loss_closes_it_at_once_and_the_stream_alone_does_not_open_it_again() -> None:
    gate = _opened()
    gate.down()
    assert not gate.is_open
    gate.up()
    assert not gate.is_open
    gate.open(gate.begin())
    assert gate.is_open


def test_a_loss_that_began_and_ended_within_a_sync_is_not_slept_through() -> None:
    gate = _opened()
    begun = gate.begin()
    gate.down()
    gate.up()
    gate.open(begun)
    assert not gate.is_open


def test_a_sync_that_failed_closes_it_until_one_goes_through() -> None:
    gate = _opened()
    gate.close()
    assert not gate.is_open
    gate.open(gate.begin())
    assert gate.is_open


def test_a_gate_that_was_shut_stays_so() -> None:
    gate = _opened()
    gate.shut()
    gate.up()
    gate.open(gate.begin())
    assert not gate.is_open
