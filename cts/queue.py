"""Enqueue on commit: a task never starts before the rows it needs are there."""

from functools import partial
from typing import Any

from celery import Task
from django.db import transaction


def enqueue_on_commit(task: "Task[Any, Any]", *args: Any, **kwargs: Any) -> None:
    transaction.on_commit(partial(task.delay, *args, **kwargs))
