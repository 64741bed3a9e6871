"""The table of reconciliation: ours, theirs, what to do."""

from decimal import Decimal
from typing import Any

import pytest

from cts.domain.reconcile import OurOrder, Remedy, legs_diff, orders_diff
from cts.domain.types import OrderStatus, OrderType, PositionSide, Side, VenueOrder, VenuePosition

S = OrderStatus
BTC = "BTC/USDT:USDT"
ASKED = 1_000_000


def ours(status: OrderStatus, **fields: Any) -> OurOrder:
    values: dict[str, Any] = {
        "id": 1,
        "client_order_id": "c1",
        "venue_order_id": "v1",
        "symbol": BTC,
        "status": status,
        "filled_quantity": Decimal(0),
        "claimed_for_s": 60.0,
        "ended_for_s": None,
    }
    return OurOrder(**{**values, **fields})


def theirs(**fields: Any) -> VenueOrder:
    values: dict[str, Any] = {
        "client_order_id": "c1",
        "venue_order_id": "v1",
        "symbol": BTC,
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "status": S.ACCEPTED,
        "quantity": Decimal(1),
        "filled_quantity": Decimal(0),
    }
    return VenueOrder(**{**values, **fields})


@pytest.mark.parametrize(
    ("our", "their", "remedy"),
    [
        (ours(S.ACCEPTED), theirs(), None),
        (ours(S.PARTIALLY_FILLED, filled_quantity=Decimal("0.4")), theirs(filled_quantity=Decimal("0.4")), None),
        (ours(S.ACCEPTED), theirs(filled_quantity=Decimal("0.4")), Remedy.APPLY),
        (ours(S.ACCEPTED, venue_order_id=""), theirs(), Remedy.APPLY),
        (ours(S.UNKNOWN, venue_order_id=""), theirs(), Remedy.APPLY),
        (ours(S.SUBMITTING, venue_order_id=""), theirs(), Remedy.APPLY),
        (ours(S.ACCEPTED), None, Remedy.QUERY),
        (ours(S.PARTIALLY_FILLED), None, Remedy.QUERY),
        (ours(S.ACCEPTED, claimed_for_s=0.995), None, None),  # sent after the list was asked for
        (ours(S.UNKNOWN), None, Remedy.RESOLVE),
        (ours(S.SUBMITTING), None, Remedy.RESOLVE),
        (ours(S.SUBMITTING, claimed_for_s=6.0), None, None),  # its sender may still be waiting
        (ours(S.NEW, claimed_for_s=None), None, Remedy.SEND),
        (ours(S.CANCELED, ended_for_s=1.001), None, None),
        (ours(S.CANCELED, ended_for_s=12.0), theirs(), Remedy.REOPEN),
        (ours(S.CANCELED, ended_for_s=2.0), theirs(), None),  # the list may lag
        (ours(S.CANCELED, ended_for_s=0.999), theirs(), None),  # ended after the list was asked for
        (ours(S.FILLED, ended_for_s=12.0), theirs(), None),  # fills outrank any list
        (None, theirs(), Remedy.ADOPT),
        (None, theirs(client_order_id=""), Remedy.ADOPT),
    ],
)
def test_one_order_on_each_side(our: OurOrder | None, their: VenueOrder | None, remedy: Remedy | None) -> None:
    actions = orders_diff([our] if our else [], listed=[their] if their else [], asked_for_s=1.0, sending_s=30.0)
    assert [action.remedy for action in actions] == ([remedy] if remedy else [])


def test_an_order_is_matched_by_the_venues_id_where_the_name_differs() -> None:
    renamed = theirs(client_order_id="autoclose-77")
    assert orders_diff([ours(S.ACCEPTED)], listed=[renamed], asked_for_s=1.0, sending_s=30.0) == []


def leg(side: PositionSide, quantity: str, symbol: str = BTC) -> VenuePosition:
    return VenuePosition(symbol=symbol, side=side, quantity=Decimal(quantity), entry_price=Decimal(100))


def test_legs_that_agree_make_no_difference() -> None:
    held = {(BTC, PositionSide.LONG): Decimal("1.50")}
    assert legs_diff(held, venue=[leg(PositionSide.LONG, "1.5")]) == []


def test_missing_surplus_and_changed_legs_are_each_named() -> None:
    held = {(BTC, PositionSide.LONG): Decimal(1), ("ETH/USDT:USDT", PositionSide.SHORT): Decimal(2)}
    found = legs_diff(held, venue=[leg(PositionSide.LONG, "3"), leg(PositionSide.SHORT, "4")])
    assert [(each.symbol[:3], each.side.value, each.ours, each.venue) for each in found] == [
        ("BTC", "long", Decimal(1), Decimal(3)),
        ("BTC", "short", Decimal(0), Decimal(4)),
        ("ETH", "short", Decimal(2), Decimal(0)),
    ]
