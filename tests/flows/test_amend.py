"""Changing an open order on the venue, over its own wire: where it can, where it can't, and where no answer comes."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.exchanges.connectors.spec import Capability
from apps.exchanges.factory import connector_for
from apps.exchanges.models import Connection
from apps.exchanges.selectors import instrument_for, spec_for, tickers_for
from apps.orders.models import Order
from apps.orders.services import order_apply_venue
from apps.positions.sync import connection_sync
from tests.conftest import Api
from tests.flows.stage import BTC, Stage, until

pytestmark = [pytest.mark.wire]
VENUES = ("bybit", "binance", "bingx", "okx", "orangex", "pionex")


@pytest.fixture
def client(api: Api, alice: User) -> APIClient:
    return api(alice)


def price_at(connection: Connection, ratio: str) -> Decimal:
    [ticker] = connector_for(connection).tickers([BTC])
    tick = instrument_for(connection, BTC).tick_size
    return (ticker.last * Decimal(ratio) / tick).quantize(Decimal(1)) * tick


def resting(client: APIClient, connection: Connection, key: str = "k1") -> dict[str, Any]:
    """A limit to buy, one percent below the market."""
    connection_sync(connection, connector=connector_for(connection))  # no entry without a balance
    until(lambda: BTC in tickers_for(*connection.venue), what="no price came")
    body = {
        "connection": connection.pk,
        "symbol": BTC,
        "position_side": "long",
        "order_type": "limit",
        "quantity": "0.004",
        "price": str(price_at(connection, "0.99")),
    }
    answer = client.post("/api/v1/orders/", body, format="json", headers={"Idempotency-Key": key})
    assert answer.json()["status"] == "accepted", answer.json()["reason"]
    found: dict[str, Any] = answer.json()
    return found


def amend(client: APIClient, order: dict[str, Any], **terms: object) -> Any:
    return client.patch(f"/api/v1/orders/{order['id']}/", {k: str(v) for k, v in terms.items()}, format="json")


def at_venue(stage: Stage, connection: Connection, order: dict[str, Any]) -> tuple[Decimal, Decimal]:
    [told] = [row for row in stage.state(connection)["orders"] if row["client_id"] == order["client_order_id"]]
    return Decimal(told["quantity"]), Decimal(told["price"])


@pytest.mark.parametrize("exchange", VENUES)
def test_price_and_quantity_where_the_venue_can(stage: Stage, trader: Connection, client: APIClient) -> None:
    stage.feed(trader)
    order, price = resting(client, trader), price_at(trader, "0.985")
    spec = spec_for(trader.exchange, trader.market)
    for name, value, capability in (
        ("price", price, Capability.AMEND_PRICE),
        ("quantity", Decimal("0.002"), Capability.AMEND_QUANTITY),
    ):
        answer = amend(client, order, **{name: value})
        if spec.can(capability):
            assert answer.status_code == 200, answer.json()
            assert Decimal(answer.json()[name]) == value
            assert value in at_venue(stage, trader, order)
        else:
            assert (answer.status_code, answer.json()["code"]) == (400, "unsupported")
            assert answer.json()["errors"][0]["field"] == name
    connection_sync(trader, connector=connector_for(trader))
    row = Order.objects.get(pk=order["id"])
    assert (row.quantity, row.price) == at_venue(stage, trader, order)
    assert not stage.differences(trader)


def test_what_makes_no_sense_is_refused_and_nothing_is_sent(
    stage: Stage, trader: Connection, client: APIClient
) -> None:
    stage.feed(trader)
    order = resting(client, trader)
    before = at_venue(stage, trader, order)
    for terms, field, code in (
        ({}, "price", "required"),
        ({"quantity": "0.005"}, "quantity", "quantity_raised"),
        ({"trigger_price": "50000"}, "trigger_price", "not_wanted"),
        ({"price": price_at(trader, "0.9")}, "price", "price_deviation"),
        ({"price": "-1"}, "price", "min_value"),
    ):
        answer = amend(client, order, **terms)
        assert answer.status_code == 400, answer.json()
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]
    assert at_venue(stage, trader, order) == before
    client.post(f"/api/v1/orders/{order['id']}/cancel/")
    assert amend(client, order, price=price_at(trader, "0.985")).json()["code"] == "not_open"


@pytest.mark.parametrize(("kind", "is_taken"), [("close_after_accept", True), ("refuse", False)])
def test_without_an_answer_the_order_itself_is_asked(
    stage: Stage, trader: Connection, client: APIClient, kind: str, is_taken: bool
) -> None:
    stage.feed(trader)
    order, price = resting(client, trader), price_at(trader, "0.985")
    stage.venue.faults("bybit", "/v5/order/amend", kind, count=None)
    answer = amend(client, order, price=price)
    if is_taken:
        assert (answer.status_code, Decimal(answer.json()["price"])) == (200, price)
    else:
        assert (answer.status_code, answer.json()["code"]) == (422, "amend_unknown")
    row = Order.objects.get(pk=order["id"])
    assert (row.quantity, row.price) == at_venue(stage, trader, order)


def test_a_change_that_shows_only_later_is_taken_over(stage: Stage, trader: Connection, client: APIClient) -> None:
    """Told of a change nobody answered, the ledger follows; of one nobody asked for, it doesn't."""
    stage.feed(trader)
    order, other = resting(client, trader), resting(client, trader, "k2")
    price, before = price_at(trader, "0.985"), Order.objects.get(pk=other["id"]).price
    stage.venue.faults("bybit", "/v5/order/amend", "refuse", count=None)
    assert amend(client, order, price=price).json()["code"] == "amend_unknown"
    stage.venue.clear_faults()
    connector = connector_for(trader)
    for each in (order, other):
        row = Order.objects.get(pk=each["id"])
        told = connector.order(BTC, client_order_id=row.client_order_id, venue_order_id=row.venue_order_id)
        order_apply_venue(trader, msgspec.structs.replace(told, price=price))
    assert Order.objects.get(pk=order["id"]).price == price
    assert Order.objects.get(pk=other["id"]).price == before


def test_a_stranger_changes_nothing(
    stage: Stage, trader: Connection, client: APIClient, api: Api, charlie: User
) -> None:
    stage.feed(trader)
    order = resting(client, trader)
    before = at_venue(stage, trader, order)
    assert amend(api(charlie), order, price="50000").status_code == 404
    assert at_venue(stage, trader, order) == before
