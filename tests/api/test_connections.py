"""Connections over the API: their owner's, no secret in any answer, each act a service's."""

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import AuditEntry, User
from apps.exchanges.api import serializers as shapes
from apps.exchanges.connectors.registry import EXCHANGES
from apps.exchanges.models import AccountBalance, Connection, ConnectionTest, Instrument
from tests.api.owned import Make, OwnedListTests, OwnedResourceTests
from tests.conftest import Api, ConnectionFactory, InstrumentFactory

pytestmark = pytest.mark.django_db
PATH = "/api/v1/connections/"
NEW = {"name": "Main", "exchange": "bybit", "environment": "testnet", "symbols": ["BTC/USDT:USDT"]}
KEYS = {"api_key": "KEYCANARY0123456", "api_secret": "SECRETCANARY0123456789"}


class TestConnections(OwnedResourceTests):
    path = PATH
    serializer = shapes.ConnectionSerializer

    @pytest.fixture
    def make(self, connection_factory: ConnectionFactory) -> Make:
        return lambda owner: connection_factory(owner=owner)


class TestConnectionTests(OwnedListTests):
    path = PATH
    serializer = shapes.ConnectionTestSerializer

    @pytest.fixture
    def make(self, connection_factory: ConnectionFactory) -> Make:
        homes: dict[int, Connection] = {}

        def create(owner: User) -> ConnectionTest:
            home = homes.setdefault(owner.pk, connection_factory(owner=owner))
            line = {"at": "2026-01-01T00:00:00Z", "step": "reach", "is_ok": True, "detail": "ok", "elapsed_ms": 3}
            return ConnectionTest.objects.create(connection=home, is_ok=True, lines=[line])

        return create

    def list_address(self, rows: list[ConnectionTest]) -> str:
        return f"{PATH}{rows[0].connection_id}/tests/"


class TestBalances(OwnedListTests):
    serializer = shapes.BalanceSerializer

    @pytest.fixture
    def make(self, connection_factory: ConnectionFactory) -> Make:
        homes: dict[int, Connection] = {}

        def create(owner: User) -> AccountBalance:
            home = homes.setdefault(owner.pk, connection_factory(owner=owner))
            asset = f"A{home.balances.count()}"
            sums = {"total": 1, "available": 1, "equity": 1}
            return AccountBalance.objects.create(connection=home, asset=asset, at=timezone.now(), **sums)

        return create

    def list_address(self, rows: list[AccountBalance]) -> str:
        return f"{PATH}{rows[0].connection_id}/balances/"


@pytest.mark.parametrize("tail", ["tests/", "balances/"])
def test_lists_below_a_strangers_connection_are_404(as_charlie: APIClient, connection: Connection, tail: str) -> None:
    assert as_charlie.get(f"{PATH}{connection.pk}/{tail}").status_code == 404


ACTIONS: list[tuple[str, str, dict[str, object]]] = [
    ("patch", "", {"leverage": 3}),
    ("delete", "", {}),
    ("post", "test/", {}),
    ("post", "arm/", {"origin": "live"}),
    ("post", "disarm/", {"origin": "live"}),
    ("post", "enable/", {}),
    ("post", "disable/", {}),
    ("post", "volume/", {"volume_factor_live": "2.0"}),
    ("post", "symbols/", {"symbols": ["ETH/USDT:USDT"]}),
]


@pytest.mark.parametrize(("verb", "tail", "body"), ACTIONS)
def test_a_stranger_can_do_nothing_to_it(
    as_charlie: APIClient, connection: Connection, verb: str, tail: str, body: dict[str, object]
) -> None:
    before = Connection.objects.filter(pk=connection.pk).values().get()
    answer = getattr(as_charlie, verb)(f"{PATH}{connection.pk}/{tail}", body, format="json")
    assert answer.status_code == 404
    assert Connection.objects.filter(pk=connection.pk).values().get() == before


@pytest.mark.parametrize(("verb", "tail", "body"), ACTIONS)
def test_a_viewer_can_do_nothing_even_to_own(
    api: Api, viewer: User, connection_factory: ConnectionFactory, verb: str, tail: str, body: dict[str, object]
) -> None:
    own = connection_factory(owner=viewer)
    before = Connection.objects.filter(pk=own.pk).values().get()
    answer = getattr(api(viewer), verb)(f"{PATH}{own.pk}/{tail}", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "read_only")
    assert Connection.objects.filter(pk=own.pk).values().get() == before


@pytest.mark.parametrize(("verb", "tail", "body"), ACTIONS)
def test_nobody_unknown_can_do_anything(
    api: Api, connection: Connection, verb: str, tail: str, body: dict[str, object]
) -> None:
    assert getattr(api(None), verb)(f"{PATH}{connection.pk}/{tail}", body, format="json").status_code == 401


