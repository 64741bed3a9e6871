"""Pages of signing in, signing out and opening an account."""

from django import forms
from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.forms import RegisterForm, SignInForm, form_refused
from apps.accounts.models import User
from apps.accounts.services import registration_check, user_register, user_sign_in, user_sign_out
from cts.domain.errors import DomainError
from cts.problems import problem_of
from cts.rates import client_address


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_next(request))
    form = SignInForm(request.POST or None)
    if not form.is_valid():
        return _page(request, "accounts/sign_in.html", form, status=400 if form.is_bound else 200)
    try:
        user = user_sign_in(**form.cleaned_data, address=client_address(request.META))
    except DomainError as refused:
        return _refused(request, "accounts/sign_in.html", form, refused)
    login(request, user)
    return redirect(_next(request))


@sensitive_post_parameters("password", "password_again")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    form = RegisterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        address = client_address(request.META)
        asked = {name: form.cleaned_data[name] for name in ("username", "email", "password")}
        try:
            registration_check(address=address)
            login(request, user_register(**asked, address=address))
        except DomainError as refused:
            return _refused(request, "accounts/register.html", form, refused)
        return redirect(settings.LOGIN_REDIRECT_URL)
    status = 400 if form.is_bound else 200 if settings.REGISTRATION_OPEN else 403
    return _page(request, "accounts/register.html", form, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    user = request.user
    logout(request)
    # After the session is gone: sockets look for theirs as soon as they hear of it.
    if isinstance(user, User):
        user_sign_out(user, address=client_address(request.META))
    return redirect(settings.LOGOUT_REDIRECT_URL)


def _refused(request: HttpRequest, template: str, form: forms.Form, refused: DomainError) -> HttpResponse:
    problem = problem_of(refused)
    form_refused(form, refused)
    return _page(request, template, form, status=problem.status if problem else 400)


def _page(request: HttpRequest, template: str, form: forms.Form, *, status: int) -> HttpResponse:
    asked = request.POST.get("next") or request.GET.get("next", "")
    context = {"form": form, "next": asked, "is_registration_open": settings.REGISTRATION_OPEN}
    return render(request, template, context, status=status)


def _next(request: HttpRequest) -> str:
    """Where the person wanted to go, if that is here."""
    asked = request.POST.get("next") or request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if is_ours else resolve_url(settings.LOGIN_REDIRECT_URL)
