"""Finding a study's lines in history, and living through the history they have missed."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.exchanges.history import KLINE_S, history_bars
from apps.strategies.models import BaseState, Configuration, LevelChange, Line, LineResult, Study
from apps.strategies.rows import study_row
from apps.strategies.selectors import study_costs
from apps.strategies.study import StudyContext, catch_up_end, on_bar, prime
from cts.domain import configurations, levels
from cts.domain.bars import Bars
from cts.domain.configurations import Grid
from cts.domain.errors import DomainError
from cts.domain.lattice import LineState
from cts.domain.search import Found, Simulated
from cts.realtime import event, push_on_commit

History = Callable[..., Bars]
"""As `apps.exchanges.history.history_bars`."""

CANDIDATES = 2000
SPAN_INTERVALS = 5760
"""How far a search looks back, in intervals of the study: 8 hours of 5 seconds, 4 days of minutes."""
MIN_SPAN_S, MAX_SPAN_S = 8 * 3600, 7 * 86_400
_ROWS_AT_ONCE = 2000


def study_search(
    study: Study,
    *,
    now: datetime,
    history: History = history_bars,
    grid: Grid | None = None,
    candidates: int = CANDIDATES,
    span_s: int | None = None,
) -> int:
    """Try a sample of the whole grid over recent bars and keep the best lines of each symbol and side; how many.

    Lines watched already go on as they are, unless the study has slept for longer than a search looks back. Failed and
    dropped ones that are found again start anew.

    Raises:
        ExchangeError: the history could not be had.
        DomainError: `history_too_coarse`.
    """
    until_ms = int(now.timestamp()) * 1000
    since_ms = until_ms - 1000 * (span_s or search_span_s(study))
    chosen = list((grid or Grid()).sample(candidates))
    is_cold = study_is_cold(study, now=now)
    if is_cold:
        study.lines.filter(is_watched=True).update(is_watched=False)
    kept: dict[str, set[int]] = {}
    for done, symbol in enumerate(study.symbols):
        study_progress(study, what="search", done=done, total=len(study.symbols), detail=symbol)
        bars = _bars(study, symbol, since_ms, until_ms, history)
        simulated = Simulated(
            chosen,
            bars,
            timeframe_s=study.timeframe_s,
            position_cost_ratio=study.position_cost_ratio,
            costs=study_costs(study),
        )
        best = simulated.best(max(1, study.lines_per_symbol // 2))
        kept[symbol] = _lines_store(study, symbol, best, is_cold=is_cold)
    _search_finish(study, kept, now=now, warmed_ms=until_ms if is_cold else None)
    return sum(map(len, kept.values()))


def study_warm_up(
    study: Study, context: StudyContext, *, until_ms: int, history: History = history_bars
) -> StudyContext:
    """Let the lines live through the bars since they were last saved, by the code that follows ticks.

    Bars from before fill the windows. The bar during which they were saved is known in part: only its close counts.

    Raises:
        ExchangeError: the history could not be had.
    """
    warmed_ms = until_ms if study.warmed_until is None else int(study.warmed_until.timestamp() * 1000)
    for done, (symbol, market) in enumerate(context.markets.items()):
        study_progress(study, what="warm_up", done=done, total=len(context.markets), detail=symbol)
        reach_ms = (market.window.capacity + 1) * 1000 * study.timeframe_s
        bars = _bars(study, symbol, warmed_ms - reach_ms, until_ms, history)
        step_ms = 1000 * bars.timeframe_s
        for bar in bars.rows():
            opened_ms, close = bar[0], bar[4]
            if opened_ms + step_ms <= warmed_ms:
                prime(context, symbol, bar)
            elif opened_ms < warmed_ms:
                on_bar(context, symbol, (warmed_ms, close, close, close, close))
            else:
                on_bar(context, symbol, bar)
        catch_up_end(context, symbol, max(warmed_ms, bars.end_ms))
    study_progress(study)
    return context


def study_is_cold(study: Study, *, now: datetime) -> bool:
    """Whether its lines have missed more than a search would look at: living through it would take longer than anew."""
    if study.searched_at is None or study.warmed_until is None:
        return True
    return (now - study.warmed_until).total_seconds() > search_span_s(study)


def search_span_s(study: Study) -> int:
    return min(max(study.timeframe_s * SPAN_INTERVALS, MIN_SPAN_S), MAX_SPAN_S)


@transaction.atomic
def study_progress(study: Study, **progress: Any) -> None:
    """Tell the pages of those who follow how long work goes on; nothing given: it is over."""
    Study.objects.filter(pk=study.pk).update(progress=progress, version=F("version") + 1, updated_at=timezone.now())
    study.refresh_from_db()
    for connection_id in study.follows.values_list("connection_id", flat=True):
        push_on_commit(f"connection.{connection_id}", event("study", study_row(study)))


def _bars(study: Study, symbol: str, since_ms: int, until_ms: int, history: History) -> Bars:
    venue = (study.exchange, study.environment, study.market)
    # Days of minutes need no seconds; hours of anything finer do.
    finest_s = KLINE_S if study.timeframe_s % KLINE_S == 0 and until_ms - since_ms > 1000 * MIN_SPAN_S else 1
    bars = history(*venue, symbol, since_ms, until_ms, finest_s=finest_s)
    if study.timeframe_s % bars.timeframe_s:
        raise DomainError(
            "history_too_coarse",
            f"{symbol} has bars of {bars.timeframe_s} s only; study it every 60 s, or let our own recording grow first",
            field="timeframe_s",
        )
    return bars


def _lines_store(study: Study, symbol: str, found: list[Found], *, is_cold: bool) -> set[int]:
    """Rows of the found lines, with their results where they are new or start anew; the ids of all of them."""
    ids = configurations_store([each.configuration for each in found])
    rows = study.lines.filter(symbol=symbol, configuration__in=ids.values())
    known = {(row.configuration_id, row.side): row for row in rows}
    going_on: set[int] = set()
    fresh: list[tuple[Line, Found]] = []
    for each in found:
        configuration_id = ids[each.configuration.digest]
        row = known.get((configuration_id, each.side))
        if row is not None and row.is_watched and row.base_state != BaseState.FAILED:
            going_on.add(row.pk)
            continue
        row = row or Line(study=study, configuration_id=configuration_id, symbol=symbol, side=each.side)
        fresh.append((row, each))
    _lines_begin(fresh, is_cold=is_cold)
    for first in range(0, len(fresh), 40):
        _results_store(fresh[first : first + 40])
    return going_on | {row.pk for row, _ in fresh}


def configurations_store(wanted: Sequence[configurations.Configuration]) -> dict[str, int]:
    """Ids by digest; equal configurations are one row."""
    by_digest = {each.digest: each for each in wanted}
    rows = [
        Configuration(
            digest=digest,
            indication=each.indication,
            parameters=each.parameters,
            take_profit_steps=each.take_profit_steps,
            stop_loss_ratio=each.stop_loss_ratio,
            trail_arm_pct=each.trail_arm_pct,
            trail_give_back_pct=each.trail_give_back_pct,
        )
        for digest, each in by_digest.items()
    ]
    Configuration.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return dict(Configuration.objects.filter(digest__in=by_digest).values_list("digest", "pk"))


@transaction.atomic
def _lines_begin(fresh: list[tuple[Line, Found]], *, is_cold: bool) -> None:
    """Write the lines as the search left them. Not watched yet: their results are still to come.

    Beside a study at work they begin without a position: what happened to one since the search looked is not known.
    """
    for row, each in fresh:
        state = levels.base_next(levels.EVALUATING, each.statistics)
        row.base_state, row.is_watched = BaseState(state), False
        row.statistics = msgspec.to_builtins(each.statistics)
        row.cooldown_until_ms = each.state.quiet_until_ms
        row.open_position = open_position_json(each.state) if is_cold else None
    again = [row for row, _ in fresh if row.pk is not None]
    LineResult.objects.filter(line__in=again).delete()
    for row in again:
        row.save_next("base_state", "is_watched", "statistics", "cooldown_until_ms", "open_position")
    Line.objects.bulk_create([row for row, _ in fresh if row.pk is None], batch_size=500)
    LevelChange.objects.bulk_create(
        LevelChange(line=row, before=levels.EVALUATING, after=row.base_state, numbers=row.statistics)
        for row, _ in fresh
        if row.base_state != BaseState.EVALUATING
    )


@transaction.atomic
def _results_store(part: list[tuple[Line, Found]]) -> None:
    # A few lines at a time: on SQLite everybody else waits while we write.
    LineResult.objects.bulk_create(
        (
            LineResult(
                line=row,
                opened_ms=result.opened_ms,
                closed_ms=result.closed_ms,
                entry_price=result.entry_price,
                exit_price=result.exit_price,
                gain_ratio=result.gain_ratio,
                reason=result.reason,
            )
            for row, each in part
            for result in each.results
        ),
        batch_size=_ROWS_AT_ONCE,
    )


@transaction.atomic
def _search_finish(study: Study, kept: dict[str, set[int]], *, now: datetime, warmed_ms: int | None) -> None:
    """From here on the found lines are watched and the others are not; `warmed_ms` is where all of them stand."""
    bump = {"version": F("version") + 1, "updated_at": timezone.now()}
    for symbol, ids in kept.items():
        lines = study.lines.filter(symbol=symbol)
        lines.filter(is_watched=True).exclude(pk__in=ids).update(is_watched=False, open_position=None, **bump)
        lines.filter(is_watched=False, pk__in=ids).update(is_watched=True, **bump)
    row = Study.objects.select_for_update().get(pk=study.pk)
    row.searched_at = now
    if warmed_ms is not None:
        row.warmed_until = datetime.fromtimestamp(warmed_ms / 1000, UTC)
    row.save_next("searched_at", "warmed_until")
    study.refresh_from_db()


def open_position_json(state: LineState) -> dict[str, float | int] | None:
    if state.entry_price is None or state.best_price is None or state.opened_ms is None:
        return None
    return {"entry_price": state.entry_price, "best_price": state.best_price, "opened_ms": state.opened_ms}
