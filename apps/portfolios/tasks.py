"""What is kept of equity, minute by minute."""

from celery import shared_task
from django.utils import timezone

from apps.portfolios.services import equity_snapshots_record, portfolio_peaks_note


@shared_task  # type: ignore[untyped-decorator]
def equity_snapshots() -> int:
    now = timezone.now()
    recorded = equity_snapshots_record(now=now)
    portfolio_peaks_note(now=now)
    return recorded
