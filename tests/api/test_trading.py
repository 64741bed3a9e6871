"""Trading by hand over the API alone, against the paper venue over real sockets, on each exchange."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import AuditEntry
from apps.exchanges.feeds import feed_want
from apps.exchanges.models import Connection
from apps.positions.api import serializers as shapes
from apps.positions.tasks import connection_sync_run
from tests.flows.conftest import stage  # noqa: F401 - a fixture
from tests.flows.stage import BTC, Stage, until

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


class Hand:
    """A person with nothing but the API."""

    def __init__(self, client: APIClient) -> None:
        self.client = client
        self._keys = 0

    def get(self, path: str, **query: str | float) -> Any:
        answer = self.client.get(f"/api/v1/{path}", query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def post(self, path: str, key: str = "", **body: object) -> Any:
        self._keys += 1
        headers = {"Idempotency-Key": key or f"key-{self._keys}"}
        answer = self.client.post(f"/api/v1/{path}", body, format="json", headers=headers)
        assert answer.status_code in (200, 201), answer.content
        return answer.json()


@pytest.fixture(params=["bybit", "binance"])
def exchange(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def hand(as_alice: APIClient) -> Hand:
    return Hand(as_alice)


@pytest.fixture
def home(stage: Stage, hand: Hand, exchange: str) -> dict[str, Any]:  # noqa: F811
    """A tested paper connection with money and prices, all asked for over the API."""
    row: dict[str, Any] = hand.post("connections/", name="Paper", exchange=exchange, environment="paper", symbols=[BTC])
    test = hand.post(f"connections/{row['id']}/test/")
    assert test["is_ok"], test["lines"]
    venue = (exchange, "paper", "linear")
    feed_want(*venue, symbols=[BTC])
    stage.feed(Connection.objects.get(pk=row["id"]))
    until(lambda: hand.get("tickers/", exchange=exchange, environment="paper")["results"], what="no prices")
    connection_sync_run(row["id"])
    return row


def synced(hand: Hand, home: dict[str, Any], path: str, **query: str | float) -> list[dict[str, Any]]:
    """Rows after a look at the venue, as the worker takes one every half minute."""
    connection_sync_run(home["id"])
    rows: list[dict[str, Any]] = hand.get(path, connection=home["id"], **query)["results"]
    return rows


def test_a_position_is_opened_told_and_closed(hand: Hand, home: dict[str, Any]) -> None:
    ticket = {"connection": home["id"], "symbol": BTC, "position_side": "long", "quantity": "0.010"}
    order = hand.post("orders/", key="open", **ticket, stop_ratio=0.05)
    assert order["status"] in ("accepted", "filled"), order
    assert hand.post("orders/", key="open", **ticket, stop_ratio=0.05)["id"] == order["id"]
    [position] = synced(hand, home, "positions/", is_open=True)
    assert (position["side"], position["quantity"], position["origin"]) == ("long", "0.01", "manual")
    assert [fill["order"] for fill in hand.get("fills/")["results"]] == [order["id"]]
    assert hand.get(f"orders/{order['id']}/")["status"] == "filled"
    kinds = [event["kind"] for event in hand.get(f"orders/{order['id']}/events/")["results"]]
    assert kinds[0] == "intent"
    story = hand.get(f"positions/{position['id']}/story/")
    assert set(story) == set(shapes.StorySerializer().fields)
    assert set(story["timeline"][0]) == set(shapes.StoryLineSerializer().fields)
    assert set(story["orders"][0]) == set(shapes.StoryOrderSerializer().fields)
    outcome = hand.post(f"positions/{position['id']}/close/")
    assert outcome["is_ok"], outcome
    assert set(outcome) == set(shapes.CloseOutcomeSerializer().fields)
    assert synced(hand, home, "positions/", is_open=True) == []
    assert hand.get(f"positions/{position['id']}/")["status"] == "closed"
    acts = AuditEntry.objects.filter(user__username="alice").values_list("action", flat=True)
    assert {"order.placed", "position.close_asked"} <= set(acts)


def test_a_resting_order_is_canceled_alone_and_with_all(hand: Hand, home: dict[str, Any]) -> None:
    last = float(hand.get("tickers/", exchange=home["exchange"], environment="paper")["results"][0]["last"])
    body = {"connection": home["id"], "symbol": BTC, "position_side": "long", "order_type": "limit"}
    resting = [hand.post("orders/", **body, quantity="0.010", price=f"{last * 0.99:.1f}") for _ in range(3)]
    assert [order["status"] for order in resting] == ["accepted"] * 3
    assert hand.post(f"orders/{resting[0]['id']}/cancel/")["status"] == "canceled"
    outcomes = hand.post("orders/cancel-all/", connection=home["id"])["results"]
    assert [outcome["is_ok"] for outcome in outcomes] == [True, True]
    assert hand.get("orders/", connection=home["id"], is_open=True)["results"] == []


def test_an_order_with_a_written_waiver_opens_a_position_without_a_stop(hand: Hand, home: dict[str, Any]) -> None:
    ticket = {"connection": home["id"], "symbol": BTC, "position_side": "long", "quantity": "0.010"}
    order = hand.post("orders/", **ticket, stop="none", stop_waiver="Hedge of the spot holding")
    [position] = synced(hand, home, "positions/", is_open=True)
    assert (position["stop_status"], position["stop_price"]) == ("waived", None)
    story = hand.get(f"positions/{position['id']}/story/")
    [waived] = [line for line in story["timeline"] if line["kind"] == "stop_waived"]
    assert waived["data"] == {"origin": "manual", "by": "alice", "reason": "Hedge of the spot holding"}
    placed = AuditEntry.objects.get(action="order.placed", entity_id=str(order["id"]))
    assert placed.detail["stop_waiver"] == "Hedge of the spot holding"


def test_what_risk_denies_is_an_order_with_its_reason(hand: Hand, home: dict[str, Any]) -> None:
    order = hand.post("orders/", connection=home["id"], symbol=BTC, position_side="long", quantity="100")
    assert order["status"] == "denied"
    assert order["reason"]


def test_a_position_is_reduced_by_hand(hand: Hand, home: dict[str, Any]) -> None:
    ticket = {"connection": home["id"], "symbol": BTC, "position_side": "long"}
    early = hand.post("orders/", **ticket, quantity="0.010", is_reduce_only=True)
    assert (early["status"], early["reason_code"]) == ("denied", "nothing_to_reduce")
    hand.post("orders/", **ticket, quantity="0.040")
    [position] = synced(hand, home, "positions/", is_open=True)
    order = hand.post("orders/", **ticket, quantity="0.010", is_reduce_only=True)
    assert (order["side"], order["position_key"]) == ("sell", position["key"]), order
    assert [row["quantity"] for row in synced(hand, home, "positions/", is_open=True)] == ["0.03"]
    capped = hand.post("orders/", **ticket, quantity="1", is_reduce_only=True)
    assert capped["quantity"] == "0.03"
    assert synced(hand, home, "positions/", is_open=True) == []


def test_profitable_and_all_are_closed(hand: Hand, home: dict[str, Any], stage: Stage) -> None:  # noqa: F811
    for side in ("long", "short"):
        hand.post("orders/", connection=home["id"], symbol=BTC, position_side=side, quantity="0.010")
    assert len(synced(hand, home, "positions/", is_open=True)) == 2
    last = float(hand.get("tickers/", exchange=home["exchange"], environment="paper")["results"][0]["last"])
    stage.venue.price(BTC, last * 1.005)
    shown = {"exchange": home["exchange"], "environment": "paper"}
    until(lambda: float(hand.get("tickers/", **shown)["results"][0]["last"]) > last * 1.004, what="no new price")
    outcomes = hand.post("positions/close-profitable/", connection=home["id"])["results"]
    assert [outcome["position"]["side"] for outcome in outcomes] == ["long"]
    assert [row["side"] for row in synced(hand, home, "positions/", is_open=True)] == ["short"]
    hand.post("positions/close-all/", connection=home["id"])
    assert synced(hand, home, "positions/", is_open=True) == []


def test_of_two_waiting_orders_the_first_fill_cancels_the_other(hand: Hand, home: dict[str, Any], stage: Stage) -> None:  # noqa: F811
    last = float(hand.get("tickers/", exchange=home["exchange"], environment="paper")["results"][0]["last"])
    terms = {"connection": home["id"], "symbol": BTC, "order_type": "limit", "quantity": "0.010", "oco_group": "range"}
    below = hand.post("orders/", **terms, position_side="long", price=f"{last * 0.995:.1f}")
    above = hand.post("orders/", **terms, position_side="short", price=f"{last * 1.005:.1f}")
    assert {below["status"], above["status"]} == {"accepted"}, (below["reason"], above["reason"])
    assert below["oco_group"] == "range"
    stage.venue.price(BTC, last * 0.99)
    [filled] = synced(hand, home, "positions/", is_open=True)
    assert filled["side"] == "long"
    assert hand.get(f"orders/{above['id']}/")["status"] == "canceled"


def test_the_emergency_stop_leaves_nothing(hand: Hand, home: dict[str, Any]) -> None:
    hand.post(f"connections/{home['id']}/arm/")
    hand.post("orders/", connection=home["id"], symbol=BTC, position_side="long", quantity="0.010")
    [report] = hand.post("engines/emergency-stop/", mode="flatten")["connections"]
    assert report["is_complete"], report["steps"]
    assert synced(hand, home, "positions/", is_open=True) == []
    after = hand.get(f"connections/{home['id']}/")
    assert (after["is_live_armed"], hand.get(f"engines/{home['id']}/")["desired"]) == (False, "stopped")


def test_bars_are_served_oldest_first(hand: Hand, home: dict[str, Any]) -> None:
    bars = hand.get("candles/", connection=home["id"], symbol=BTC, timeframe_s=60, limit=50)["results"]
    assert len(bars) == 50
    assert [bar["open_ms"] for bar in bars] == sorted(bar["open_ms"] for bar in bars)
