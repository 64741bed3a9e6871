"""Reads: one door, a bounded number of queries, and a story that tells everything."""

import msgspec
import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from apps.accounts.access import NotFound
from apps.accounts.models import User
from apps.orders.rows import fill_row, order_row
from apps.orders.selectors import fills_for, order_events_for, order_get_for, orders_for
from apps.positions.models import Position
from apps.positions.rows import position_row
from apps.positions.selectors import discrepancies_for, position_get_for, position_story, positions_for
from tests.orders.conftest import Desk

pytestmark = pytest.mark.django_db


def test_a_stranger_finds_nothing_of_hers(desk: Desk, alice: User, charlie: User) -> None:
    position = desk.open()
    order = orders_for(alice).get()
    assert position_get_for(alice, position.pk).pk == position.pk
    assert order_get_for(alice, order.pk).pk == order.pk
    for door, pk in ((position_get_for, position.pk), (order_get_for, order.pk), (order_events_for, order.pk)):
        with pytest.raises(NotFound):
            door(charlie, pk)
    with pytest.raises(NotFound):
        position_get_for(alice, "no number")
    assert not any(rows(charlie).exists() for rows in (orders_for, fills_for, positions_for, discrepancies_for))


def test_lists_cost_the_same_queries_for_one_row_and_for_many(desk: Desk, alice: User) -> None:
    counts = []
    for number in range(3):
        desk.open(f"k{number}")
        with CaptureQueriesContext(database) as made:
            rows = [position_row(row) for row in positions_for(alice)]
            rows += [order_row(row) for row in orders_for(alice)]
            rows += [fill_row(row) for row in fills_for(alice)]
        counts.append(len(made))
    assert counts == [3, 3, 3]


def test_rows_are_plain_json(desk: Desk, alice: User) -> None:
    position = desk.open()
    row = msgspec.json.decode(msgspec.json.encode(position_row(position)))
    assert (row["quantity"], row["stop_status"], row["net_pnl"]) == ("0.01", "missing", "-0.3")
    assert msgspec.json.encode([order_row(orders_for(alice).get()), fill_row(fills_for(alice).get())])


def test_a_trade_explains_itself_from_signal_to_last_fill(desk: Desk) -> None:
    position = desk.open(explanation={"indication": "move", "statistics": {"win_rate": 0.6}})
    desk.manager.ensure_stop(position, connector=desk.venue)
    desk.manager.close_now(position, reason="target", connector=desk.venue)
    with CaptureQueriesContext(database) as made:
        story = position_story(Position.objects.get())
    assert len(made) == 5
    assert story["why"]["statistics"] == {"win_rate": 0.6}
    assert story["exits"]["stop_ratio"] == 0.005
    assert story["sizing"]["steps"][-1]["name"] == "margin"
    assert {check["code"] for check in story["checks"]} >= {"free_margin", "daily_loss"}
    assert [order["purpose"] for order in story["orders"]] == ["entry", "stop", "exit"]
    assert [stop["status"] for stop in story["stops"]] == ["canceled"]
    assert len(story["fills"]) == 2
    told = [(line["what"], line["kind"]) for line in story["timeline"]]
    assert told[0] == ("entry order", "intent")
    assert ("exit order", "fill") in told
    assert ("position", "closing") in told
    assert msgspec.json.encode(story)
