"""The dashboard. Its numbers come over the API; only the equity curve is drawn from what is stored."""

from datetime import timedelta

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.exchanges.pages import page_context, page_user
from apps.portfolios.selectors import equity_curves_for

CURVE_HOURS = 24


@login_required
@never_cache
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    since = timezone.now() - timedelta(hours=CURVE_HOURS)
    data = {"equity_curves": equity_curves_for(page_user(request), since=since)}
    return render(request, "engine/dashboard.html", page_context(request, section="dashboard", data=data))


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """Served from the root, because a worker only answers for addresses below its own."""
    return render(request, "service_worker.js", content_type="text/javascript")


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    return render(request, "offline.html")
