"""`PositionManager`: the one door to live positions. Opens, protects, closes; every act goes through orders and fills."""

import logging
from collections.abc import Iterable
from decimal import Decimal

from apps.exchanges.connectors.base import Connector
from apps.exchanges.models import Connection
from apps.exchanges.selectors import tickers_for
from apps.orders.executor import OrderExecutor
from apps.orders.models import Order
from apps.orders.oco import oco_void
from apps.positions.closing import CloseOutcome, fills_pull, logged, position_close
from apps.positions.exposure import net_pnl, unrealized_pnl
from apps.positions.models import Position
from apps.positions.reductions import reductions_fit
from apps.positions.selectors import positions_live
from apps.positions.stops import StopOutcome, stop_ensure, stops_sweep
from cts.domain.errors import ExchangeError
from cts.domain.orders import OrderTerms
from cts.domain.types import OrderIntent, Tick

log = logging.getLogger(__name__)


class PositionManager:
    """Coordinates positions, their stops and their exits. Holds no state: all of it is in the rows."""

    def __init__(self, *, executor: OrderExecutor | None = None) -> None:
        self._executor = executor or OrderExecutor()

    def open_for(
        self,
        connection: Connection,
        *,
        intent: OrderIntent,
        connector: Connector,
        terms: OrderTerms | None = None,
        engine_epoch: int | None = None,
        tick: Tick | None = None,
    ) -> Order:
        """The entry order of the intent as it stands after sending. The position begins with its first fill."""
        return self._executor.execute(
            connection, intent=intent, connector=connector, terms=terms, engine_epoch=engine_epoch, tick=tick
        )

    def ensure_stop(self, position: Position, *, connector: Connector) -> StopOutcome:
        """Keep the coverage rule. A stop the venue refuses means out at market, at once."""
        outcome = stop_ensure(position, connector=connector, executor=self._executor)
        if outcome.state == "refused":
            log.error("stop_refused", extra={"position": position.pk, "reason": outcome.reason})
            self.close(outcome.position, reason="stop_refused", connector=connector)
        return outcome

    def protect(self, connection: Connection, *, connector: Connector) -> list[StopOutcome]:
        """Every live position under its stop, and no stop left without a position."""
        outcomes = []
        for position in positions_live(connection):
            try:
                outcomes.append(self.ensure_stop(position, connector=connector))
            except ExchangeError as error:
                log.error("stop_not_ensured", extra={"position": position.pk, "reason": str(error)})
                outcomes.append(StopOutcome(position, "missing", str(error)))
        stops_sweep(connection, connector=connector, executor=self._executor)
        self.tidy(connection, connector=connector)
        return outcomes

    def tidy(self, connection: Connection, *, connector: Connector) -> None:
        """What fills have made void goes: other orders of an OCO group, reductions of what isn't held any more."""
        self._executor.cancel_each(oco_void(connection), connector=connector, failed="oco_not_canceled")
        reductions_fit(connection, connector=connector, executor=self._executor)

    def close(
        self, position: Position, *, reason: str, connector: Connector, engine_epoch: int | None = None
    ) -> CloseOutcome:
        """Close one at market.

        Raises:
            ExchangeError: the venue could not be asked about what is still open; the position is as it was.
        """
        return position_close(
            position, reason=reason, connector=connector, executor=self._executor, engine_epoch=engine_epoch
        )

    def close_now(self, position: Position, *, reason: str, connector: Connector) -> CloseOutcome:
        """Close one and fetch its fills, for callers without a stream of the account."""
        return self._closed_many([position], reason=reason, connector=connector)[0]

    def close_all(self, connection: Connection, *, connector: Connector, reason: str = "manual") -> list[CloseOutcome]:
        """Everything held. One that fails keeps no other from being closed."""
        return self._closed_many(positions_live(connection), reason=reason, connector=connector)

    def close_profitable(
        self, connection: Connection, *, connector: Connector, reason: str = "manual"
    ) -> list[CloseOutcome]:
        """Those that are in profit at the newest price, fees paid so far included."""
        tickers = tickers_for(*connection.venue)
        prices = {symbol: ticker.last for symbol, ticker in tickers.items()}
        in_profit = [row for row in positions_live(connection) if _gain(row, prices) > 0]
        return self._closed_many(in_profit, reason=reason, connector=connector)

    def flatten(self, connection: Connection, *, connector: Connector) -> list[CloseOutcome]:
        """Emergency: an exit for everything held, as fast as the venue takes them. A sync brings what came of it."""
        return self._exits_sent(positions_live(connection), reason="emergency", connector=connector)

    def _closed_many(self, positions: Iterable[Position], *, reason: str, connector: Connector) -> list[CloseOutcome]:
        return self._looked_after(self._exits_sent(positions, reason=reason, connector=connector), connector=connector)

    def _exits_sent(self, positions: Iterable[Position], *, reason: str, connector: Connector) -> list[CloseOutcome]:
        outcomes = []
        for position in positions:
            try:
                outcomes.append(self.close(position, reason=reason, connector=connector))
            except ExchangeError as error:
                outcomes.append(logged(position, error))
        return outcomes

    def _looked_after(self, outcomes: list[CloseOutcome], *, connector: Connector) -> list[CloseOutcome]:
        """The fills of what was just sent, and the stops of what they closed. The next sync makes up for a failure."""
        orders = [outcome.order for outcome in outcomes if outcome.is_ok and outcome.order is not None]
        if not orders:
            return outcomes
        try:
            fills_pull(orders, connector=connector)
            stops_sweep(orders[0].connection, connector=connector, executor=self._executor)
        except ExchangeError as error:
            log.warning("close_not_followed", extra={"reason": str(error)})
        fresh = {row.pk: row for row in Position.objects.filter(pk__in=[each.position.pk for each in outcomes])}
        return [
            CloseOutcome(fresh[each.position.pk], each.is_ok, each.order, each.code, each.detail) for each in outcomes
        ]


def _gain(position: Position, prices: dict[str, Decimal]) -> Decimal:
    return net_pnl(position) + unrealized_pnl(position, prices) if position.symbol in prices else Decimal(0)
