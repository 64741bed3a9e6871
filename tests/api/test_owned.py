"""Every list and detail of things with an owner, by the rules of tests/api/owned.py."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.engine.api.serializers import EngineEventSerializer, EngineSerializer
from apps.engine.models import Engine, EngineEvent
from apps.orders.api.serializers import FillSerializer, OrderEventSerializer, OrderSerializer
from apps.orders.models import OrderEvent
from apps.portfolios.api.serializers import PortfolioSerializer
from apps.positions.api.serializers import DiscrepancySerializer, FundingEntrySerializer, PositionSerializer
from apps.strategies.api.serializers import LineSerializer, StudySerializer
from tests.api.owned import Make, OwnedListTests, OwnedResourceTests
from tests.api.rows import Maker
from tests.conftest import ConnectionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def maker(connection_factory: ConnectionFactory) -> Maker:
    return Maker(connection_factory)


class TestOrders(OwnedResourceTests):
    path = "/api/v1/orders/"
    serializer = OrderSerializer

    @pytest.fixture
    def make(self, maker: Maker) -> Make:
        return maker.order


class TestOrderEvents(OwnedListTests):
    serializer = OrderEventSerializer

    @pytest.fixture
    def make(self, maker: Maker) -> Make:
        return maker.order_event

    def list_address(self, rows: list[OrderEvent]) -> str:
        return f"/api/v1/orders/{rows[0].order_id}/events/"


class TestFills(OwnedListTests):
    path = "/api/v1/fills/"
    serializer = FillSerializer

    @pytest.fixture
    def make(self, maker: Maker) -> Make:
        return maker.fill


class TestPositions(OwnedResourceTests):
    path = "/api/v1/positions/"
    serializer = PositionSerializer

    @pytest.fixture
    def make(self, maker: Maker) -> Make:
        return maker.position


class TestDiscrepancies(OwnedListTests):
    path = "/api/v1/positions/discrepancies/"
    serializer = DiscrepancySerializer

    @pytest.fixture
    def make(self, maker: Maker) -> Make:
        return maker.discrepancy


class TestFundingEntries(OwnedListTests):
    path = "/api/v1/positions/funding/"
    serializer = FundingEntrySerializer

    @pytest.fixture
    def make(self, maker: Maker) -> Make:
        return maker.funding_entry


class TestPortfolios(OwnedResourceTests):
    path = "/api/v1/portfolios/"
    serializer = PortfolioSerializer

    @pytest.fixture
    def make(self, maker: Maker) -> Make:
        return maker.portfolio


class TestEngines(OwnedResourceTests):
    path = "/api/v1/engines/"
    serializer = EngineSerializer

    @pytest.fixture
    def make(self, maker: Maker) -> Make:
        return maker.engine

    def address(self, row: Engine) -> str:
        return f"{self.path}{row.connection_id}/"


class TestEngineEvents(OwnedListTests):
    serializer = EngineEventSerializer

    @pytest.fixture
    def make(self, maker: Maker) -> Make:
        return maker.engine_event

    def list_address(self, rows: list[EngineEvent]) -> str:
        return f"/api/v1/engines/{rows[0].engine.connection_id}/events/"


class TestStudies(OwnedResourceTests):
    path = "/api/v1/studies/"
    serializer = StudySerializer

    @pytest.fixture
    def make(self, maker: Maker) -> Make:
        return maker.study


class TestLines(OwnedResourceTests):
    path = "/api/v1/lines/"
    serializer = LineSerializer

    @pytest.fixture
    def make(self, maker: Maker) -> Make:
        return maker.line


def ids(client: APIClient, address: str) -> set[int]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return {row["id"] for row in answer.data["results"]}


def test_orders_are_filtered(as_alice: APIClient, alice: User, maker: Maker) -> None:
    live = maker.order(alice, status="accepted")
    done = maker.order(alice, status="filled", symbol="ETH/USDT:USDT")
    path = "/api/v1/orders/"
    assert ids(as_alice, f"{path}?is_open=true") == {live.pk}
    assert ids(as_alice, f"{path}?is_open=false") == {done.pk}
    assert ids(as_alice, f"{path}?status=filled&status=accepted") == {live.pk, done.pk}
    assert ids(as_alice, f"{path}?symbol=ETH/USDT:USDT") == {done.pk}
    assert ids(as_alice, f"{path}?connection={live.connection_id}&client_order_id=c0") == set()
    assert ids(as_alice, f"{path}?created_after=2100-01-01T00:00:00Z") == set()


def test_positions_are_filtered(as_alice: APIClient, alice: User, maker: Maker) -> None:
    live = maker.position(alice)
    closed = maker.position(alice, status="closed", closed_at="2026-01-02T00:00:00Z")
    path = "/api/v1/positions/"
    assert ids(as_alice, f"{path}?is_open=true") == {live.pk}
    assert ids(as_alice, f"{path}?is_open=false&closed_after=2026-01-01T00:00:00Z") == {closed.pk}
    assert ids(as_alice, f"{path}?is_open=false&closed_after=2026-01-03T00:00:00Z") == set()


@pytest.mark.parametrize(
    "query", ["status=moon", "is_open=perhaps&side=up", "created_after=x", "created_after=9999-12-31T23:59-23:00"]
)
def test_a_filter_we_do_not_understand_is_a_400(as_alice: APIClient, query: str) -> None:
    assert as_alice.get(f"/api/v1/orders/?{query}").status_code == 400


def test_a_time_of_any_offset_is_a_moment(as_alice: APIClient, alice: User, maker: Maker) -> None:
    made = maker.order(alice)
    assert ids(as_alice, "/api/v1/orders/?created_after=0191-12-11T00:54:20%2B17:21") == {made.pk}


def test_a_filter_tells_nothing_of_others(as_charlie: APIClient, alice: User, maker: Maker) -> None:
    """A stranger's id and one that never was are answered alike."""
    theirs = maker.order(alice)
    answers: list[Any] = [
        as_charlie.get(f"/api/v1/orders/?connection={pk}").data for pk in (theirs.connection_id, 999_999)
    ]
    assert answers[0] == answers[1] == {"results": [], "next": None, "previous": None}


