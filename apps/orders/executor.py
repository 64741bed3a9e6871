"""`OrderExecutor`: the face of the order protocol for engines and hands: submit, retry, resolve, amend, cancel."""

import logging
import time
from collections.abc import Callable, Iterable

from apps.exchanges.connectors.base import Connector
from apps.exchanges.models import Connection
from apps.orders.amendment import NewTerms, order_amend
from apps.orders.cancellation import CancelOutcome, order_cancel, orders_cancel_all
from apps.orders.creation import order_create
from apps.orders.models import Order
from apps.orders.resolution import order_resolve
from apps.orders.selectors import orders_unsettled
from apps.orders.submission import order_submit
from cts.domain.errors import ExchangeError
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderIntent, OrderStatus, Tick

log = logging.getLogger(__name__)

PROBES = 3
PROBE_S = 0.4


class OrderExecutor:
    """Coordinates the steps of the order protocol. Holds no state: all of it is in the rows."""

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def execute(
        self,
        connection: Connection,
        *,
        intent: OrderIntent,
        connector: Connector,
        terms: OrderTerms | None = None,
        engine_epoch: int | None = None,
        tick: Tick | None = None,
    ) -> Order:
        """Commit the intent, then send it. A denied order comes back denied."""
        order = order_create(connection, intent=intent, terms=terms, engine_epoch=engine_epoch, tick=tick)
        return self.submit(order, connector=connector) if order.status == OrderStatus.NEW else order

    def submit(self, order: Order, *, connector: Connector) -> Order:
        """Send, and where the outcome is unknown ask three times before leaving it to the reconciliation."""
        sent = order_submit(order, connector=connector, sleep=self._sleep)
        for attempt in range(PROBES):
            if sent.status != OrderStatus.UNKNOWN:
                break
            self._sleep(PROBE_S * 2**attempt)
            sent = self.resolve(sent, connector=connector)
        return sent

    def resolve(self, order: Order, *, connector: Connector) -> Order:
        return order_resolve(order, connector=connector)

    def resolve_all(self, connection: Connection, *, connector: Connector) -> list[Order]:
        """Every order of the connection that waits for an answer."""
        return [self.resolve(order, connector=connector) for order in orders_unsettled(connection)]

    def amend(self, order: Order, *, terms: NewTerms, connector: Connector) -> Order:
        return order_amend(order, terms=terms, connector=connector, sleep=self._sleep)

    def cancel(self, order: Order, *, connector: Connector) -> Order:
        return order_cancel(order, connector=connector, sleep=self._sleep)

    def cancel_each(self, orders: Iterable[Order], *, connector: Connector, failed: str) -> None:
        """One that can't be canceled now is logged as `failed`, and tried again at the next look."""
        for order in orders:
            try:
                self.cancel(order, connector=connector)
            except ExchangeError as error:
                log.warning(failed, extra={"order": order.pk, "reason": str(error)})

    def cancel_all(
        self, connection: Connection, *, connector: Connector, symbol: str | None = None
    ) -> list[CancelOutcome]:
        """Everything open but the stops that protect live positions."""
        return orders_cancel_all(connection, connector=connector, symbol=symbol, is_stop_kept=True)
