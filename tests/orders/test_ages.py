"""How old something is, whatever is done to the machine's wall clock meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.orders.ages import STEP_REMEMBERED_S, Ages

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clocks:
    """The one nobody sets, and the other."""

    def __init__(self) -> None:
        self.mono, self.wall = 1000.0, NOON

    def passes(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += timedelta(seconds=seconds)

    def is_set(self, by_s: float) -> None:
        self.wall += timedelta(seconds=by_s)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def ages(clocks: Clocks) -> Ages:
    return Ages(monotonic=lambda: clocks.mono, wall=lambda: clocks.wall)


def test_what_happened_before_we_looked_is_as_old_as_the_wall_clock_says(clocks: Clocks, ages: Ages) -> None:
    assert ages.age_s("order", NOON - timedelta(seconds=40)) == 40
    clocks.passes(5)
    assert ages.age_s("order", NOON - timedelta(seconds=40)) == 45


@pytest.mark.parametrize("by_s", [3600, -3600])
def test_a_step_of_the_clock_ages_nothing_that_was_seen_before(clocks: Clocks, ages: Ages, by_s: float) -> None:
    ages.age_s("order", NOON)
    clocks.passes(2)
    clocks.is_set(by_s)
    assert ages.age_s("order", NOON) == 2


@pytest.mark.parametrize("by_s", [3600, -3600])
def test_after_a_step_what_is_seen_first_is_taken_for_new(clocks: Clocks, ages: Ages, by_s: float) -> None:
    clocks.is_set(by_s)
    assert ages.age_s("order", NOON) == 0
    clocks.passes(7)
    assert ages.age_s("order", NOON) == 7


def test_a_step_is_forgiven_in_time(clocks: Clocks, ages: Ages) -> None:
    clocks.is_set(3600)
    ages.age_s("any", NOON)
    clocks.passes(STEP_REMEMBERED_S + 1)
    assert ages.age_s("order", clocks.wall - timedelta(seconds=40)) == 40


def test_what_lies_ahead_of_the_clock_is_new(ages: Ages) -> None:
    assert ages.age_s("order", NOON + timedelta(hours=1)) == 0


def test_another_moment_under_the_same_name_begins_anew(clocks: Clocks, ages: Ages) -> None:
    ages.age_s("order", NOON)
    clocks.passes(30)
    assert ages.age_s("order", clocks.wall) == 0


def test_what_is_long_past_is_not_kept(clocks: Clocks, ages: Ages) -> None:
    for number in range(1500):
        ages.age_s(number, clocks.wall)
        clocks.passes(10)
    assert len(ages._began) < 1002