def test_every_act_on_a_strangers_thing_is_a_404(as_charlie: APIClient, alice: User, maker: Maker) -> None:
    order, position = maker.order(alice), maker.position(alice)
    home = {"connection": maker.home(alice).pk}
    acts: list[tuple[str, dict[str, Any]]] = [
        (f"orders/{order.pk}/cancel/", {}),
        ("orders/cancel-all/", home),
        ("orders/", {**home, "symbol": order.symbol, "position_side": "long", "order_type": "market"}),
        (f"positions/{position.pk}/close/", {}),
        ("positions/close-all/", home),
        ("positions/close-profitable/", home),
        *((f"engines/{home['connection']}/{verb}/", {}) for verb in ("start", "stop", "pause", "resume", "restart")),
        ("engines/emergency-stop/", {"connections": [home["connection"]]}),
    ]
    for path, body in acts:
        answer = as_charlie.post(f"/api/v1/{path}", body, format="json", headers={"Idempotency-Key": "k1"})
        assert (path, answer.status_code) == (path, 404)
    reads = [f"orders/{order.pk}/events/", f"positions/{position.pk}/story/", f"engines/{home['connection']}/events/"]
    for path in reads:
        assert (path, as_charlie.get(f"/api/v1/{path}").status_code) == (path, 404)


def test_a_viewer_acts_on_nothing(api: Any, viewer: User, maker: Maker) -> None:
    order, position, home = maker.order(viewer), maker.position(viewer), maker.home(viewer).pk
    client = api(viewer)
    for path in (
        "orders/",
        f"orders/{order.pk}/cancel/",
        "orders/cancel-all/",
        f"positions/{position.pk}/close/",
        "positions/close-all/",
        "positions/close-profitable/",
        f"engines/{home}/start/",
        "engines/all/stop/",
        "engines/emergency-stop/",
    ):
        answer = client.post(f"/api/v1/{path}", {}, format="json")
        assert (path, answer.status_code, answer.json()["code"]) == (path, 403, "read_only")
