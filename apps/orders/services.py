"""Every write of orders, in one place to call; the work is in the module of each step of the protocol."""

from apps.orders.cancellation import CancelOutcome, order_cancel, order_refresh, orders_cancel_all
from apps.orders.creation import order_create
from apps.orders.fills import fill_record, fills_unknown
from apps.orders.limits import risk_limits_update
from apps.orders.locks import entry_lock_create, entry_lock_lift, equity_peak_note, equity_peak_set
from apps.orders.resolution import order_lose, order_resolve
from apps.orders.submission import order_place, order_submit
from apps.orders.venue import order_apply_venue, order_reopen

__all__ = [
    "CancelOutcome",
    "entry_lock_create",
    "entry_lock_lift",
    "equity_peak_note",
    "equity_peak_set",
    "fill_record",
    "fills_unknown",
    "order_apply_venue",
    "order_cancel",
    "order_create",
    "order_lose",
    "order_place",
    "order_refresh",
    "order_reopen",
    "order_resolve",
    "order_submit",
    "orders_cancel_all",
    "risk_limits_update",
]
