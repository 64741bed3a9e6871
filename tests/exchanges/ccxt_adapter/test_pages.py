"""A community exchange in the product: offered, said to be one, never on paper, and missed politely."""

from collections.abc import Iterator

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.exchanges.connectors import registry
from apps.exchanges.connectors.ccxt_adapter import CcxtConnector
from apps.exchanges.factory import connector_for, connector_forget
from apps.exchanges.models import Connection
from tests.conftest import Api

pytestmark = pytest.mark.django_db
NOTE = b"Community-grade: not certified here"
SLUG = "ccxt-coinbaseinternational"
KEYS = {"api_key": "key0123456789", "api_secret": "secret0123456789", "passphrase": "phrase"}
NEW = {"name": "Other", "exchange": SLUG, "environment": "testnet", "market": "spot", "position_mode": "one_way"}


@pytest.fixture(autouse=True)
def offered() -> Iterator[None]:
    before = dict(registry.EXCHANGES)
    registry.community_enable(["coinbaseinternational", "bybit"])
    yield
    for name in set(registry.EXCHANGES) - set(before):
        del registry.EXCHANGES[name], registry.COMMUNITY[name]


@pytest.fixture
def as_alice(api: Api, alice: User) -> APIClient:
    return api(alice)


@pytest.fixture
def page(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def test_the_form_says_what_it_is_and_offers_no_paper(page: Client) -> None:
    answer = page.get("/connections/new/", {"exchange": SLUG})
    assert answer.status_code == 200
    assert NOTE in answer.content
    assert b"Coinbase International (community)" in answer.content
    assert b'value="paper"' not in answer.content
    assert b'name="passphrase"' in answer.content
    assert NOTE not in page.get("/connections/new/", {"exchange": "bybit"}).content


def test_a_connection_is_made_shown_and_connected_through_ccxt(as_alice: APIClient, page: Client) -> None:
    answer = as_alice.post("/api/v1/connections/", {**NEW, **KEYS}, format="json")
    assert answer.status_code == 201, answer.content
    row = Connection.objects.get()
    assert NOTE in page.get(f"/connections/{row.pk}/").content
    connector = connector_for(row)
    assert isinstance(connector, CcxtConnector)
    assert (connector.client.apiKey, connector.client.password) == ("key0123456789", "phrase")
    assert connector.client.isSandboxModeEnabled
    connector_forget(row.pk)


def test_paper_is_refused_by_name(as_alice: APIClient) -> None:
    answer = as_alice.post("/api/v1/connections/", {**NEW, **KEYS, "environment": "paper"}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "environment")


def test_the_api_tells_which_are_community(as_alice: APIClient) -> None:
    rows = {row["name"]: row["is_community"] for row in as_alice.get("/api/v1/exchanges/").data["results"]}
    assert rows[SLUG] is True
    assert rows["bybit"] is False
    assert rows["ccxt-bybit"] is True


def test_one_whose_exchange_is_offered_no_more_has_a_page_that_says_so(as_alice: APIClient, page: Client) -> None:
    as_alice.post("/api/v1/connections/", {**NEW, **KEYS}, format="json")
    row = Connection.objects.get()
    spec, kinds = registry.EXCHANGES.pop(SLUG), registry.COMMUNITY.pop(SLUG)
    try:
        answer = page.get(f"/connections/{row.pk}/")
    finally:
        registry.EXCHANGES[SLUG], registry.COMMUNITY[SLUG] = spec, kinds
    assert answer.status_code == 409
    assert b"name coinbaseinternational in CTS_CCXT_EXCHANGES" in answer.content
