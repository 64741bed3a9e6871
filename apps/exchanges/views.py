"""Pages to add a connection, to change one and to test one. Writes are the services'."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.forms import form_refused
from apps.accounts.models import User
from apps.exchanges.connectors.registry import EXCHANGES, markets_of
from apps.exchanges.connectors.spec import ExchangeSpec
from apps.exchanges.forms import ConnectionAddForm, ConnectionEditForm, TradingFields, connection_initial
from apps.exchanges.models import Connection
from apps.exchanges.offers import offers
from apps.exchanges.pages import page_context, page_user
from apps.exchanges.rows import connection_test_row
from apps.exchanges.selectors import connection_get_for, connection_tests_for, spec_for
from apps.exchanges.services import connection_create, connection_try_out, connection_update
from cts.domain.errors import DomainError

SYMBOLS_TO_START = "BTC, ETH, SOL"


def connections(request: HttpRequest) -> HttpResponse:
    """Connections are shown on the dashboard; this address only makes their own addresses complete."""
    return redirect("dashboard")


@login_required
@never_cache
@sensitive_post_parameters("api_key", "api_secret", "passphrase")
@require_http_methods(["GET", "HEAD", "POST"])
def connection_add(request: HttpRequest) -> HttpResponse:
    user = page_user(request)
    given = request.POST if request.method == "POST" else request.GET
    spec, environment, market = _venue(given)
    shape: dict[str, Any] = {"spec": spec, "environment": environment, "market": market}
    if request.method == "POST":
        form = ConnectionAddForm(request.POST, **shape)
        if form.is_valid() and (connection := _create(form, user=user)):
            return redirect(f"{reverse('connection', args=[connection.pk])}?new=1")
    else:
        form = ConnectionAddForm(initial=_initial(shape, given), **shape)
    context = page_context(request, section="dashboard") | {"form": form, "spec": spec, "environment": environment}
    context["offers"] = offers(spec)
    return render(request, "exchanges/connection_add.html", context, status=400 if form.errors else 200)


@login_required
@never_cache
@sensitive_post_parameters("api_key", "api_secret", "passphrase")
@require_http_methods(["GET", "HEAD", "POST"])
def connection(request: HttpRequest, pk: int) -> HttpResponse:
    user = page_user(request)
    row = connection_get_for(user, pk)
    try:
        spec = spec_for(row.exchange, row.market)
    except DomainError as refused:  # an extra's exchange that is offered no more
        context = page_context(request, section="dashboard") | {"connection": row, "reason": refused.detail}
        return render(request, "exchanges/venue_missing.html", context, status=409)
    form = ConnectionEditForm(request.POST or None, initial=connection_initial(row), spec=spec, connection=row)
    if request.method == "POST" and form.is_valid() and _update(form, connection=row, user=user):
        return redirect(f"{reverse('connection', args=[row.pk])}?saved=1")
    test = connection_tests_for(user, pk).first()
    data = {"connection": row.pk, "test": connection_test_row(test) if test else None}
    context = page_context(request, section="dashboard", data=data) | {"form": form, "connection": row, "spec": spec}
    context["offers"] = offers(spec)
    return render(request, "exchanges/connection.html", context, status=400 if form.errors else 200)


@login_required
@never_cache
@sensitive_post_parameters("api_key", "api_secret", "passphrase")
@require_POST
def connection_try(request: HttpRequest) -> HttpResponse:
    """The lines of a try-out of what is typed into the form so far, as a part of its page."""
    user = page_user(request)
    spec, environment, market = _venue(request.POST)
    form = ConnectionAddForm(request.POST, spec=spec, environment=environment, market=market)
    lines: list[dict[str, Any]] = []
    if form.is_valid():
        try:
            _, lines = connection_try_out(user, **form.cleaned_data)
        except DomainError as refused:
            form_refused(form, refused)
    return render(request, "exchanges/try_out.html", {"form": form, "lines": lines})


def _venue(given: QueryDict) -> tuple[ExchangeSpec, str, str]:
    """The venue the form is drawn for: as chosen where it exists, else the nearest that does."""
    name, environment = given.get("exchange", ""), given.get("environment", "")
    kinds = markets_of(name) or markets_of(next(iter(EXCHANGES)))
    spec = {str(market): kind.spec for market, kind in kinds.items()}.get(given.get("market", ""))
    spec = spec or next(iter(kinds.values())).spec
    is_offered = environment in spec.market_environments
    return spec, environment if is_offered else spec.market_environments[0], spec.market


def _initial(shape: dict[str, Any], given: QueryDict) -> dict[str, Any]:
    typed = {name: given[name] for name in ("name", *TradingFields.base_fields) if name in given}
    chosen = {"exchange": shape["spec"].name, "environment": shape["environment"], "market": shape["market"]}
    return connection_initial(Connection()) | {"symbols": SYMBOLS_TO_START} | typed | chosen


def _create(form: ConnectionAddForm, *, user: User) -> Connection | None:
    try:
        return connection_create(owner=user, **form.cleaned_data)
    except DomainError as refused:
        form_refused(form, refused)
    return None


def _update(form: ConnectionEditForm, *, connection: Connection, user: User) -> Connection | None:
    try:
        return connection_update(connection, user=user, changes=form.changes())
    except DomainError as refused:
        form_refused(form, refused)
    return None
