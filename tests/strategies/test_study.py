"""A study at work: ticks in, events out; interrupted or not, its numbers are the same."""

from datetime import UTC, datetime

import pytest

from apps.strategies.batches import StudyBatch
from apps.strategies.models import LevelChange, Line, LineResult, Study
from apps.strategies.searches import study_warm_up
from apps.strategies.selectors import lines_watched, standings_for_study, study_context
from apps.strategies.services import STANDARD, WIDE, results_save, rule_sets_seed, study_follow
from apps.strategies.study import StudyContext, on_tick, refresh, statistics_events
from cts.domain.types import LineEvent, Tick
from tests.conftest import ConnectionFactory
from tests.strategies.conftest import NOW_MS, SMALL, SYMBOLS, history

pytestmark = pytest.mark.django_db
HOUR_MS = 3_600_000


def warmed(study: Study, *, until_ms: int) -> StudyContext:
    study.refresh_from_db()
    return study_warm_up(study, study_context(study), until_ms=until_ms, history=history)


def ticks(symbol: str, *, since_ms: int, until_ms: int) -> list[Tick]:
    """Each second's open, its extremes in the order the bar suggests, and its close."""
    found: list[Tick] = []
    for at_ms, opened, high, low, close in history("", "", "", symbol, since_ms, until_ms).rows():
        turn = (low, high) if close >= opened else (high, low)
        for part, price in enumerate((opened, *turn, close)):
            found.append(Tick(symbol, price, price, price, at_ms + 250 * part, received_ns=at_ms))
    return found


def lived(context: StudyContext, *, since_ms: int, until_ms: int) -> list[LineEvent]:
    everything = [tick for symbol in SYMBOLS for tick in ticks(symbol, since_ms=since_ms, until_ms=until_ms)]
    everything.sort(key=lambda tick: tick.at_ms)
    return [event for tick in everything for event in on_tick(context, tick)]


def told(batch: StudyBatch) -> tuple[object, ...]:
    results = sorted(
        (line_id, each.opened_ms, each.closed_ms, each.gain_ratio, each.reason) for line_id, each in batch.results
    )
    return results, sorted((each.line_id, each.before, each.after) for each in batch.steps if each.rule_set_id is None)


