"""Bugs put in on purpose, each one a system of this field has had: the runs must catch them, or they prove nothing."""

import itertools
import time
from collections.abc import Callable
from typing import Any

import msgspec

from tests.chaos.plan import Act, Plan

_numbers = itertools.count(1)


class Impatient:
    """A connector that takes no answer for no order, and sends another."""

    def __init__(self, connector: Any) -> None:
        self._connector = connector

    def place(self, request: Any) -> Any:
        from cts.domain.errors import AmbiguousResult

        try:
            return self._connector.place(request)
        except AmbiguousResult:
            name = f"again{next(_numbers)}{request.client_order_id}"[:32]
            return self._connector.place(msgspec.structs.replace(request, client_order_id=name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)


def resend_on_timeout() -> None:
    from apps.orders import submission

    right = submission._sent_once
    submission._sent_once = lambda order, connector, **kw: right(order, Impatient(connector), **kw)  # type: ignore[arg-type]


def fill_counted_twice() -> None:
    """Hearing an execution again is taken for another."""
    from apps.positions import booking

    right = booking._booked

    def wrong(connection: Any, *, fill: Any, source: str) -> Any:
        booked = right(connection, fill=fill, source=source)
        if booked is None and source == "stream":
            again = msgspec.structs.replace(fill, venue_trade_id=f"{fill.venue_trade_id}-{next(_numbers)}")
            return right(connection, fill=again, source=source)
        return booked

    booking._booked = wrong


def no_epoch_check() -> None:
    """A run that has lost its lease while it was stopped trades on."""
    from apps.exchanges.runs import LeasedRun
    from apps.orders import creation, submission

    creation._epoch_check = lambda connection, epoch: None
    submission.lease_epoch_is_current = lambda name, epoch: True  # type: ignore[attr-defined]
    LeasedRun.is_held = property(lambda run: True)  # type: ignore[assignment, method-assign]


def wake_up_lost() -> None:
    """Whoever made an order sends it, or nobody: its process may end between the two."""
    from apps.positions import sync
    from cts.domain.reconcile import Remedy

    right = sync._remedy

    def wrong(connection: Any, action: Any, **options: Any) -> None:
        if action.remedy is not Remedy.SEND:
            right(connection, action, **options)

    sync._remedy = wrong


def limit_read_before_written() -> None:
    """The limits are checked by what was so a moment ago, not by what is so while the order is written."""
    from apps.orders import creation

    creation.book = _late(creation.book)  # type: ignore[attr-defined]
    creation.orders_lately = _remembered(creation.orders_lately)  # type: ignore[attr-defined]


def _remembered(right: Callable[..., Any]) -> Callable[..., Any]:
    known: dict[int, tuple[float, Any]] = {}

    def wrong(connection: Any, **options: Any) -> Any:
        at, found = known.get(connection.pk, (0.0, None))
        if time.monotonic() - at > 2.0:
            found = right(connection, **options)
            known[connection.pk] = (time.monotonic(), found)
        return found

    return wrong


def _late(right: Callable[[], Any]) -> Callable[[], Any]:
    class Late:
        def __init__(self) -> None:
            self.live = _remembered(lambda connection: right().live(connection))

        def __getattr__(self, name: str) -> Any:
            return getattr(right(), name)

    late = Late()
    return lambda: late


def _signal(at_s: float, symbol: str, side: str) -> Act:
    return Act(at_s, "signal", {"venue": "bybit", "symbol": f"{symbol}/USDT:USDT", "side": side})


def _signals(*moments: float) -> list[Act]:
    """Both symbols, both sides, on one venue."""
    places = itertools.cycle([(symbol, side) for side in ("long", "short") for symbol in ("BTC", "ETH")])
    return [_signal(at, *place) for at, place in zip(moments, places, strict=False)]


def _plan(*acts: Act) -> Plan:
    return Plan(0, ("bybit",), tuple(sorted(acts, key=lambda act: act.at_s)), calm_within_s=20.0)


_LOST = {"kind": "timeout_after_accept", "exchange": "bybit", "method": "POST", "path": "/v5/order/create", "count": 1}
_TWICE = {"kind": "duplicate", "times": 3, "exchange": "bybit", "count": 20}
_BY_HAND = {"what": "order", "venue": "bybit", "symbol": "BTC/USDT:USDT", "side": "long", "number": 1}
# By name: the bug, what tempts it, and the word of the verdict that shows it was seen.
BUGS: dict[str, tuple[Callable[[], None], Plan, str]] = {
    "resend_on_timeout": (resend_on_timeout, _plan(Act(0.3, "fault", _LOST), *_signals(0.6)), "again"),
    "fill_counted_twice": (fill_counted_twice, _plan(Act(0.3, "fault", _TWICE), *_signals(0.6, 1.0)), "fills of"),
    "no_epoch_check": (
        no_epoch_check,
        # Past its lease, the other has taken over and trades; then the other is held up, and the first is alone again.
        _plan(
            Act(0.5, "freeze_holder", {"venue": "bybit", "for_s": 6.0}),
            *(_signal(at, "BTC", "long") for at in (3.5, 4.0, 4.5, 5.0, 5.5, 6.0)),
            Act(6.3, "freeze_holder", {"venue": "bybit", "for_s": 1.2}),
            *(_signal(at, "ETH", side) for at in (6.7, 7.0, 7.3) for side in ("long", "short")),
        ),
        "epochs",
    ),
    "wake_up_lost": (
        wake_up_lost,
        _plan(Act(0.3, "kill_at", {"point": "after_intent_commit", "passes": 1}), Act(0.6, "hand", _BY_HAND)),
        "is new",
    ),
    "limit_read_before_written": (
        limit_read_before_written,
        _plan(*_signals(0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1)),
        "positions at",
    ),
}
