"""A study's lines as engines of this process see them: read once per rule set, whoever and however many follow."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from apps.engine.cycle import numbers_take_in
from apps.exchanges.hub import Unsubscribe, hub
from apps.strategies.models import Line as LineRow
from apps.strategies.models import RuleSet, Study
from apps.strategies.selectors import line_statistics, line_value, lines_watched, rule_set_value
from cts.domain.levels import Standing, Standings
from cts.domain.types import Line, LineEvent, LineStatistics, PositionSide

log = logging.getLogger(__name__)

Listener = Callable[[list[LineEvent]], None]


@dataclass
class Followed:
    """Standings and lines of one study under one rule set. Engines read; only the hub's thread and `load` write."""

    study_id: int
    rule_set_id: int
    standings: Standings = field(init=False)
    lines: dict[int, Line] = field(default_factory=dict)
    statistics: dict[int, LineStatistics] = field(default_factory=dict)
    timeout_s: float = 0.0
    version: tuple[object, ...] = ()
    listeners: list[Listener] = field(default_factory=list)
    leave: Unsubscribe | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    loading: threading.Lock = field(default_factory=threading.Lock)

    def load_if_changed(self) -> None:
        """Read the lines anew after a search or a change of the rules."""
        with self.loading:
            study = Study.objects.get(pk=self.study_id)
            rules = RuleSet.objects.prefetch_related("rules").get(pk=self.rule_set_id)
            version = (study.searched_at, rules.version)
            if version != self.version:
                self._load(study, rules)
                self.version = version

    def _load(self, study: Study, rules: RuleSet) -> None:
        rows = list(lines_watched(study))
        lines = {row.pk: line_value(row, study) for row in rows}
        statistics = {row.pk: line_statistics(row) for row in rows}
        standings = Standings(rule_set_value(rules), [_standing(row, statistics[row.pk]) for row in rows])
        # Only the change of hands is locked: the hub's thread, which feeds the whole process, must not wait for a query.
        with self.lock:
            self.standings, self.lines, self.statistics = standings, lines, statistics
            self.timeout_s = float(study.position_timeout_s)

    def on_events(self, events: list[LineEvent]) -> None:
        """On the hub's thread: the numbers once for all, then the news to every engine."""
        with self.lock:
            for event in events:
                numbers_take_in(self.standings, self.statistics, event)
        for listener in tuple(self.listeners):
            listener(events)


def _standing(row: LineRow, statistics: LineStatistics) -> Standing:
    return Standing(
        line_id=row.pk,
        symbol=row.symbol,
        side=PositionSide(row.side),
        base_state=row.base_state,
        statistics=statistics,
    )


_followed: dict[tuple[int, int], Followed] = {}
_lock = threading.Lock()


def follow(study_id: int, rule_set_id: int, listener: Listener) -> tuple[Followed, Unsubscribe]:
    """The shared view, loaded, with `listener` on its events until the returned callable is called."""
    with _lock:
        shared = _followed.setdefault((study_id, rule_set_id), Followed(study_id, rule_set_id))
        shared.load_if_changed()
        shared.listeners.append(listener)
        if shared.leave is None:
            shared.leave = hub().subscribe_lines(study_id, shared.on_events)

    def leave() -> None:
        with _lock:
            if listener in shared.listeners:
                shared.listeners.remove(listener)
            if not shared.listeners and shared.leave is not None:
                shared.leave()
                shared.leave = None
                _followed.pop((study_id, rule_set_id), None)

    return shared, leave
