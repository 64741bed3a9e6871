"""What a first start shows: a person to sign in as, and a paper connection on each exchange with its engine running.

Only what was never made is made, so that a second start finds what its owner made of the first: renamed, or deleted.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.accounts.models import AuditEntry, Role, User
from apps.accounts.services import audit_record, user_register
from apps.engine.coordinator import GlobalTradeEngineCoordinator
from apps.engine.models import Engine
from apps.exchanges.connectors.registry import EXCHANGES
from apps.exchanges.models import Connection
from apps.exchanges.services import connection_arm, connection_create, connection_test, instruments_sync
from apps.portfolios.services import portfolio_create
from apps.strategies.demo import RULE_SET, STUDY, SYMBOLS
from apps.strategies.services import rule_sets_seed, study_follow
from cts.domain.errors import DomainError
from cts.domain.types import Environment, Market

ACTOR = "seed_demo"
USERNAME = "demo"
# Written once for each exchange, whatever becomes of its connection afterwards.
MADE = "demo.connection_made"
# Of the portfolio: as wide as those of its accounts, but for what they may hold of one symbol together.
LIMITS: dict[str, Any] = {
    "max_total_notional_ratio": 5.0,
    "max_symbol_notional_ratio": 2.0,
    "max_daily_loss_ratio": 0.05,
    "max_drawdown_ratio": 0.20,
}


@dataclass(frozen=True, kw_only=True)
class DemoReport:
    is_user_new: bool
    connections: list[Connection]


def demo_seed(*, password: str, is_password_chosen: bool) -> DemoReport:
    """`is_password_chosen`: by the environment, which then also changes the password of an earlier start."""
    user, is_new = _user(password, is_password_chosen=is_password_chosen)
    venues = [spec for spec in EXCHANGES.values() if spec.has_paper]
    made = [
        _connection(user, exchange=spec.name, name=f"{spec.label} paper", symbols=_share(index))
        for index, spec in enumerate(venues)
    ]
    connections = [connection for connection in made if connection is not None]
    if is_new:
        portfolio_create(user=user, name="All paper accounts", connections=[row.pk for row in connections], **LIMITS)
    return DemoReport(is_user_new=is_new, connections=connections)


def _user(password: str, *, is_password_chosen: bool) -> tuple[User, bool]:
    user = User.objects.filter(username=USERNAME).first()
    if user is None:
        # An administrator, so that the admin can be looked at too; the embedded start listens on loopback only.
        return user_register(username=USERNAME, password=password, role=Role.ADMINISTRATOR), True
    if is_password_chosen and not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return user, False


def _share(index: int) -> list[str]:
    """The two great ones and three more, others on each exchange: six markets of ten are too much for a small machine."""
    great, others = SYMBOLS[:2], SYMBOLS[2:]
    return great + [others[(3 * index + n) % len(others)] for n in range(3)]


def _connection(user: User, *, exchange: str, name: str, symbols: list[str]) -> Connection | None:
    """None where its owner has deleted it since."""
    mark = AuditEntry.objects.filter(user=user, action=MADE, detail__exchange=exchange).first()
    known = {"pk": mark.entity_id} if mark is not None else {"owner": user, "name": name}
    connection = Connection.objects.filter(**known).first()
    if connection is None and mark is not None:
        return None
    if connection is not None and Engine.objects.filter(connection=connection).exists():
        return connection
    if connection is None:
        instruments_sync(exchange=exchange, environment=Environment.PAPER, market=Market.LINEAR)
        connection = connection_create(
            owner=user, name=name, exchange=exchange, environment=Environment.PAPER, symbols=symbols
        )
    if mark is None:
        detail = {"exchange": exchange}
        audit_record(user=user, actor=ACTOR, action=MADE, entity="connection", entity_id=connection.pk, detail=detail)
    demo_connection_check(connection, user=user)
    study_follow(connection, rule_set=rule_sets_seed()[RULE_SET], **STUDY)
    connection_arm(connection, user=user)
    GlobalTradeEngineCoordinator().start(connection, actor=ACTOR, user=user)
    return connection


def demo_connection_check(connection: Connection, *, user: User, pauses_s: Sequence[float] = (5.0, 60.0)) -> None:
    """Test it, and after each pause once more: a small machine that starts everything at once may send late calls in a
    bunch, which a venue answers with a ban of up to a minute. Raises DomainError where the last test fails as well.
    """
    for pause_s in (*pauses_s, None):
        test = connection_test(connection, user=user)
        if test.is_ok:
            return
        if pause_s is not None:
            time.sleep(pause_s)
    wrong = next(f"{line['step']}: {line['detail']}" for line in test.lines if not line["is_ok"])
    raise DomainError(
        "demo_test_failed", f"The demo's {connection.name} did not pass its test ({wrong}); see logs/paper.log"
    )
