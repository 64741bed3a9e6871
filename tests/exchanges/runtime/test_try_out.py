"""A connection tried out before it is stored: the same questions, nothing kept, nothing set."""

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import AuditEntry, User
from apps.exchanges import factory
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_try_out
from cts.domain.errors import DomainError
from tests.conftest import Api
from tests.paper_fixtures import PaperVenueControl

pytestmark = [pytest.mark.django_db, pytest.mark.wire]
BTC = "BTC/USDT:USDT"


@pytest.fixture(autouse=True)
def _venue(settings: Settings, paper_venue: PaperVenueControl) -> None:
    settings.PAPER_URL = paper_venue.url
    factory.public_connector.cache_clear()


def test_good_key_is_tried_to_the_end_and_nothing_is_stored(alice: User, paper_venue: PaperVenueControl) -> None:
    keys = paper_venue.account("bybit")
    is_ok, lines = connection_try_out(
        alice, exchange="bybit", environment="paper", symbols=[BTC], api_key=keys.api_key, api_secret=keys.api_secret
    )
    assert is_ok, lines
    assert {"Check the key", "Read the balance", "Prices", "Fills"} <= {line["step"] for line in lines}
    assert not Connection.objects.exists()
    assert not AuditEntry.objects.filter(action__startswith="connection").exists()


def test_wrong_secret_is_said(alice: User, paper_venue: PaperVenueControl) -> None:
    keys = paper_venue.account("bybit")
    is_ok, lines = connection_try_out(
        alice, exchange="bybit", environment="paper", symbols=[BTC], api_key=keys.api_key, api_secret="wrong"
    )
    assert not is_ok
    assert (lines[-1]["step"], lines[-1]["is_ok"]) == ("Check the key", False)


def test_paper_without_keys_is_tried_as_far_as_the_public_goes(alice: User) -> None:
    is_ok, lines = connection_try_out(alice, exchange="bybit", environment="paper", symbols=[BTC])
    assert is_ok
    assert [line["step"] for line in lines] == ["Reach the venue", "Compare clocks", "List instruments"]


def test_bad_field_is_named(alice: User) -> None:
    with pytest.raises(DomainError) as refused:
        connection_try_out(alice, exchange="bybit", environment="live", symbols=[BTC], api_key="k")
    assert refused.value.field == "api_secret"


def test_api_and_page_tell_the_lines(
    alice: User, charlie: User, api: Api, client: Client, paper_venue: PaperVenueControl
) -> None:
    keys = paper_venue.account("bybit")
    asked = {"name": "New", "exchange": "bybit", "environment": "paper", "symbols": [BTC]}
    asked |= {"api_key": keys.api_key, "api_secret": keys.api_secret}
    answer = api(alice).post("/api/v1/connections/try/", asked, format="json")
    assert answer.json()["is_ok"], answer.json()
    assert api(None).post("/api/v1/connections/try/", asked, format="json").status_code == 401
    client.force_login(alice)
    page = client.post(
        "/connections/new/try/",
        asked
        | {"symbols": "BTC", "market": "linear", "margin_mode": "cross", "position_mode": "hedge", "leverage": 5}
        | {"symbol_mode": "main", "top_count": 10, "volume_factor_live": "1.0"},
    ).content.decode()
    assert "was accepted" in page
    assert keys.api_secret not in page


def test_page_names_a_bad_field(alice: User, client: Client) -> None:
    client.force_login(alice)
    page = client.post("/connections/new/try/", {"exchange": "bybit", "environment": "paper"}).content.decode()
    assert "Name: This field is required." in page
