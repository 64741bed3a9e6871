"""From the wish to trade to an order at the venue: the newest price, the stored intent, the one sending."""

import logging

from apps.exchanges.connectors.base import Connector
from apps.exchanges.hub import hub
from apps.exchanges.models import Connection
from apps.orders.models import Order
from apps.orders.services import order_place
from cts.domain.errors import DomainError
from cts.domain.types import OrderIntent
from cts.sqlite.base import urgently

log = logging.getLogger(__name__)


def execute(connection: Connection, *, intent: OrderIntent, connector: Connector, engine_epoch: int) -> Order | None:
    """The order of this intent as it stands after sending; `denied` ones are stored with their reason and not sent.

    None where no order could be made at all. Size, limits and epoch are `order_place`'s, in its own transaction.
    """
    tick = hub().last(connection.venue, intent.symbol)
    try:
        # Sent once, without waiting for an unknown outcome: meanwhile exits must be followed; the next sync resolves it.
        with urgently():
            return order_place(connection, intent=intent, connector=connector, engine_epoch=engine_epoch, tick=tick)
    except DomainError as refused:
        log.warning(
            "intent_refused",
            extra={"connection": connection.pk, "line": intent.line_id, "code": refused.code, "reason": refused.detail},
        )
        return None
