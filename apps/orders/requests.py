"""Orders in the words every connector takes."""

from apps.exchanges.connectors.base import Connector
from apps.exchanges.factory import venue_now_ms
from apps.orders.ages import ages
from apps.orders.models import Order
from cts.domain.types import OrderRequest, OrderType, PositionSide, Side, TimeInForce, VenueOrder


def order_request(order: Order, *, send_by: float | None = None) -> OrderRequest:
    """What was, or is to be, asked of the venue; not after `send_by`, by the clock nobody sets."""
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=Side(order.side),
        order_type=OrderType(order.order_type),
        quantity=order.quantity,
        price=order.price,
        trigger_price=order.trigger_price,
        time_in_force=TimeInForce(order.time_in_force),
        is_reduce_only=order.is_reduce_only,
        position_side=PositionSide(order.position_side),
        send_by=send_by,
    )


def order_looked_up(order: Order, connector: Connector) -> VenueOrder:
    """What the venue tells of it, asked for by its ids.

    Raises:
        OrderNotFound: it tells of none.
        ExchangeError: it could not be asked.
    """
    return connector.order(
        order.symbol,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        is_conditional=OrderType(order.order_type).is_conditional,
    )


def order_sent_ms(order: Order) -> int:
    """When it was sent, by the venue's clock, which may be any other than ours."""
    age_s = ages.age_s(("claimed", order.pk), order.claimed_at or order.created_at)
    return venue_now_ms(order.connection) - round(age_s * 1000)


def order_recall(order: Order, connector: Connector) -> None:
    """Whoever sent it may be gone: this process's connector has to know what to look for."""
    connector.recall(order_request(order), sent_ms=order_sent_ms(order))
