"""The Celery application: broker, queues, acks. The schedule is in beat.py."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cts.settings")

app = Celery("cts")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
