"""The venue's clock: from the middle of the round trip, indifferent to steps of the machine's own."""

from apps.exchanges.connectors.clock import RESYNC_S, VenueClock


class World:
    """A machine and a venue `ahead_s` ahead of it, with a way there and a way back."""

    def __init__(self, *, ahead_s: float, there_s: float = 0.1, back_s: float = 0.1) -> None:
        self.monotonic = 50.0
        self.wall = 1_000_000.0
        self.ahead_s, self.there_s, self.back_s = ahead_s, there_s, back_s
        self.asked = 0

    def venue_s(self) -> float:
        return 1_000_000.0 + (self.monotonic - 50.0) + self.ahead_s

    def ask(self) -> int:
        self.asked += 1
        self.monotonic += self.there_s
        answer = round(self.venue_s() * 1000)
        self.monotonic += self.back_s
        return answer

    def clock(self) -> VenueClock:
        return VenueClock(monotonic=lambda: self.monotonic, wall=lambda: self.wall + self.monotonic - 50.0)


def test_symmetric_round_trip_gives_the_venue_time_exactly() -> None:
    world = World(ahead_s=3.0)
    clock = world.clock()
    clock.sync(world.ask)
    assert abs(clock.now_ms() - world.venue_s() * 1000) <= 1
    skew = clock.skew_s
    assert skew is not None
    assert abs(skew + 3.0) < 0.001


def test_error_is_at_most_half_the_quickest_round_trip() -> None:
    world = World(ahead_s=0.0, there_s=0.9, back_s=0.1)
    clock = world.clock()
    clock.sync(world.ask)
    world.there_s = 0.02
    world.back_s = 0.0
    world.monotonic += RESYNC_S + 1
    clock.sync(world.ask)
    assert abs(clock.now_ms() - world.venue_s() * 1000) <= 11


def test_what_replies_tell_keeps_the_clock_fresh() -> None:
    world = World(ahead_s=2.0, there_s=0.02, back_s=0.02)
    clock = world.clock()
    asked_at = clock.moment()
    clock.note(world.ask(), asked_at=asked_at)
    assert clock.is_synced
    assert abs(clock.now_ms() - world.venue_s() * 1000) <= 1
    world.monotonic += RESYNC_S + 1
    assert clock.is_stale
    asked_at = clock.moment()
    clock.note(world.ask(), asked_at=asked_at)
    assert not clock.is_stale


def test_step_of_the_wall_clock_changes_nothing() -> None:
    world = World(ahead_s=0.0)
    clock = world.clock()
    clock.sync(world.ask)
    before = clock.now_ms()
    world.wall -= 3600
    assert clock.now_ms() == before
    skew = clock.skew_s
    assert skew is not None
    assert abs(skew + 3600) < 0.001


def test_fresh_clock_is_not_asked_again_until_it_is_stale() -> None:
    world = World(ahead_s=0.0)
    clock = world.clock()
    assert not clock.is_synced
    assert clock.skew_s is None
    clock.sync(world.ask)
    asked = world.asked
    clock.sync(world.ask)
    assert world.asked == asked
    world.monotonic += RESYNC_S + 1
    assert clock.is_stale
    clock.sync(world.ask)
    assert world.asked > asked


def test_forced_sync_forgets_what_it_believed() -> None:
    world = World(ahead_s=0.0, there_s=0.0, back_s=0.0)
    clock = world.clock()
    clock.sync(world.ask)
    world.ahead_s, world.there_s, world.back_s = 30.0, 0.2, 0.2
    clock.sync(world.ask, is_forced=True)
    assert abs(clock.now_ms() - world.venue_s() * 1000) <= 1
