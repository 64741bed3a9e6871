"""ccxt's own clients of the two exchanges that the paper venue speaks as, through the adapter."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.exchanges.connectors.base import Target
from apps.exchanges.connectors.ccxt_adapter import CcxtConnector
from apps.exchanges.connectors.ccxt_adapter.spec import exchange_specs
from apps.exchanges.connectors.spec import ExchangeSpec
from cts.domain.types import Environment, Market, PositionMode
from tests.paper_fixtures import PaperVenueControl

FACES = {"bybit": "bybit", "binanceusdm": "binance"}
Connect = Callable[..., CcxtConnector]


def spec_of(name: str) -> ExchangeSpec:
    return exchange_specs(name)[Market.LINEAR]


def connector_made(
    name: str, base_url: str, *, mode: PositionMode = PositionMode.ONE_WAY, **options: Any
) -> CcxtConnector:
    kind = type("Made", (CcxtConnector,), {"spec": spec_of(name)})
    target = Target(
        environment=Environment.LIVE,
        market=Market.LINEAR,
        position_mode=mode,
        timeout_s=options.get("timeout_s", 5.0),
    )
    made: CcxtConnector = kind(credentials=options.get("credentials"), target=target, base_url=base_url)
    return made


@pytest.fixture(params=sorted(FACES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connect(name: str, paper_venue: PaperVenueControl) -> Iterator[Connect]:
    made: list[CcxtConnector] = []

    def _connect(mode: PositionMode = PositionMode.HEDGE, **options: Any) -> CcxtConnector:
        face = FACES[name]
        credentials = options.pop("credentials", None) or paper_venue.account(face)
        connector = connector_made(name, f"{paper_venue.url}/{face}", mode=mode, credentials=credentials, **options)
        connector.set_position_mode(mode)
        made.append(connector)
        return connector

    yield _connect
    for connector in made:
        connector.close()
