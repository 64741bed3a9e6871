"""Portfolios: all of them, one of them, and its form. Numbers come over the API."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.forms import form_refused
from apps.accounts.models import User
from apps.exchanges.pages import page_context, page_user
from apps.portfolios.forms import PortfolioForm, portfolio_initial
from apps.portfolios.models import Portfolio
from apps.portfolios.selectors import portfolio_get_for
from apps.portfolios.services import portfolio_create, portfolio_delete, portfolio_update
from cts.domain.errors import DomainError
from cts.rates import client_address


@login_required
@never_cache
@require_safe
def portfolios(request: HttpRequest) -> HttpResponse:
    return render(request, "portfolios/list.html", page_context(request, section="portfolios"))


@login_required
@never_cache
@require_safe
def portfolio(request: HttpRequest, pk: int) -> HttpResponse:
    row = portfolio_get_for(page_user(request), pk)
    context = page_context(request, section="portfolios", data={"portfolio": row.pk})
    members = list(row.connections.all())
    environment = members[0].environment if members else ""
    return render(request, "portfolios/portfolio.html", context | {"portfolio": row, "environment": environment})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def portfolio_add(request: HttpRequest) -> HttpResponse:
    form = PortfolioForm(request.POST or None, user=page_user(request))
    if request.method == "POST" and form.is_valid() and (row := _saved(form, None, request)):
        return redirect("portfolio", row.pk)
    return _form_page(request, form, None)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def portfolio_edit(request: HttpRequest, pk: int) -> HttpResponse:
    user = page_user(request)
    row = portfolio_get_for(user, pk)
    form = PortfolioForm(request.POST or None, initial=portfolio_initial(row), user=user)
    if request.method == "POST" and form.is_valid() and _saved(form, row, request):
        return redirect("portfolio", row.pk)
    return _form_page(request, form, row)


@login_required
@require_POST
def portfolio_remove(request: HttpRequest, pk: int) -> HttpResponse:
    user = page_user(request)
    row = portfolio_get_for(user, pk)
    try:
        portfolio_delete(row, user=user, address=client_address(request.META))
    except DomainError as refused:
        form = PortfolioForm(portfolio_initial(row), user=user)
        form_refused(form, refused)
        return _form_page(request, form, row)
    return redirect("portfolios")


def _form_page(request: HttpRequest, form: PortfolioForm, row: Portfolio | None) -> HttpResponse:
    context = page_context(request, section="portfolios") | {"form": form, "portfolio": row}
    return render(request, "portfolios/form.html", context, status=400 if form.errors else 200)


def _saved(form: PortfolioForm, row: Portfolio | None, request: HttpRequest) -> Portfolio | None:
    user: User = page_user(request)
    address, changes = client_address(request.META), form.changes()
    try:
        if row is None:
            return portfolio_create(user=user, address=address, **changes)
        version = form.cleaned_data["version"]
        return portfolio_update(row, user=user, changes=changes, version=version, address=address)
    except DomainError as refused:
        form_refused(form, refused)
        return None
