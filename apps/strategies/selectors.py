"""Reads of studies and lines, and the way from rows to what the domain works with."""

from collections import defaultdict
from typing import Any

import msgspec
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.exchanges.models import Connection
from apps.exchanges.selectors import connections_for, connections_watched, found
from apps.strategies.batches import StudyTerms, WatchedLine
from apps.strategies.models import BaseState, Configuration, Line, LineResult, RuleSet, Study, StudyFollow
from apps.strategies.study import StudyContext
from cts.domain import configurations, levels, types
from cts.domain.lattice import Costs, LineState
from cts.domain.types import LineStatistics, PositionSide


def studies_for(user: User) -> QuerySet[Study]:
    """Those the user's connections follow."""
    return Study.objects.filter(follows__connection__in=connections_for(user)).distinct().order_by("pk")


def study_get_for(user: User, pk: int | str) -> Study:
    """A study one of the user's connections follows.

    Raises:
        NotFound: absent and not followed alike.
    """
    return found(studies_for(user), pk)


def lines_for(user: User) -> QuerySet[Line]:
    """Watched lines of the user's studies, the one configuration of each at hand."""
    watched = Line.objects.filter(study__in=studies_for(user), is_watched=True)
    return watched.select_related("configuration").order_by("pk")


def line_get_for(user: User, pk: int | str) -> Line:
    """A line of one of the user's studies.

    Raises:
        NotFound: absent and not yours alike.
    """
    return found(lines_for(user), pk)


def rule_sets_for(user: User) -> QuerySet[RuleSet]:
    """Everyone's and the user's own."""
    offered = RuleSet.objects.filter(owner=None) | RuleSet.objects.filter(owner_id=user.pk)
    return offered.prefetch_related("rules").order_by("pk")


def follow_for(connection: Connection) -> StudyFollow | None:
    return StudyFollow.objects.select_related("study", "rule_set").filter(connection=connection).first()


def study_is_wanted(study_id: int) -> bool:
    """Whether a connection that is in use follows it."""
    return StudyFollow.objects.filter(study_id=study_id, connection__in=connections_watched()).exists()


def lines_watched(study: Study) -> QuerySet[Line]:
    """The lines the study simulates: kept by the last search and not failed since."""
    kept = study.lines.filter(is_watched=True).exclude(base_state=BaseState.FAILED)
    return kept.select_related("configuration").order_by("pk")


def lines_for_study(study: Study) -> dict[int, types.Line]:
    """The watched lines as engines see them, by id."""
    return {line.pk: line_value(line, study) for line in lines_watched(study)}


def standings_for_study(study: Study, rule_set: RuleSet) -> levels.Standings:
    """Who stands where now; feed it the study's line events to keep it so."""
    return levels.Standings(rule_set_value(rule_set), [_standing(line) for line in lines_watched(study)])


def real_line_ids(study: Study, rule_set: RuleSet) -> set[int]:
    """The lines that may trade under these rules."""
    return standings_for_study(study, rule_set).real_ids


def study_context(study: Study) -> StudyContext:
    """The study as it was last saved, ready to go on."""
    results: dict[int, list[tuple[int, float]]] = defaultdict(list)
    rows = LineResult.objects.filter(line__in=lines_watched(study)).order_by("closed_ms")
    for line_id, closed_ms, gain in rows.values_list("line_id", "closed_ms", "gain_ratio").iterator(chunk_size=5000):
        results[line_id].append((closed_ms, gain))
    watched = [
        WatchedLine(line_value(line, study), line.base_state, line_state(line), results[line.pk])
        for line in lines_watched(study)
    ]
    rule_sets = RuleSet.objects.filter(follows__study=study).distinct().prefetch_related("rules")
    return StudyContext(study_terms(study), watched, {each.pk: rule_set_value(each) for each in rule_sets})


def study_terms(study: Study) -> StudyTerms:
    return StudyTerms(study.pk, study.timeframe_s, study.position_cost_ratio, study_costs(study))


def study_costs(study: Study) -> Costs:
    return Costs(
        fee_ratio=study.fee_ratio, slippage_ratio=study.slippage_ratio, position_timeout_s=study.position_timeout_s
    )


def rule_set_value(rule_set: RuleSet) -> levels.RuleSet:
    """The rules as the domain applies them."""
    rules = tuple(
        levels.Rule(
            level=levels.Level(rule.level),
            metric=rule.metric,
            window=rule.window,
            operator=rule.operator,
            threshold=rule.threshold,
            min_count=rule.min_count,
        )
        for rule in rule_set.rules.all()
    )
    return levels.RuleSet(rules=rules, real_lines_per_side=rule_set.real_lines_per_side)


def configuration_value(row: Configuration) -> configurations.Configuration:
    return configurations.Configuration(
        indication=row.indication,
        parameters=row.parameters,
        take_profit_steps=row.take_profit_steps,
        stop_loss_ratio=row.stop_loss_ratio,
        trail_arm_pct=row.trail_arm_pct,
        trail_give_back_pct=row.trail_give_back_pct,
    )


def line_value(line: Line, study: Study) -> types.Line:
    chosen = configuration_value(line.configuration)
    cost = study.position_cost_ratio
    return chosen.line(line.pk, symbol=line.symbol, side=PositionSide(line.side), position_cost_ratio=cost)


def line_state(line: Line) -> LineState:
    held: dict[str, Any] = line.open_position or {}
    return LineState(quiet_until_ms=line.cooldown_until_ms, **held)


def line_statistics(line: Line) -> LineStatistics:
    return msgspec.convert(line.statistics, LineStatistics)


def _standing(line: Line) -> levels.Standing:
    return levels.Standing(
        line_id=line.pk,
        symbol=line.symbol,
        side=PositionSide(line.side),
        base_state=line.base_state,
        statistics=line_statistics(line),
    )
