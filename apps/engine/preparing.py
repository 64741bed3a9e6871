"""The venue is told the terms of each symbol, leverage and mode, before the first signal on it: on a thread of its own."""

import logging
import time
from collections.abc import Callable
from typing import Any

from apps.engine.side import SideThread
from apps.exchanges.connectors.base import Connector
from apps.exchanges.models import Connection
from apps.orders.preparation import venue_prepare
from cts.domain.errors import AmbiguousResult, DomainError, RateLimited, Unavailable

log = logging.getLogger(__name__)

AGAIN_S = 5.0


class Preparing(SideThread):
    """`ready` are the symbols an entry may be sent on. Nothing is told before the account is in step: that comes first."""

    def __init__(
        self,
        connection: Connection,
        *,
        connector: Connector,
        is_in_step: Callable[[], bool],
        is_held: Callable[[], bool],
        on_news: Callable[[], None],
    ) -> None:
        super().__init__(f"preparing-{connection.pk}", is_held=is_held, on_news=on_news)
        self.ready: frozenset[str] = frozenset()
        self._connection, self._connector = connection, connector
        self._is_in_step = is_in_step
        self._wanted: list[str] = []
        self._due_at = 0.0

    def want(self, symbols: list[str]) -> None:
        self._inbox.put(symbols)

    def take_in(self, item: Any) -> None:
        self._wanted, self._due_at = item, 0.0
        self.ready &= frozenset(item)

    def keep(self) -> None:
        """Raises:
        DomainError: `venue_setup`, where the venue refuses every one of them.
        """
        if not self._is_in_step() or time.monotonic() < self._due_at:
            return
        self._due_at = float("inf")
        refusal: DomainError | None = None
        for symbol in self._wanted:
            if not self._may_act:
                return
            if symbol in self.ready:
                continue
            try:
                self._prepare(symbol)
            except DomainError as refused:
                refusal = refused
                log.warning("symbol_unprepared", extra={"connection": self._connection.pk, "symbol": symbol})
        if refusal is not None and not self.ready:
            raise refusal

    def _prepare(self, symbol: str) -> None:
        try:
            venue_prepare(self._connection, connector=self._connector, symbol=symbol)
        except (Unavailable, RateLimited, AmbiguousResult) as error:
            self._due_at = time.monotonic() + AGAIN_S
            extra = {"connection": self._connection.pk, "symbol": symbol, "reason": str(error)}
            log.warning("symbol_unprepared", extra=extra)
            return
        self.ready |= {symbol}
