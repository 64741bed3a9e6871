"""A venue added by the checklist is there for people, programs and orders, without a change anywhere else."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest
from django.test import Client

from apps.accounts.models import User
from apps.exchanges import factory
from apps.exchanges.connectors import registry
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_arm, connection_create, connection_test
from apps.orders.models import Order
from apps.positions.manager import PositionManager
from apps.positions.models import Position
from apps.positions.sync import connection_sync
from cts import bus
from cts.domain.types import Market, PositionMode
from tests.conftest import Api
from tests.exchanges.seventh.connector import TinyConnector, spec_at
from tests.exchanges.seventh.server import KEY, SECRET, TinyVenue

pytestmark = [pytest.mark.django_db, pytest.mark.wire]
BTC = "BTC/USDT:USDT"


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Iterator[TinyVenue]:
    venue = TinyVenue()

    class Tiny(TinyConnector):
        spec = spec_at(venue.url)

    kind = Tiny
    monkeypatch.setitem(registry.CONNECTORS, "tiny", {Market.LINEAR: kind})
    monkeypatch.setitem(registry.EXCHANGES, "tiny", kind.spec)
    factory.public_connector.cache_clear()
    yield venue
    factory.public_connector.cache_clear()
    venue.close()


@pytest.fixture
def armed(tiny: TinyVenue, alice: User) -> Connection:
    connection = connection_create(
        owner=alice, name="Seventh", exchange="tiny", environment="live", symbols=[BTC], api_key=KEY, api_secret=SECRET,
        position_mode=PositionMode.ONE_WAY, leverage=5,
    )  # fmt: skip
    test = connection_test(connection)
    assert test.is_ok, test.lines
    connection_arm(connection, user=alice)
    return connection


def test_people_and_programs_are_offered_it(tiny: TinyVenue, alice: User, api: Api, client: Client) -> None:
    told = {row["name"]: row for row in api(alice).get("/api/v1/exchanges/").json()["results"]}
    assert told["tiny"]["label"] == "Tiny"
    client.force_login(alice)
    page = client.get("/connections/new/?exchange=tiny").content.decode()
    assert '<option value="tiny" selected>Tiny</option>' in page


def test_wrong_secret_is_said_in_the_test(tiny: TinyVenue, alice: User) -> None:
    connection = connection_create(
        owner=alice, name="Seventh", exchange="tiny", environment="live", symbols=[BTC], api_key=KEY, api_secret="no",
        position_mode=PositionMode.ONE_WAY,
    )  # fmt: skip
    test = connection_test(connection)
    assert not test.is_ok
    assert "BAD_KEY" in test.lines[-1]["detail"]


def test_an_order_goes_out_fills_and_is_closed_with_a_watched_stop(
    armed: Connection, tiny: TinyVenue, alice: User, api: Api
) -> None:
    connector = factory.connector_for(armed)
    connection_sync(armed, connector=connector)
    (ticker,) = connector.tickers([BTC])
    bus.client().hset(bus.tickers_key(*armed.venue), BTC, msgspec.json.encode(ticker))
    asked = {"symbol": BTC, "position_side": "long", "order_type": "market", "quantity": "0.5", "connection": armed.pk}
    answer = api(alice).post("/api/v1/orders/", asked, format="json", headers={"Idempotency-Key": "seventh-1"})
    assert answer.status_code == 201, answer.json()
    order = Order.objects.get()
    assert order.client_order_id in tiny.orders
    connection_sync(armed, connector=connector)
    position = Position.objects.get()
    assert (position.quantity, position.average_entry_price) == (Decimal("0.5"), Decimal(100))
    assert position.fees == Decimal("0.05")
    # The venue has no stops: ours is watched, and the position says so.
    assert position.stop_price is not None
    assert position.stop_order is None
    assert PositionManager().close(position, reason="manual", connector=connector).is_ok
    connection_sync(armed, connector=connector)
    assert tiny.quantity == 0
    position.refresh_from_db()
    assert position.status == "closed"
