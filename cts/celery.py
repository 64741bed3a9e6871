"""The Celery application: broker, queues, acks, failures of tasks, and the word to leased runs at a shutdown."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_failure, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cts.settings")

app = Celery("cts")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _drain(**_: object) -> None:
    # A warm shutdown waits for its tasks, and runs end only when told.
    from apps.exchanges.runs import drain

    drain.set()


@task_failure.connect  # type: ignore[untyped-decorator]
def _task_failed(sender: Any = None, task_id: str = "", exception: BaseException | None = None, **_: object) -> None:
    # Settings import this module, and the log needs settings.
    from cts.logging import ErrorHandler, SystemLogger

    if exception is not None:
        errors = ErrorHandler(SystemLogger("cts.tasks"))
        errors.record(exception, event="task_failed", task_name=getattr(sender, "name", ""), task=task_id)
