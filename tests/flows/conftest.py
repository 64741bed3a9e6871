"""A stage with an armed connection whose study has one line that is real."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.engine.models import DesiredState
from apps.engine.services import engine_desire
from apps.exchanges import factory, runs
from apps.exchanges.feeds import feed_want
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_arm, connection_create, connection_test
from apps.exchanges.state import ConnectionStateManager
from apps.strategies.models import Study
from apps.strategies.services import study_follow
from tests.flows.stage import BTC, Stage, line_make
from tests.paper_fixtures import PaperVenueControl


@pytest.fixture
def stage(paper_venue: PaperVenueControl, settings: Settings, transactional_db: None) -> Iterator[Stage]:
    settings.PAPER_URL = paper_venue.url
    settings.RECONCILE_INTERVAL_S = 3.0
    factory.public_connector.cache_clear()
    runs.drain.clear()
    ConnectionStateManager().resume()
    stage = Stage(paper_venue)
    yield stage
    runs.drain.clear()
    ConnectionStateManager().resume()
    stage.end_all()
    factory.public_connector.cache_clear()


@pytest.fixture
def exchange() -> str:
    """Tests that run on every venue override it by parametrizing."""
    return "bybit"


def trader_create(owner: User, exchange: str) -> Connection:
    """Tested, armed, its engine wanted."""
    connection = connection_create(owner=owner, name=exchange, exchange=exchange, environment="paper", symbols=[BTC])
    test = connection_test(connection)
    assert test.is_ok, test.lines
    connection_arm(connection, user=owner)
    feed_want(*connection.venue, symbols=[BTC])
    engine_desire(connection, desired=DesiredState.RUNNING, actor="alice", user=owner)
    return connection


@pytest.fixture
def trader(exchange: str, stage: Stage, alice: User) -> Connection:
    return trader_create(alice, exchange)


@pytest.fixture
def study(trader: Connection) -> Study:
    study = study_follow(trader, timeframe_s=1, lines_per_symbol=2).study
    line_make(study)
    return study
