"""What is enqueued waits for the commit, and a broker that is down harms nobody."""

import pytest
from celery import Celery
from django.conf import settings
from django.db import transaction

from cts import bus
from cts.celery import app
from cts.queue import enqueue_named_on_commit

pytestmark = pytest.mark.django_db(transaction=True)
TASK = "apps.positions.tasks.connection_sync_run"
SYNC_QUEUE = f"{settings.CELERY_BROKER_TRANSPORT_OPTIONS['global_keyprefix']}sync"


def test_nothing_is_enqueued_before_the_commit() -> None:
    with transaction.atomic():
        enqueue_named_on_commit(TASK, 7, queue="sync")
        assert bus.client().llen(SYNC_QUEUE) == 0
    assert bus.client().llen(SYNC_QUEUE) == 1


def test_a_rollback_enqueues_nothing() -> None:
    with transaction.atomic():
        enqueue_named_on_commit(TASK, 7, queue="sync")
        transaction.set_rollback(True)
    assert bus.client().llen(SYNC_QUEUE) == 0


def test_a_broker_that_is_down_is_no_error_of_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    Celery("nowhere", broker="redis://127.0.0.1:1/0").set_current()
    try:
        enqueue_named_on_commit(TASK, 7, queue="sync")
    finally:
        app.set_current()
    # Threads of the process, such as the hub's, may have something of their own to say meanwhile.
    told = [record.message for record in caplog.records if record.name == "cts.queue"]
    assert told == ["enqueue_failed"]
