"""Moments at which it matters most what is stored already. The fault runs end a process at each; nobody else asks.

A point costs one comparison while nobody watches. They are names for places in the order protocol, not a way to
configure anything: no setting, no environment variable can arm them.
"""

from collections.abc import Callable
from enum import StrEnum


class KillPoint(StrEnum):
    """Named by what has just happened; `before_…_commit` lies inside the transaction that is then lost."""

    AFTER_INTENT_COMMIT = "after_intent_commit"
    AFTER_CLAIM = "after_claim"
    AFTER_SEND = "after_send"
    BEFORE_ACK_COMMIT = "before_ack_commit"
    AFTER_ACK_COMMIT = "after_ack_commit"
    AFTER_LOSE_COMMIT = "after_lose_commit"
    AFTER_CANCEL_SENT = "after_cancel_sent"
    BEFORE_FILL_COMMIT = "before_fill_commit"
    AFTER_FILL_COMMIT = "after_fill_commit"
    AFTER_STOP_COMMIT = "after_stop_commit"
    AFTER_STOP_SENT = "after_stop_sent"
    AFTER_STOP_COVERED = "after_stop_covered"
    AFTER_EXIT_COMMIT = "after_exit_commit"
    AFTER_SYNC_ORDERS = "after_sync_orders"
    AFTER_SYNC_FILLS = "after_sync_fills"
    AFTER_SYNC_LEGS = "after_sync_legs"
    BEFORE_SYNC_CURSOR = "before_sync_cursor"
    BEFORE_ADJUSTMENT_COMMIT = "before_adjustment_commit"


_watcher: Callable[[KillPoint], None] | None = None


def reached(point: KillPoint) -> None:
    if _watcher is not None:
        _watcher(point)


def kill_points_watch(watcher: Callable[[KillPoint], None] | None) -> None:
    """Call `watcher` at every point of this process from now on; None ends it."""
    global _watcher
    _watcher = watcher