def test_a_new_connection_is_the_callers_and_shows_no_key(as_alice: APIClient, alice: User) -> None:
    answer = as_alice.post(PATH, {**NEW, **KEYS}, format="json")
    assert answer.status_code == 201, answer.content
    assert Connection.objects.get().owner == alice
    assert (answer.data["key_hint"], answer.data["is_live_armed"]) == ("3456", False)
    everything = answer.content + as_alice.get(PATH).content + str(list(AuditEntry.objects.values())).encode()
    assert b"CANARY" not in everything


def test_a_key_in_a_refused_body_is_not_sent_back(as_alice: APIClient) -> None:
    answer = as_alice.post(PATH, {**NEW, **KEYS, "leverage": 0, "symbols": ["nonsense"]}, format="json")
    assert answer.status_code == 400
    assert b"CANARY" not in answer.content


def test_a_second_of_the_same_name_is_a_conflict(as_alice: APIClient) -> None:
    assert as_alice.post(PATH, {**NEW, **KEYS}, format="json").status_code == 201
    assert as_alice.post(PATH, {**NEW, **KEYS}, format="json").status_code == 409


def test_its_venue_never_changes(as_alice: APIClient, connection: Connection) -> None:
    answer = as_alice.patch(f"{PATH}{connection.pk}/", {"environment": "live"}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "environment")


def test_arming_disabling_and_enabling(as_alice: APIClient, connection: Connection) -> None:
    address = f"{PATH}{connection.pk}/"
    assert as_alice.post(f"{address}arm/", {}, format="json").data["is_live_armed"] is True
    assert as_alice.post(f"{address}arm/", {"origin": "preset"}, format="json").data["is_preset_armed"] is True
    assert as_alice.post(f"{address}disarm/", {"origin": "live"}, format="json").data["is_live_armed"] is False
    disabled = as_alice.post(f"{address}disable/").data
    assert (disabled["is_enabled"], disabled["is_preset_armed"]) == (False, False)
    refused = as_alice.post(f"{address}arm/", {}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "not_enabled")
    assert as_alice.post(f"{address}enable/").data["is_enabled"] is True


def test_volume_and_symbols(as_alice: APIClient, connection: Connection) -> None:
    address = f"{PATH}{connection.pk}/"
    row = as_alice.post(f"{address}volume/", {"volume_factor_live": "2.5"}, format="json").data
    assert (row["volume_factor_live"], row["volume_factor_preset"]) == ("2.5", "1")
    row = as_alice.post(f"{address}symbols/", {"symbols": ["ETH/USDT:USDT"], "top_count": 5}, format="json").data
    assert (row["symbols"], row["top_count"]) == (["ETH/USDT:USDT"], 5)
    assert as_alice.post(f"{address}volume/", {"volume_factor_live": "0.05"}, format="json").status_code == 400


def test_one_that_never_traded_can_be_deleted(as_alice: APIClient, connection: Connection) -> None:
    assert as_alice.delete(f"{PATH}{connection.pk}/").status_code == 204
    assert not Connection.objects.exists()


def test_a_test_that_cannot_reach_the_venue_says_so_line_by_line(
    as_alice: APIClient, connection: Connection, instrument: Instrument
) -> None:
    answer = as_alice.post(f"{PATH}{connection.pk}/test/")
    assert answer.status_code == 200
    assert answer.data["is_ok"] is False
    assert set(answer.data) == set(shapes.ConnectionTestSerializer().fields)
    assert set(answer.data["lines"][0]) == set(shapes.TestLineSerializer().fields)


def test_exchanges_are_all_we_connect_to(as_viewer: APIClient) -> None:
    rows = as_viewer.get("/api/v1/exchanges/").data["results"]
    assert [row["name"] for row in rows] == list(EXCHANGES)
    assert set(rows[0]) == set(shapes.ExchangeSerializer().fields)


def test_instruments_can_be_filtered(as_alice: APIClient, instrument_factory: InstrumentFactory) -> None:
    instrument_factory()
    instrument_factory("ETH/USDT:USDT", exchange="binance")
    rows = as_alice.get("/api/v1/instruments/?exchange=binance").data["results"]
    assert [row["symbol"] for row in rows] == ["ETH/USDT:USDT"]
    assert set(rows[0]) == set(shapes.InstrumentSerializer().fields)


def test_candles_of_a_strangers_connection_are_404(as_charlie: APIClient, connection: Connection) -> None:
    query = f"connection={connection.pk}&symbol=BTC/USDT:USDT"
    assert as_charlie.get(f"/api/v1/candles/?{query}").status_code == 404


def test_candles_of_a_venue_that_is_away_are_a_503(
    as_alice: APIClient, connection: Connection, instrument: Instrument
) -> None:
    query = f"connection={connection.pk}&symbol={instrument.symbol}&timeframe_s=60"
    answer = as_alice.get(f"/api/v1/candles/?{query}")
    assert (answer.status_code, answer.json()["code"]) == (503, "venue_unavailable")
    unknown = as_alice.get(f"/api/v1/candles/?connection={connection.pk}&symbol=NOPE&timeframe_s=60")
    assert (unknown.status_code, unknown.json()["code"]) == (400, "unknown_symbol")
