"""Work of the strategies app on the queues: the run of a study, and its repeated search."""

import logging

from celery import shared_task
from django.utils import timezone

from apps.exchanges.leases import lease_release, lease_take, owner_name
from apps.exchanges.runs import Ended, run_enqueue_once, run_wake
from apps.strategies.models import Study
from apps.strategies.runs import StudyRun
from apps.strategies.services import study_search
from cts.domain.errors import DomainError, ExchangeError

log = logging.getLogger(__name__)

SEARCH_MAX_S = 900


@shared_task  # type: ignore[untyped-decorator]
def study_run(study_id: int) -> str:
    run = StudyRun(study_id, search_due=lambda: search_study.delay(study_id))
    ended = run.run()
    if ended is Ended.TIMED_OUT:
        run_enqueue_once(run.lease_name, task=study_run, args=(study_id,))
    return ended


@shared_task  # type: ignore[untyped-decorator]
def search_study(study_id: int) -> int | None:
    """Search again for a study at work; nothing when a search of it is going on."""
    study = Study.objects.get(pk=study_id)
    lease = lease_take(f"search:{study_id}", owner=owner_name(), ttl_s=SEARCH_MAX_S)
    if lease is None:
        return None
    try:
        return study_search(study, now=timezone.now())
    except (ExchangeError, DomainError) as error:
        log.warning("study_search_failed", extra={"study": study_id, "reason": str(error)})
        return None
    finally:
        lease_release(lease)
        run_wake(study.lease_name)
