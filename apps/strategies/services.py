"""Writes of the strategies app: who follows which study, what simulated positions earned, and the rule sets offered.

Searching and warming up stand in `searches`, and are called from here as well.
"""

import hashlib
import json
from datetime import UTC, datetime

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.exchanges.leases import lease_epoch_is_current
from apps.exchanges.models import Connection
from apps.exchanges.runs import run_wake
from apps.exchanges.symbols import connection_symbols
from apps.strategies.batches import LevelStep, LineSnapshot, StudyBatch
from apps.strategies.models import LevelChange, Line, LineResult, Rule, RuleSet, Study, StudyFollow
from apps.strategies.searches import open_position_json, study_progress, study_search, study_warm_up
from cts.domain.errors import DomainError
from cts.domain.lattice import Closed
from cts.domain.levels import DEFAULT_RULES
from cts.domain.statistics import KEPT_RESULTS

__all__ = [
    "results_save",
    "rule_sets_seed",
    "study_follow",
    "study_progress",
    "study_search",
    "study_unfollow",
    "study_warm_up",
]

STANDARD, WIDE = "Standard", "Wide"
_SEEDED = {STANDARD: 3, WIDE: 20}
"""Rule sets offered to everyone: the same rules, so many real lines per symbol and side."""

_FINE_TIMEFRAMES_S = (1, 5, 15, 30)


class StaleRun(Exception):
    """Another run has taken the study over; what this one still holds must not be written."""


class StudyParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What makes two connections share a study, beside venue and symbols."""

    timeframe_s: int = 60
    position_cost_ratio: float = 0.001
    fee_ratio: float = 0.00055
    slippage_ratio: float = 0.0001
    position_timeout_s: int = 7200
    lines_per_symbol: int = 2000

    def __post_init__(self) -> None:
        _inside("position_cost_ratio", self.position_cost_ratio, 0.0001, 0.01)
        _inside("fee_ratio", self.fee_ratio, 0.0, 0.01)
        _inside("slippage_ratio", self.slippage_ratio, 0.0, 0.01)
        _inside("position_timeout_s", self.position_timeout_s, 60, 7 * 86_400)
        _inside("lines_per_symbol", self.lines_per_symbol, 2, 20_000)
        _inside("timeframe_s", self.timeframe_s, 1, 3600)
        if self.timeframe_s not in _FINE_TIMEFRAMES_S and self.timeframe_s % 60:
            raise DomainError("out_of_range", "Choose 1, 5, 15, 30 or whole minutes", field="timeframe_s")


def _inside(field: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise DomainError("out_of_range", f"Choose a value from {low:g} to {high:g}", field=field)


@transaction.atomic
def rule_sets_seed() -> dict[str, RuleSet]:
    """The rule sets offered to everyone, by name. What somebody has changed in them stays."""
    return {name: _rule_set_ensure(name, places) for name, places in _SEEDED.items()}


def _rule_set_ensure(name: str, places: int) -> RuleSet:
    row, is_new = RuleSet.objects.get_or_create(owner=None, name=name, defaults={"real_lines_per_side": places})
    if is_new:
        Rule.objects.bulk_create(
            Rule(
                rule_set=row,
                level=rule.level.value,
                metric=rule.metric,
                window=rule.window,
                operator=rule.operator,
                threshold=rule.threshold,
                min_count=rule.min_count,
            )
            for rule in DEFAULT_RULES.rules
        )
    return row


@transaction.atomic
def study_follow(
    connection: Connection,
    *,
    rule_set: RuleSet | None = None,
    symbols: list[str] | None = None,
    **parameters: float,
) -> StudyFollow:
    """Let a connection follow the study of these parameters, which it shares with all who want the same.

    Raises:
        DomainError: `no_symbols`, `out_of_range`, `unknown_parameter`.
    """
    wanted = _parameters({"lines_per_symbol": settings.LINES_PER_SYMBOL, **parameters})
    names = sorted(set(symbols if symbols is not None else connection_symbols(connection)))
    if not names:
        raise DomainError("no_symbols", "Choose at least one symbol to study", field="symbols")
    venue = {"exchange": connection.exchange, "environment": connection.environment, "market": connection.market}
    terms = msgspec.structs.asdict(wanted)
    digest = hashlib.sha256(json.dumps([venue, names, terms], sort_keys=True).encode()).hexdigest()
    study, _ = Study.objects.get_or_create(digest=digest, defaults={**venue, **terms, "symbols": names})
    before = StudyFollow.objects.filter(connection=connection).first()
    chosen = rule_set or (before.rule_set if before else rule_sets_seed()[STANDARD])
    follow, _ = StudyFollow.objects.update_or_create(
        connection=connection, defaults={"study": study, "rule_set": chosen}
    )
    for name in {study.lease_name, before.study.lease_name if before else study.lease_name}:
        transaction.on_commit(lambda name=name: run_wake(name))  # type: ignore[misc]
    return follow


@transaction.atomic
def study_unfollow(connection: Connection) -> None:
    """Follow nothing. The study stays, with what it has learned, for whoever asks for the same again."""
    follow = StudyFollow.objects.select_related("study").filter(connection=connection).first()
    if follow is not None:
        name = follow.study.lease_name
        follow.delete()
        transaction.on_commit(lambda: run_wake(name))


def _parameters(given: dict[str, float]) -> StudyParameters:
    try:
        return msgspec.convert(given, StudyParameters, strict=False)
    except msgspec.ValidationError as error:
        cause = error.__cause__
        if isinstance(cause, DomainError):
            raise cause from None
        raise DomainError("unknown_parameter", str(error)) from None


@transaction.atomic
def results_save(study: Study, *, batch: StudyBatch, epoch: int | None = None) -> None:
    """Everything a study learned since its last batch, with how far it has lived: all of it or nothing.

    With that, a restart takes up at `warmed_until` and misses nothing and repeats nothing.

    Raises:
        StaleRun: `epoch` is no longer that of the study's lease.
    """
    if epoch is not None and not lease_epoch_is_current(study.lease_name, epoch):
        raise StaleRun(study.lease_name)
    LineResult.objects.bulk_create([_result(line_id, closed) for line_id, closed in batch.results], batch_size=500)
    _lines_save(batch.lines)
    LevelChange.objects.bulk_create([_change(step) for step in batch.steps], batch_size=500)
    _results_trim(batch)
    if batch.until_ms:
        warmed_until = datetime.fromtimestamp(batch.until_ms / 1000, UTC)
        Study.objects.filter(pk=study.pk).update(warmed_until=warmed_until)


def _result(line_id: int, closed: Closed) -> LineResult:
    return LineResult(
        line_id=line_id,
        opened_ms=closed.opened_ms,
        closed_ms=closed.closed_ms,
        entry_price=closed.entry_price,
        exit_price=closed.exit_price,
        gain_ratio=closed.gain_ratio,
        reason=closed.reason,
    )


def _lines_save(snapshots: list[LineSnapshot]) -> None:
    now = timezone.now()
    rows = [
        Line(
            pk=each.line_id,
            base_state=each.base_state,
            statistics=msgspec.to_builtins(each.statistics),
            cooldown_until_ms=each.state.quiet_until_ms,
            open_position=open_position_json(each.state),
            version=F("version") + 1,
            updated_at=now,
        )
        for each in snapshots
    ]
    fields = ["base_state", "statistics", "cooldown_until_ms", "open_position", "version", "updated_at"]
    Line.objects.bulk_update(rows, fields, batch_size=100)


def _change(step: LevelStep) -> LevelChange:
    return LevelChange(
        line_id=step.line_id,
        rule_set_id=step.rule_set_id,
        before=step.before,
        after=step.after,
        numbers=msgspec.to_builtins(step.statistics),
    )


def _results_trim(batch: StudyBatch) -> None:
    """Of the lines that closed something and are full, forget what is older than they keep."""
    closed = {line_id for line_id, _ in batch.results}
    full = [each for each in batch.lines if each.line_id in closed and each.statistics.count >= KEPT_RESULTS]
    # In parts: a database bounds the depth of one condition.
    for first in range(0, len(full), 100):
        beyond = Q()
        for each in full[first : first + 100]:
            beyond |= Q(line_id=each.line_id, closed_ms__lt=each.oldest_kept_ms)
        LineResult.objects.filter(beyond).delete()
