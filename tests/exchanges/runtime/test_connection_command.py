"""`manage.py connection_test` asks everything and touches nothing."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.exchanges import factory
from apps.exchanges.connectors.base import Credentials
from apps.exchanges.crypto import credentials_seal
from apps.exchanges.models import Connection, ConnectionTest
from tests.conftest import ConnectionFactory
from tests.paper_fixtures import PaperVenueControl

pytestmark = [pytest.mark.django_db, pytest.mark.wire]


@pytest.fixture
def paper(settings: Settings, paper_venue: PaperVenueControl, connection_factory: ConnectionFactory) -> Connection:
    settings.PAPER_URL = paper_venue.url
    factory.public_connector.cache_clear()
    row = connection_factory(exchange="bybit", environment="paper", symbols=["BTC/USDT:USDT"])
    sealed = credentials_seal(paper_venue.account("bybit"), connection_id=row.pk)
    Connection.objects.filter(pk=row.pk).update(credentials=sealed)
    row.refresh_from_db()
    return row


def run(connection_id: int, *options: str) -> tuple[int, str]:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("connection_test", str(connection_id), *options, stdout=out)
    return int(ended.value.code or 0), out.getvalue()


def test_every_read_is_told_line_by_line_and_nothing_is_set(paper: Connection) -> None:
    before = factory.connector_for(paper).position_mode()
    code, said = run(paper.pk)
    assert code == 0, said
    for step in ("Reach the venue", "Compare clocks", "Check the key", "Position mode", "Prices", "Positions", "Fills"):
        assert f"ok  {step}: " in said
    assert "last traded at 60000" in said
    assert factory.connector_for(paper).position_mode() is before
    assert not ConnectionTest.objects.exists()


def test_refused_key_ends_it_with_exit_code_one(paper: Connection) -> None:
    sealed = credentials_seal(Credentials(api_key="no-such-key", api_secret="x" * 20), connection_id=paper.pk)
    Connection.objects.filter(pk=paper.pk).update(credentials=sealed)
    code, said = run(paper.pk, "--json")
    told = json.loads(said)
    assert (code, told["is_ok"]) == (1, False)
    assert told["lines"][-1]["step"] == "Check the key"
    assert "The key was refused" in told["lines"][-1]["detail"]


def test_unknown_connection_is_a_clear_error() -> None:
    with pytest.raises(CommandError, match="No connection 9999"):
        call_command("connection_test", "9999")