def test_events_carry_what_an_engine_needs(searched: Study) -> None:
    context = warmed(searched, until_ms=NOW_MS)
    events = lived(context, since_ms=NOW_MS, until_ms=NOW_MS + HOUR_MS)
    opened = [event for event in events if event.kind == "opened"]
    closed = [event for event in events if event.kind == "closed"]
    assert len(opened) >= 5
    assert len(closed) >= 5
    for event in opened:
        assert event.signal["strength"] >= 1
        assert event.received_ns > 0
        assert event.statistics is not None
        assert event.statistics.count >= 10
        assert event.base_state == "active"
        assert (event.at_ms // 250) % 20 == 0  # the first tick of an interval of five seconds
    assert {event.reason for event in closed} <= {"target", "stop", "trail", "timeout"}
    assert all(event.gain_ratio is not None and event.study_id == searched.pk for event in closed)


def test_ticks_out_of_order_or_of_other_symbols_change_nothing(searched: Study) -> None:
    context = warmed(searched, until_ms=NOW_MS)
    symbol = SYMBOLS[0]
    price = context.markets[symbol].window.last_price
    assert on_tick(context, Tick(symbol, price * 2, price, price, NOW_MS - 1)) == []
    assert on_tick(context, Tick("NOT/USDT:USDT", 1.0, 1.0, 1.0, NOW_MS + 1)) == []
    assert context.markets[symbol].window.last_price == price


@pytest.mark.parametrize("cut_ms", [600_000, 605_000, 1_234_000])
def test_a_restart_misses_nothing_and_repeats_nothing(searched: Study, cut_ms: int) -> None:
    end_ms = NOW_MS + HOUR_MS
    whole = told(warmed(searched, until_ms=end_ms).take_batch())
    first = warmed(searched, until_ms=NOW_MS + cut_ms).take_batch()
    results_save(searched, batch=first)
    second = warmed(searched, until_ms=end_ms).take_batch()
    results_save(searched, batch=second)
    parts = [sorted(a + b) for a, b in zip(told(first), told(second), strict=True)]  # type: ignore[operator]
    assert parts == list(whole)
    assert len(whole[0]) >= 5  # type: ignore[arg-type]
    assert LineResult.objects.filter(closed_ms__gt=NOW_MS).count() == len(whole[0])  # type: ignore[arg-type]


def test_a_restart_in_the_middle_of_a_second_takes_only_its_close_again(searched: Study) -> None:
    cut_ms = NOW_MS + 617_500
    first = warmed(searched, until_ms=NOW_MS + 600_000)
    lived(first, since_ms=NOW_MS + 600_000, until_ms=NOW_MS + 617_000)
    for symbol in SYMBOLS:
        for tick in ticks(symbol, since_ms=NOW_MS + 617_000, until_ms=NOW_MS + 618_000)[:2]:
            on_tick(first, tick)
    batch = first.take_batch()
    assert batch.until_ms < cut_ms
    results_save(searched, batch=batch)
    again = warmed(searched, until_ms=NOW_MS + 620_000)
    whole = warmed(searched, until_ms=NOW_MS + 620_000)
    assert again.last_ms == NOW_MS + 620_000
    assert told(again.take_batch()) == told(whole.take_batch())
    taken = {(line_id, each.opened_ms) for line_id, each in batch.results}
    assert not taken & {(line_id, each.opened_ms) for line_id, each in again.take_batch().results}


def test_ticks_after_the_catch_up_go_on_where_the_bars_ended(searched: Study) -> None:
    context = warmed(searched, until_ms=NOW_MS + 600_000)
    before = context.take_batch()
    assert lived(context, since_ms=NOW_MS + 599_000, until_ms=NOW_MS + 600_000) == []
    lived(context, since_ms=NOW_MS + 600_000, until_ms=NOW_MS + 1_800_000)
    results_save(searched, batch=before)
    results_save(searched, batch=context.take_batch())  # a result told twice would break the unique constraint
    searched.refresh_from_db()
    assert searched.warmed_until == datetime.fromtimestamp((NOW_MS + 1_799_750) / 1000, UTC)


def test_saved_lines_equal_the_ones_in_memory(searched: Study) -> None:
    context = warmed(searched, until_ms=NOW_MS)
    lived(context, since_ms=NOW_MS, until_ms=NOW_MS + HOUR_MS)
    states = {m.lines[i].id: m.lattice.state(i) for m in context.markets.values() for i in range(len(m.lines))}
    numbers = {m.lines[i].id: m.statistics[i].count for m in context.markets.values() for i in range(len(m.lines))}
    results_save(searched, batch=context.take_batch())
    again = study_context(searched)
    for market in again.markets.values():
        for index, line in enumerate(market.lines):
            assert market.lattice.state(index) == states[line.id]
            assert market.statistics[index].count == numbers[line.id]
    assert any(state.entry_price for state in states.values())


def test_levels_are_recorded_with_the_numbers_that_changed_them(
    searched: Study, connection_factory: ConnectionFactory
) -> None:
    wide = rule_sets_seed()[WIDE]
    study_follow(connection_factory(symbols=SYMBOLS), rule_set=wide, **SMALL)
    context = warmed(searched, until_ms=NOW_MS)
    assert set(context.standings) == {wide.pk, rule_sets_seed()[STANDARD].pk}
    lived(context, since_ms=NOW_MS, until_ms=NOW_MS + 3 * HOUR_MS)
    results_save(searched, batch=context.take_batch())
    changes = LevelChange.objects.filter(rule_set__isnull=False)
    assert changes.exists()
    assert all(change.before != change.after and change.numbers["count"] >= 10 for change in changes)
    for rule_set in rule_sets_seed().values():
        assert context.standings[rule_set.pk].real_ids == standings_for_study(searched, rule_set).real_ids


def test_a_line_that_fails_opens_nothing_more(searched: Study) -> None:
    Line.objects.filter(pk__in=[line.pk for line in lines_watched(searched)]).update(base_state="evaluating")
    LineResult.objects.filter(line__study=searched).update(gain_ratio=-0.001)
    for line in lines_watched(searched):
        line.results.exclude(pk__in=line.results.values_list("pk", flat=True)[:9]).delete()
    context = warmed(searched, until_ms=NOW_MS)
    events = lived(context, since_ms=NOW_MS, until_ms=NOW_MS + HOUR_MS)
    failed = {event.line_id: place for place, event in enumerate(events) if event.base_state == "failed"}
    assert failed
    for place, event in enumerate(events):
        assert event.kind != "opened" or place <= failed.get(event.line_id, len(events))
    assert not [event for event in events if event.kind == "opened" and event.base_state == "failed"]


def test_numbers_that_age_are_told_without_a_trade(searched: Study) -> None:
    context = warmed(searched, until_ms=NOW_MS)
    refresh(context, now_ms=NOW_MS)
    assert refresh(context, now_ms=NOW_MS) == []
    aged = refresh(context, now_ms=NOW_MS + 25 * HOUR_MS)
    assert {event.kind for event in aged} == {"statistics"}
    assert all(event.statistics and event.statistics.recent_24h_of_last_20 == 0 for event in aged)
    assert len(aged) == len(statistics_events(context)) == lines_watched(searched).count()


def bests(context: StudyContext) -> dict[int, float]:
    """Best price by line, of positions whose trail is armed."""
    return {
        market.lines[index].id: best
        for market in context.markets.values()
        for index, best in market.lattice.trailing_bests().items()
    }


def test_a_trail_that_moved_is_saved_before_its_position_ends(searched: Study) -> None:
    context, at_ms = warmed(searched, until_ms=NOW_MS), NOW_MS
    moved: dict[int, float] = {}
    while not moved and at_ms < NOW_MS + 12 * HOUR_MS:
        context.take_batch()
        before = bests(context)
        lived(context, since_ms=at_ms, until_ms=at_ms + 10_000)
        at_ms += 10_000
        moved = {line: best for line, best in bests(context).items() if before.get(line) not in (None, best)}
    saved = {each.line_id: each.state.best_price for each in context.take_batch().lines}
    assert moved
    assert moved.items() <= saved.items()
    assert not context.take_batch().lines
