"""Warnings reach the database; a database that is down costs the caller nothing."""

import logging
import threading
import time
from typing import Any

import pytest
from django.db import DataError, OperationalError

from apps.monitoring.log_handler import QUEUE_MAX, DatabaseHandler
from apps.monitoring.models import LogRecord
from apps.monitoring.services import log_records_create

CANARY = "c4n4ry-7f3e9b"


def logger_with(handler: logging.Handler) -> logging.Logger:
    log = logging.Logger("orders.executor")
    log.addHandler(handler)
    return log


class Database:
    """Refuses rows while it is down, and single rows it can't hold."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.is_down = False
        self.asked = threading.Event()

    def write(self, rows: list[dict[str, Any]]) -> None:
        self.asked.set()
        if self.is_down:
            raise OperationalError("gone")
        if any("\0" in row["event"] for row in rows):
            raise DataError("no NUL here")
        self.rows += [row["event"] for row in rows]


@pytest.mark.django_db
def test_a_record_keeps_its_ids_and_loses_its_secrets() -> None:
    rows: list[dict[str, Any]] = []
    handler = DatabaseHandler(rows.extend)
    try:
        raise ValueError(f"api_secret={CANARY}")
    except ValueError:
        logger_with(handler).exception("order_failed signature=%s", CANARY, extra={"order": 7, "api_key": CANARY})
    assert handler.wait_written(5)
    log_records_create(rows)
    record = LogRecord.objects.get()
    assert (record.level, record.logger, record.context["order"]) == ("error", "orders.executor", 7)
    assert "ValueError" in record.error
    assert CANARY not in f"{record.event} {record.context} {record.error}"


def test_only_warnings_and_worse_are_kept() -> None:
    database = Database()
    handler = DatabaseHandler(database.write)
    log = logger_with(handler)
    log.info("fine")
    log.warning("odd")
    assert handler.wait_written(5)
    assert database.rows == ["odd"]


def test_what_was_logged_while_the_database_was_down_is_written_when_it_is_back() -> None:
    database = Database()
    database.is_down = True
    handler = DatabaseHandler(database.write, retry_s=0.01)
    log = logger_with(handler)
    log.warning("one")
    assert database.asked.wait(5)
    log.warning("two")
    assert database.rows == []
    database.is_down = False
    assert handler.wait_written(5)
    assert database.rows == ["one", "two"]


def test_a_flood_never_makes_the_caller_wait() -> None:
    database = Database()
    database.is_down = True
    handler = DatabaseHandler(database.write, retry_s=10)
    log = logger_with(handler)
    started_at = time.monotonic()
    for _ in range(3 * QUEUE_MAX):
        log.warning("flood")
    assert time.monotonic() - started_at < 5
    assert handler.dropped >= QUEUE_MAX


def test_a_row_the_database_cannot_hold_does_not_keep_the_others_out() -> None:
    database = Database()
    database.is_down = True
    handler = DatabaseHandler(database.write, retry_s=0.01)
    log = logger_with(handler)
    for event in ("first", "bad\0row", "last"):
        log.warning(event)
    assert database.asked.wait(5)
    database.is_down = False
    assert handler.wait_written(5)
    assert database.rows == ["first", "last"]
