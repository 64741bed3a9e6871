"""Equity too far below its peak stops everything by itself: of a connection, and of all in a portfolio."""

from decimal import Decimal

import pytest

from apps.accounts.models import User
from apps.engine.guards import drawdowns_stop
from apps.engine.models import Engine, EngineEvent
from apps.exchanges.factory import connector_for
from apps.exchanges.models import AccountBalance, Connection
from apps.exchanges.services import balances_record
from apps.orders.services import equity_peak_set, risk_limits_update
from apps.portfolios.models import Portfolio
from apps.portfolios.services import portfolio_create
from apps.positions.models import Position
from apps.strategies.models import Study
from tests.flows.conftest import trader_create
from tests.flows.stage import Stage
from tests.flows.test_control import _enter

pytestmark = [pytest.mark.wire]


def equity(connection: Connection) -> Decimal:
    balances_record(connection, balances=connector_for(connection).balances())
    found: Decimal = AccountBalance.objects.get(connection=connection, asset="USDT").equity
    return found


def test_a_connection_that_has_fallen_too_far_is_flattened_and_disarmed_once(
    stage: Stage, trader: Connection, study: Study
) -> None:
    stage.feed(trader)
    stage.engine(trader)
    _enter(stage, study)
    assert drawdowns_stop() == 0
    equity_peak_set(trader, asset="USDT", equity=equity(trader) * 2)
    assert drawdowns_stop() == 1
    assert stage.state(trader)["positions"] == []
    assert [row.exit_reason for row in Position.objects.all()] == ["emergency"]
    trader.refresh_from_db()
    assert not trader.is_live_armed
    assert Engine.objects.get(connection=trader).desired == "stopped"
    told = EngineEvent.objects.get(kind="emergency_stop")
    assert (told.actor, told.detail["is_complete"]) == ("drawdown limit", True)
    assert drawdowns_stop() == 0


def test_the_fall_of_a_portfolio_stops_all_in_it_and_nobody_else(stage: Stage, trader: Connection, alice: User) -> None:
    beside, alone = trader_create(alice, "okx"), trader_create(alice, "binance")
    portfolio = portfolio_create(user=alice, name="All", connections=[trader.pk, beside.pk], max_drawdown_ratio=0.2)
    whole = equity(trader) + equity(beside)
    Portfolio.objects.filter(pk=portfolio.pk).update(peak_equity=whole)
    assert drawdowns_stop() == 0
    Portfolio.objects.filter(pk=portfolio.pk).update(peak_equity=whole * 2)
    assert drawdowns_stop() == 2
    armed = Connection.objects.filter(is_live_armed=True).values_list("pk", flat=True)
    assert list(armed) == [alone.pk]


def test_a_limit_of_nothing_stops_nothing(stage: Stage, trader: Connection, alice: User) -> None:
    risk_limits_update(trader, user=alice, changes={"max_drawdown_ratio": 0.0})
    equity_peak_set(trader, asset="USDT", equity=equity(trader) * 2)
    assert drawdowns_stop() == 0
