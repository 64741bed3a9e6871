"""The demo's connections belong to their owner once they are made: what became of them is not undone."""

import pytest
from pytest_django import Settings

from apps.engine.models import DesiredState, Engine
from apps.exchanges.connectors.registry import EXCHANGES
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_disarm
from apps.monitoring import demo
from tests.conftest import PASSWORD
from tests.paper_fixtures import PaperVenueControl

pytestmark = [pytest.mark.wire, pytest.mark.django_db]


@pytest.fixture
def _one_exchange(monkeypatch: pytest.MonkeyPatch, settings: Settings, paper_venue: PaperVenueControl) -> None:
    settings.PAPER_URL = paper_venue.url
    monkeypatch.setattr(demo, "EXCHANGES", {"bybit": EXCHANGES["bybit"]})


def seeded() -> list[Connection]:
    return demo.demo_seed(password=PASSWORD, is_password_chosen=True).connections


@pytest.mark.usefixtures("_one_exchange")
def test_what_its_owner_made_of_a_connection_is_found_again_and_not_undone() -> None:
    [made] = seeded()
    assert (made.name, made.is_live_armed) == ("Bybit paper", True)
    assert Engine.objects.get(connection=made).desired == DesiredState.RUNNING
    connection_disarm(made, user=made.owner)
    Connection.objects.update(name="Mine")
    [again] = seeded()
    assert (again.pk, again.name, again.is_live_armed) == (made.pk, "Mine", False)
    Connection.objects.all().delete()
    assert seeded() == []
    assert not Connection.objects.exists()
