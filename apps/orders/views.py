"""The page of a connection's risk limits; the connection's own page shows its form too."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.forms import form_refused
from apps.accounts.models import User
from apps.exchanges.models import Connection
from apps.exchanges.pages import page_context, page_user
from apps.exchanges.selectors import connection_get_for
from apps.orders.forms import RiskLimitsForm, risk_limits_initial
from apps.orders.limits import risk_limits_update
from apps.orders.selectors import limits_get
from cts.domain.errors import DomainError
from cts.rates import client_address


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def risk_limits(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole page, or for htmx only the form."""
    user = page_user(request)
    connection = connection_get_for(user, pk)
    form = RiskLimitsForm(request.POST or None, initial=risk_limits_initial(limits_get(connection)))
    address = client_address(request.META)
    is_saved = request.method == "POST" and form.is_valid() and _saved(form, connection, user=user, address=address)
    if is_saved:
        form = RiskLimitsForm(initial=risk_limits_initial(limits_get(connection)))
    context = {"form": form, "connection": connection, "is_saved": is_saved}
    if getattr(request, "htmx", False):
        # htmx puts nothing in place that is answered with an error.
        return render(request, "orders/risk_limits_form.html", context)
    page = page_context(request, section="dashboard") | context
    return render(request, "orders/risk_limits.html", page, status=400 if form.errors else 200)


def _saved(form: RiskLimitsForm, connection: Connection, *, user: User, address: str | None) -> bool:
    version = form.cleaned_data["version"]
    try:
        risk_limits_update(connection, user=user, changes=form.changes(), version=version, address=address)
    except DomainError as refused:
        form_refused(form, refused)
        return False
    return True
