"""What a run begins with: a connection on every venue, armed, with lines good enough to be followed."""

from typing import Any

from django.core.management import call_command

from apps.accounts.services import user_register
from apps.exchanges.crypto import credentials_unseal
from apps.exchanges.feeds import feed_want
from apps.exchanges.paper_account import PAPER_BALANCE
from apps.exchanges.services import connection_arm, connection_create, connection_test
from apps.orders.models import RiskLimits
from apps.strategies.services import study_follow
from cts.domain.types import PositionSide
from tests.chaos.plan import SIDES, SYMBOLS, VENUES
from tests.chaos.world import MAX_PER_SIDE, MAX_POSITIONS
from tests.flows.stage import line_make

USER, PASSWORD = "alice", "Correct-horse-battery-9"
# Wide where the runs would only be slowed; tight where they shall be tempted to break it.
LIMITS = {
    "max_positions": MAX_POSITIONS,
    "max_positions_per_side": MAX_PER_SIDE,
    "max_losing_streak": 1000,
    "stop_guard_count": 1000,
    "max_orders_per_minute": 1000,
    "max_price_deviation_ratio": 0.05,
}


def desks_make() -> dict[str, dict[str, Any]]:
    """Rows of `Desk`, by venue."""
    call_command("migrate", verbosity=0)
    owner = user_register(username=USER, email="", password=PASSWORD)
    return {venue: _desk_make(venue, owner) for venue in VENUES}


def _desk_make(venue: str, owner: Any) -> dict[str, Any]:
    connection = connection_create(owner=owner, name=venue, exchange=venue, environment="paper", symbols=list(SYMBOLS))
    test = connection_test(connection)
    assert test.is_ok, test.lines
    connection_arm(connection, user=owner)
    feed_want(*connection.venue, symbols=list(SYMBOLS))
    RiskLimits.objects.update_or_create(connection=connection, defaults=LIMITS)
    study = study_follow(connection, timeframe_s=1, lines_per_symbol=2).study
    lines = {f"{symbol} {side}": _line(study, symbol, side) for symbol in SYMBOLS for side in SIDES}
    secrets = credentials_unseal(connection.credentials, connection_id=connection.pk)
    return {
        "connection": connection.pk,
        "study": study.pk,
        "lines": lines,
        "api_key": secrets.api_key,
        "balance": PAPER_BALANCE,
    }


def _line(study: Any, symbol: str, side: str) -> int:
    return int(line_make(study, symbol=symbol, side=PositionSide(side)).pk)
