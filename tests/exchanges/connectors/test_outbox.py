"""Frames leave as far apart as the venue wants; without such a wish, at once and in order."""

import pytest

from apps.exchanges.connectors.outbox import Outbox


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("apps.exchanges.connectors.outbox.time.monotonic", lambda: now[0])
    return now


def test_without_an_interval_all_leave_at_once_in_order(now: list[float]) -> None:
    sent: list[str] = []
    box = Outbox(0.0)
    box.restart(["a", "b"])
    box.put(["c"])
    assert box.flush(sent.append) == float("inf")
    assert sent == ["a", "b", "c"]


def test_with_an_interval_one_leaves_at_a_time(now: list[float]) -> None:
    sent: list[str] = []
    box = Outbox(0.25)
    box.restart(["a", "b", "c"])
    times = []
    while len(sent) < 3:
        wait_s = box.flush(sent.append)
        times.append(now[0])
        now[0] += min(wait_s, 1.0)
    assert times == [100.0, 100.25, 100.5]


def test_answers_go_before_what_waits_and_keep_their_order(now: list[float]) -> None:
    sent: list[str] = []
    box = Outbox(0.25)
    box.restart(["a", "b"])
    box.answer(["pong1", "pong2"])
    for _ in range(4):
        box.flush(sent.append)
        now[0] += 0.25
    assert sent == ["pong1", "pong2", "a", "b"]


def test_a_fresh_socket_forgets_what_waited_for_the_former_one(now: list[float]) -> None:
    sent: list[str] = []
    box = Outbox(0.25)
    box.restart(["a", "b"])
    box.flush(sent.append)
    box.restart(["c"])
    box.flush(sent.append)
    assert sent == ["a", "c"]


def test_a_frame_that_could_not_be_sent_is_not_sent_twice(now: list[float]) -> None:
    def fail(frame: str) -> None:
        raise OSError(frame)

    box = Outbox(0.0)
    box.restart(["a"])
    with pytest.raises(OSError, match="a"):
        box.flush(fail)
    sent: list[str] = []
    box.flush(sent.append)
    assert sent == []
