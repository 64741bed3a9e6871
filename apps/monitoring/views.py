"""`/healthz`: for load balancers, supervisors and people, without sign-in."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.monitoring.selectors import health_report


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    report = health_report()
    response = JsonResponse(report, status=200 if report["status"] == "ok" else 503)
    # Whoever asks every second must not fill the log with the same answer; `health_watch` logs what changes.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
