"""Load, call one service."""

from celery import shared_task
from django.utils import timezone

from apps.portfolios.services import equity_snapshots_record


@shared_task  # type: ignore[untyped-decorator]
def equity_snapshots() -> int:
    return equity_snapshots_record(now=timezone.now())
