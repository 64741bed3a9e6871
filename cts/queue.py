"""Enqueue on commit: a task never starts before the rows it needs are there."""

import logging
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def enqueue_named_on_commit(name: str, *args: Any, queue: str) -> None:
    """Ask a higher app for work by its task's name. A broker that is down costs the hint, never the caller's own work."""
    transaction.on_commit(partial(_send, name, args, queue))


def _send(name: str, args: tuple[Any, ...], queue: str) -> None:
    try:
        current_app.send_task(name, args=args, queue=queue, retry=False)
    except OperationalError as error:
        log.warning("enqueue_failed", extra={"task_name": name, "reason": str(error)})
