"""A small study over a seeded market whose past and present are one series."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from apps.exchanges.models import Connection
from apps.strategies.models import Study
from apps.strategies.searches import study_search
from apps.strategies.services import study_follow
from cts.domain.bars import Bars
from cts.domain.synthetic import SyntheticMarket
from tests.conftest import ConnectionFactory

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp()) * 1000
SYMBOLS = ["DOGE/USDT:USDT", "SOL/USDT:USDT"]
SMALL: dict[str, Any] = {"timeframe_s": 5, "lines_per_symbol": 8, "position_timeout_s": 900}
SEARCH: dict[str, Any] = {"candidates": 300, "span_s": 6 * 3600}
_market = SyntheticMarket(seed=11)


@lru_cache(maxsize=64)
def _seconds(symbol: str, since_s: int, until_s: int) -> Bars:
    table = _market.bars(symbol, start_s=since_s, end_s=until_s)
    opens = np.arange(since_s, until_s, dtype=np.int64) * 1000
    return Bars(1, opens, *(np.ascontiguousarray(table[:, place]) for place in range(4)))


def history(
    exchange: str, environment: str, market: str, symbol: str, since_ms: int, until_ms: int, *, finest_s: int = 1
) -> Bars:
    """As `history_bars`, from the seed: finished bars that open in [since, until)."""
    return _seconds(symbol, -(-since_ms // 1000), until_ms // 1000)


@pytest.fixture
def follower(connection_factory: ConnectionFactory) -> Connection:
    return connection_factory(symbols=SYMBOLS)


@pytest.fixture
def study(follower: Connection) -> Study:
    """Followed by Alice, not searched yet."""
    return study_follow(follower, **SMALL).study


@pytest.fixture
def searched(study: Study) -> Study:
    """Its lines found, standing at NOW."""
    study_search(study, now=NOW, history=history, **SEARCH)
    return study
