"""The Celery application: broker, queues, acks, and the word to leased runs when a worker shuts down."""

import os

from celery import Celery
from celery.signals import worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cts.settings")

app = Celery("cts")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _drain(**_: object) -> None:
    # A warm shutdown waits for its tasks, and runs end only when told.
    from apps.exchanges.runs import drain

    drain.set()
