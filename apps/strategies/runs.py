"""The run of a study: searches if it must, lives through what it missed, then follows the venue's ticks."""

import logging
import math
import time
from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar

from django.utils import timezone

from apps.exchanges.history import history_bars
from apps.exchanges.hub import Source, Unsubscribe, hub
from apps.exchanges.runs import LeasedRun
from apps.strategies.models import RuleSet, Study
from apps.strategies.searches import History, study_is_cold, study_progress, study_search, study_warm_up
from apps.strategies.selectors import study_context, study_is_wanted
from apps.strategies.services import results_save
from apps.strategies.study import StudyContext, on_tick, refresh, statistics_events
from cts import bus
from cts.domain.types import LineEvent

log = logging.getLogger(__name__)

SEARCH_INTERVAL = timedelta(hours=3)


class StudyRun(LeasedRun):
    """Ticks in, line events out, what was learned to the database at most a second later."""

    save_s: ClassVar[float] = 1.0
    checkpoint_s: ClassVar[float] = 5.0
    refresh_s: ClassVar[float] = 600.0

    def __init__(
        self,
        study_id: int,
        *,
        history: History = history_bars,
        search_due: Callable[[], object] | None = None,
        ttl_s: float | None = None,
        max_s: float | None = None,
    ) -> None:
        super().__init__(Study(pk=study_id).lease_name, ttl_s=ttl_s, max_s=max_s)
        self.study_id = study_id
        self.context: StudyContext | None = None
        self._history = history
        self._search_due = search_due
        self._source: Source | None = None
        self._unsubscribe: Unsubscribe | None = None
        self._loaded: object = None
        self._saved_at = self._refreshed_at = self._looked_at = self._search_asked_at = -math.inf

    def is_wanted(self) -> bool:
        return study_is_wanted(self.study_id)

    def load(self) -> None:
        self._study = Study.objects.get(pk=self.study_id)
        venue = (self._study.exchange, self._study.environment, self._study.market)
        # Listening comes first: what is heard while we search and catch up is waiting in the inbox afterwards.
        self._unsubscribe = hub().subscribe(*venue, self.inbox.put_ticks)
        self._source = hub().source(bus.lines_topic(self.study_id))
        if study_is_cold(self._study, now=timezone.now()):
            self._search()
        self._take_up()

    def step(self) -> None:
        context = self._context()
        batch = self.inbox.take(timeout_s=self.step_s)
        events: list[LineEvent] = []
        for tick in batch.ticks:
            events += on_tick(context, tick)
        if time.monotonic() - self._refreshed_at > self.refresh_s:
            self._refreshed_at = time.monotonic()
            events += refresh(context, now_ms=context.last_ms)
        self._publish(events)
        self._save_if_due(context)
        self._look_around()

    def unload(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._source is not None:
            self._source.close()
            self._source = None
        context, self.context = self.context, None
        if context is not None and self.is_held:
            results_save(self._study, batch=context.take_batch(), epoch=self.epoch)

    def on_failure(self, error: Exception, *, failures: int) -> float | None:
        # What failed half way is not to be saved: the bars since the last save will be lived again.
        self.context = None
        study = Study.objects.filter(pk=self.study_id).first()
        if study is not None:
            study_progress(study, what="waiting", detail=str(error)[:200])
        return super().on_failure(error, failures=failures)

    def _search(self) -> None:
        started = time.monotonic()
        found = study_search(self._study, now=timezone.now(), history=self._history)
        elapsed_s = round(time.monotonic() - started, 1)
        log.info("study_searched", extra={"study": self.study_id, "lines": found, "elapsed_s": elapsed_s})

    def _take_up(self) -> None:
        """From the rows as they are now, through the bars since, to this moment."""
        self._study.refresh_from_db()
        self._loaded = self._signature()
        context = study_context(self._study)
        until_ms = int(timezone.now().timestamp() * 1000)
        study_warm_up(self._study, context, until_ms=until_ms, history=self._history)
        self._save(context)
        self._refreshed_at = time.monotonic()
        # What fired meanwhile is too old to trade, but who followed must know where every line stands now.
        self._publish(statistics_events(context))

    def _context(self) -> StudyContext:
        if self.context is None:
            raise RuntimeError("A study run steps only after it has loaded")
        return self.context

    def _publish(self, events: list[LineEvent]) -> None:
        if events and self._source is not None:
            self._source.send(events)

    def _save_if_due(self, context: StudyContext) -> None:
        waited_s = time.monotonic() - self._saved_at
        if waited_s >= self.checkpoint_s or (context.has_news and waited_s >= self.save_s):
            self._save(context)

    def _save(self, context: StudyContext) -> None:
        # A batch that fails must not be followed by a later one: until it is in, there is no context to save from.
        self.context = None
        results_save(self._study, batch=context.take_batch(), epoch=self.epoch)
        self.context = context
        self._saved_at = time.monotonic()

    def _look_around(self) -> None:
        """Every few seconds: other lines after a search, other rules, a search that is due."""
        if time.monotonic() - self._looked_at < self.checkpoint_s:
            return
        self._looked_at = time.monotonic()
        if self._signature() != self._loaded:
            self._save(self._context())
            self._take_up()
        is_due = self._study.searched_at is None or timezone.now() - self._study.searched_at > SEARCH_INTERVAL
        if is_due and self._search_due is not None and time.monotonic() - self._search_asked_at > 600:
            self._search_asked_at = time.monotonic()
            self._search_due()

    def _signature(self) -> object:
        """Changes when lines or rules are no longer those that were loaded."""
        searched_at = Study.objects.filter(pk=self.study_id).values_list("searched_at", flat=True).first()
        rules = RuleSet.objects.filter(follows__study=self.study_id).distinct().order_by("pk")
        return searched_at, list(rules.values_list("pk", "version"))
