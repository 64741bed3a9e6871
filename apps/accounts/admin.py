"""The admin's bases, and the pages of people, audit and tokens. Looking is free; every act is a service's."""

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from unfold.admin import ModelAdmin

from apps.accounts.models import AuditEntry, IdempotencyKey, Role, TokenFamily, User
from apps.accounts.services import user_active_set, user_register, user_role_set
from cts.db import ExactDecimalField
from cts.domain.errors import DomainError, ExchangeError
from cts.domain.units import decimal_text
from cts.rates import client_address

# Columns no page of the admin may show, whatever the model.
SECRETS = frozenset({"credentials", "password", "token", "session_data"})


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows to look at, filter and search. Changes come from services, through actions."""

    list_per_page = 50
    show_full_result_count = False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [self._column(name) for name in super().get_list_display(request)]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        names = [field.name for field in self.model._meta.concrete_fields if field.name not in SECRETS]
        return [self._column(name) for name in names]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return self.get_fields(request, obj)

    def _column(self, name: Any) -> Any:
        fields = {field.name: field for field in self.model._meta.concrete_fields}
        field = fields.get(name) if isinstance(name, str) else None
        return exact_column(field) if isinstance(field, ExactDecimalField) else name

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_administrator(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_administrator(request)


@cache
def exact_column(field: ExactDecimalField) -> Callable[[Model], str | None]:
    """The decimal as it is: Django would fill it up with zeros to the field's eighteen places."""

    @admin.display(description=str(field.verbose_name).capitalize(), ordering=field.name)
    def shown(row: Model) -> str | None:
        value = getattr(row, field.name)
        return None if value is None else decimal_text(value)

    return shown


def is_administrator(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_active and request.user.is_staff


def each_acted(request: HttpRequest, rows: QuerySet[Any], act: Callable[[Any, User], object], *, done: str) -> None:
    """Do `act` to each row; what is refused is said by name and keeps no other from its turn."""
    assert isinstance(request.user, User)
    count = 0
    for row in rows:
        try:
            act(row, request.user)
            count += 1
        except (DomainError, ExchangeError) as refused:
            messages.error(request, f"{row}: {refused}")
    if count:
        messages.success(request, f"{count} {done}")


def confirmation(
    admin_page: ModelAdmin, request: HttpRequest, rows: QuerySet[Any], *, action: str, question: str
) -> HttpResponse | None:
    """The page that asks once more, or None when the answer is in: acts that move money aren't one click away."""
    if request.POST.get("is_confirmed"):
        return None
    context = {
        **admin_page.admin_site.each_context(request),
        "title": question,
        "rows": rows,
        "action": action,
        "opts": admin_page.model._meta,
    }
    return TemplateResponse(request, "admin/confirm_action.html", context)


class UserForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("role", "is_active")


class UserAddForm(forms.ModelForm):  # type: ignore[type-arg]
    new_password = forms.CharField(
        label="Password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        model = User
        fields = ("username", "email", "role")


@admin.register(User)
class UserAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("username", "email", "role", "is_active", "last_login", "date_joined")
    list_filter = ("role", "is_active")
    search_fields = ("username", "email", "first_name", "last_name")
    ordering = ("username",)
    actions = ("activate", "deactivate")
    SEEN: ClassVar[tuple[str, ...]] = ("username", "email", "first_name", "last_name", "last_login", "date_joined")

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, form=UserForm if obj else UserAddForm, **kwargs)

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return (*self.SEEN, "role", "is_active") if obj else ("username", "email", "role", "new_password")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return self.SEEN if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except DomainError as refused:
            messages.error(request, refused.detail)
            return redirect(request.path)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        assert isinstance(request.user, User)
        if not change:
            given = form.cleaned_data
            made = user_register(
                username=given["username"],
                email=given["email"],
                password=given["new_password"],
                role=Role(given["role"]),
                address=client_address(request.META),
            )
            obj.pk = made.pk
            return
        if "role" in form.changed_data:
            user_role_set(obj, role=Role(obj.role), by=request.user)
        if "is_active" in form.changed_data:
            user_active_set(obj, is_active=obj.is_active, by=request.user)

    @admin.action(description="Let in again")
    def activate(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        each_acted(request, rows, lambda row, by: user_active_set(row, is_active=True, by=by), done="let in")

    @admin.action(description="Lock out at once")
    def deactivate(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        each_acted(request, rows, lambda row, by: user_active_set(row, is_active=False, by=by), done="locked out")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "actor", "action", "entity", "entity_id", "address")
    list_filter = ("action", "entity")
    search_fields = ("actor", "action", "entity", "entity_id", "address")
    date_hierarchy = "created_at"
    list_select_related = ("user",)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "scope", "key", "status")
    list_filter = ("status",)
    search_fields = ("key", "scope", "user__username")
    list_select_related = ("user",)


# Signed in by role, not by group; and what simplejwt registers by itself shows the tokens.
for _model in (Group, OutstandingToken, BlacklistedToken):
    admin.site.unregister(_model)


@admin.register(OutstandingToken)
class OutstandingTokenAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "expires_at", "jti")
    search_fields = ("user__username", "jti")
    list_select_related = ("user",)


@admin.register(TokenFamily)
class TokenFamilyAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "revoked_at")
    search_fields = ("user__username",)
    list_select_related = ("user",)


@admin.register(BlacklistedToken)
class BlacklistedTokenAdmin(ReadOnlyAdmin):
    list_display = ("blacklisted_at", "token")
    search_fields = ("token__user__username", "token__jti")
    list_select_related = ("token__user",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["id", "blacklisted_at"]
