"""Following, searching and saving, on a real database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from apps.accounts.access import NotFound
from apps.accounts.models import User
from apps.exchanges.leases import lease_release, lease_take
from apps.exchanges.models import Connection
from apps.strategies.batches import LineSnapshot, StudyBatch
from apps.strategies.models import BaseState, Configuration, LevelChange, Line, LineResult, RuleSet, Study, StudyFollow
from apps.strategies.rows import line_row, rule_set_row, study_row
from apps.strategies.searches import search_span_s, study_is_cold, study_progress, study_search
from apps.strategies.selectors import (
    line_get_for,
    line_statistics,
    lines_for,
    lines_for_study,
    lines_watched,
    real_line_ids,
    rule_set_value,
    rule_sets_for,
    standings_for_study,
    study_get_for,
)
from apps.strategies.services import (
    STANDARD,
    WIDE,
    StaleRun,
    results_save,
    rule_sets_seed,
    study_follow,
    study_unfollow,
)
from cts.domain.bars import Bars, bars_from_columns
from cts.domain.errors import DomainError
from cts.domain.lattice import Closed, LineState
from cts.domain.levels import DEFAULT_RULES
from cts.domain.statistics import KEPT_RESULTS
from tests.conftest import ConnectionFactory
from tests.strategies.conftest import NOW, NOW_MS, SEARCH, SMALL, SYMBOLS, history

pytestmark = pytest.mark.django_db


def closed(number: int, *, gain: float = 0.001) -> Closed:
    at_ms = NOW_MS + 60_000 * number
    return Closed(
        index=0,
        opened_ms=at_ms - 30_000,
        closed_ms=at_ms,
        entry_price=100.0,
        exit_price=100.1,
        gain_ratio=gain,
        reason="target",
    )


def batch(line: Line, results: list[Closed], *, oldest_kept_ms: int = 0, state: LineState | None = None) -> StudyBatch:
    numbers = msgspec.structs.replace(line_statistics(line), count=min(KEPT_RESULTS, len(results)))
    snapshot = LineSnapshot(line.pk, "active", numbers, state or LineState(), oldest_kept_ms)
    return StudyBatch(results[-1].closed_ms, [(line.pk, each) for each in results], [snapshot], [])


# --- following ----------------------------------------------------------------------------------------------------
def test_connections_with_the_same_parameters_share_a_study(connection_factory: ConnectionFactory, bob: User) -> None:
    first = study_follow(connection_factory(symbols=SYMBOLS), **SMALL)
    second = study_follow(connection_factory(owner=bob, symbols=SYMBOLS[::-1]), **SMALL)
    assert first.study == second.study
    assert first.rule_set.name == STANDARD


@pytest.mark.parametrize("other", [{"timeframe_s": 15}, {"fee_ratio": 0.0004}, {"symbols": SYMBOLS[:1]}])
def test_other_parameters_are_another_study(connection_factory: ConnectionFactory, other: dict[str, Any]) -> None:
    first = study_follow(connection_factory(symbols=SYMBOLS), **SMALL)
    second = study_follow(connection_factory(symbols=SYMBOLS), **{**SMALL, **other})
    assert first.study != second.study


def test_a_connection_follows_one_study_and_keeps_its_rules(follower: Connection) -> None:
    wide = rule_sets_seed()[WIDE]
    study_follow(follower, rule_set=wide, **SMALL)
    changed = study_follow(follower, **{**SMALL, "timeframe_s": 30})
    assert StudyFollow.objects.get(connection=follower) == changed
    assert changed.rule_set == wide
    study_unfollow(follower)
    assert not StudyFollow.objects.filter(connection=follower).exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"timeframe_s": 7}, "timeframe_s"),
        ({"timeframe_s": 90}, "timeframe_s"),
        ({"position_cost_ratio": 0.02}, "position_cost_ratio"),
        ({"fee_ratio": -0.1}, "fee_ratio"),
        ({"lines_per_symbol": 1}, "lines_per_symbol"),
        ({"luck": 1}, None),
        ({"symbols": []}, "symbols"),
    ],
)
def test_parameters_outside_their_range_are_refused(
    follower: Connection, wrong: dict[str, Any], field: str | None
) -> None:
    with pytest.raises(DomainError) as refusal:
        study_follow(follower, **wrong)
    assert refusal.value.field == field
    assert not Study.objects.exists()


def test_the_seeded_rules_are_the_defaults_and_edits_stay() -> None:
    seeded = rule_sets_seed()
    assert rule_set_value(seeded[STANDARD]) == DEFAULT_RULES
    assert rule_set_value(seeded[WIDE]) == msgspec.structs.replace(DEFAULT_RULES, real_lines_per_side=20)
    seeded[STANDARD].rules.filter(metric="count").update(threshold=20)
    rule_sets_seed()
    assert RuleSet.objects.count() == 2
    assert seeded[STANDARD].rules.get(metric="count").threshold == 20
    assert len(rule_set_row(seeded[WIDE])["rules"]) == len(DEFAULT_RULES.rules)


# --- searching ----------------------------------------------------------------------------------------------------
def test_a_search_keeps_the_best_lines_of_each_symbol_and_side(searched: Study) -> None:
    lines = list(lines_watched(searched))
    assert {line.symbol for line in lines} == set(SYMBOLS)
    for symbol in SYMBOLS:
        for side in ("long", "short"):
            assert 1 <= sum((line.symbol, line.side) == (symbol, side) for line in lines) <= 4
    assert searched.searched_at == searched.warmed_until == NOW
    assert len(lines_for_study(searched)) == len(lines)


def test_what_is_stored_of_a_line_agrees_with_its_results(searched: Study) -> None:
    for line in lines_watched(searched):
        gains = list(line.results.order_by("closed_ms").values_list("gain_ratio", flat=True))
        numbers = line_statistics(line)
        assert numbers.count == len(gains) >= 10
        assert numbers.mean_gain == pytest.approx(sum(gains) / len(gains))
        assert line.base_state in (BaseState.ACTIVE, BaseState.PAUSED)
        assert max(line.results.values_list("closed_ms", flat=True)) <= NOW_MS
        change = LevelChange.objects.get(line=line)
        assert (change.before, change.after, change.numbers["count"]) == ("evaluating", line.base_state, len(gains))


def test_equal_configurations_are_one_row(searched: Study) -> None:
    assert Configuration.objects.count() == len({line.configuration_id for line in Line.objects.all()})


def test_the_search_is_told_as_progress(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, object]] = []

    def watched(*args: Any, **options: Any) -> Bars:
        told.append(Study.objects.get(pk=study.pk).progress)
        return history(*args, **options)

    study_search(study, now=NOW, history=watched, candidates=20, span_s=3600)
    assert [(each["what"], each["done"], each["total"]) for each in told] == [("search", 0, 2), ("search", 1, 2)]
    study_progress(study)
    assert study_row(study)["progress"] == {}


def test_a_second_search_leaves_lines_at_work_alone_and_revives_the_failed(searched: Study) -> None:
    lines = list(lines_watched(searched))
    working, failed = lines[0], lines[1]
    results_save(searched, batch=batch(working, [closed(1)]))
    Line.objects.filter(pk=failed.pk).update(base_state=BaseState.FAILED)
    study_search(searched, now=NOW, history=history, **SEARCH)
    assert set(lines_watched(searched)) == set(lines)
    assert working.results.filter(closed_ms=closed(1).closed_ms).exists()
    failed.refresh_from_db()
    assert failed.base_state != BaseState.FAILED
    assert failed.results.count() == line_statistics(failed).count


def test_lines_the_search_no_longer_keeps_are_not_watched(searched: Study) -> None:
    before = set(lines_watched(searched))
    Study.objects.filter(pk=searched.pk).update(lines_per_symbol=2)
    searched.refresh_from_db()
    study_search(searched, now=NOW, history=history, **SEARCH)
    after = set(lines_watched(searched))
    assert len(after) == 4
    assert after < before


def test_a_study_that_slept_too_long_starts_anew(searched: Study) -> None:
    assert not study_is_cold(searched, now=NOW + timedelta(hours=1))
    later = NOW + timedelta(seconds=search_span_s(searched) + 60)
    assert study_is_cold(searched, now=later)
    study_search(searched, now=later, history=history, **SEARCH)
    assert searched.warmed_until == later
    oldest = LineResult.objects.filter(line__in=lines_watched(searched)).order_by("closed_ms")[0].closed_ms
    assert oldest > NOW_MS


def test_history_too_coarse_for_the_study_is_refused(study: Study) -> None:
    minutes = bars_from_columns(60, [[NOW_MS], [1.0], [1.0], [1.0], [1.0]])
    with pytest.raises(DomainError, match="60 s"):
        study_search(study, now=NOW, history=lambda *args, **options: minutes, candidates=5)


# --- saving -------------------------------------------------------------------------------------------------------
def test_a_batch_is_saved_whole(searched: Study) -> None:
    line = lines_watched(searched)[0]
    held = LineState(quiet_until_ms=7, entry_price=100.5, best_price=101.0, opened_ms=NOW_MS)
    before = line.version
    results_save(searched, batch=batch(line, [closed(5)], state=held))
    line.refresh_from_db()
    searched.refresh_from_db()
    assert line.results.get(closed_ms=closed(5).closed_ms).gain_ratio == 0.001
    assert line.open_position == {"entry_price": 100.5, "best_price": 101.0, "opened_ms": NOW_MS}
    assert (line.cooldown_until_ms, line.version) == (7, before + 1)
    assert searched.warmed_until == datetime.fromtimestamp(closed(5).closed_ms / 1000, UTC)
    assert line_row(line)["open_position"] == line.open_position


def test_a_batch_that_fails_leaves_nothing(searched: Study) -> None:
    line = lines_watched(searched)[0]
    count, warmed = LineResult.objects.count(), searched.warmed_until
    twice = batch(line, [closed(5), closed(5)])
    with pytest.raises(Exception, match=r"(?i)unique"):
        results_save(searched, batch=twice)
    searched.refresh_from_db()
    assert (LineResult.objects.count(), searched.warmed_until) == (count, warmed)


test_a_batch_that_fails_leaves_nothing = pytest.mark.django_db(transaction=True)(test_a_batch_that_fails_leaves_nothing)


def test_only_the_newest_results_of_a_line_are_kept(searched: Study) -> None:
    line, other = lines_watched(searched)[:2]
    untouched = other.results.count()
    many = [closed(number) for number in range(KEPT_RESULTS + 40)]
    results_save(searched, batch=batch(line, many, oldest_kept_ms=many[-KEPT_RESULTS].closed_ms))
    assert line.results.count() == KEPT_RESULTS
    assert line.results.order_by("closed_ms")[0].closed_ms == many[-KEPT_RESULTS].closed_ms
    assert other.results.count() == untouched


def test_a_run_that_lost_its_lease_saves_nothing(searched: Study) -> None:
    line = lines_watched(searched)[0]
    lease = lease_take(searched.lease_name, owner="first", ttl_s=30)
    assert lease is not None
    results_save(searched, batch=batch(line, [closed(1)]), epoch=lease.epoch)
    lease_release(lease)
    assert lease_take(searched.lease_name, owner="second", ttl_s=30) is not None
    with pytest.raises(StaleRun):
        results_save(searched, batch=batch(line, [closed(2)]), epoch=lease.epoch)
    assert not line.results.filter(closed_ms=closed(2).closed_ms).exists()


# --- reading ------------------------------------------------------------------------------------------------------
def test_real_lines_are_among_the_active_and_no_more_than_allowed(searched: Study) -> None:
    rules = rule_sets_seed()[STANDARD]
    real = real_line_ids(searched, rules)
    assert real
    standings = standings_for_study(searched, rules)
    for symbol in SYMBOLS:
        for side in ("long", "short"):
            here = lines_watched(searched).filter(symbol=symbol, side=side, pk__in=real)
            assert len(here) <= 3
            assert all(line.base_state == BaseState.ACTIVE for line in here)
            assert all(standings.is_real(line.pk, symbol=symbol, side=line.side) for line in here)  # type: ignore[arg-type]


def test_studies_and_lines_show_to_those_who_follow(searched: Study, alice: User, charlie: User) -> None:
    line = lines_watched(searched)[0]
    assert study_get_for(alice, searched.pk) == searched
    assert line_get_for(alice, line.pk) == line
    assert not lines_for(charlie).exists()
    for ask in (lambda: study_get_for(charlie, searched.pk), lambda: line_get_for(charlie, line.pk)):
        with pytest.raises(NotFound):
            ask()


def test_rule_sets_of_others_do_not_show(alice: User, charlie: User) -> None:
    rule_sets_seed()
    own = RuleSet.objects.create(owner=alice, name="Mine")
    assert own in rule_sets_for(alice)
    assert own not in rule_sets_for(charlie)
    assert rule_sets_for(charlie).count() == 2
