"""Writes of accounts: registration, sign-in, roles, and the audit record everyone keeps through here."""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from apps.accounts.models import AuditEntry, Role, Theme, User
from cts.domain.errors import DomainError
from cts.rates import rate_usage
from cts.realtime import push_on_commit

log = logging.getLogger(__name__)
# Failures count against the name, attempts against the address: many at once can't outrun the first, and a shared
# address can't be locked by its own honest users.
FAILURES_PER_NAME = "10/5m"
ATTEMPTS_PER_ADDRESS = "60/5m"
REGISTRATIONS_PER_ADDRESS = "20/1h"


def audit_record(
    *,
    user: User | None,
    action: str,
    entity: str = "",
    entity_id: object = "",
    detail: dict[str, Any] | None = None,
    address: str | None = None,
    actor: str = "",
) -> AuditEntry:
    """Keep who did what. `actor` names the process where no person acted. `detail` must hold no secret."""
    return AuditEntry.objects.create(
        user=user,
        actor=actor or (user.get_username() if user else "system"),
        action=action,
        entity=entity,
        entity_id=str(entity_id),
        detail=detail or {},
        address=address,
    )


def user_register(
    *, username: str, password: str, email: str = "", role: Role = Role.TRADER, address: str | None = None
) -> User:
    """Open an account. Whether strangers may is the caller's question: see `registration_check`."""
    username = User.normalize_username(username.strip())
    user = User(username=username, email=email.strip().lower(), role=role)
    _name_check(username)
    if user.email:
        _checked("email", validate_email, user.email)
    _checked("password", validate_password, password, user)
    user.set_password(password)
    user.is_staff = user.is_superuser = role == Role.ADMINISTRATOR
    try:
        with transaction.atomic():
            user.save()
            audit_record(user=user, action="user.registered", entity="user", entity_id=user.pk, address=address)
    except IntegrityError:
        raise _name_taken() from None
    return user


def registration_check(*, address: str | None) -> None:
    """Whether a stranger may open an account now.

    Raises:
        DomainError: `registration_closed` or `too_many_attempts`.
    """
    if not settings.REGISTRATION_OPEN:
        raise DomainError("registration_closed", "Registration is closed; ask an administrator for an account")
    usage = rate_usage("register", address or "unknown", rate=REGISTRATIONS_PER_ADDRESS, is_counted=True)
    if usage.is_exceeded:
        raise _too_many(usage.left_s)


def user_sign_in(*, username: str, password: str, address: str | None) -> User:
    """The person behind name and password, at a bounded rate of guesses.

    Raises:
        DomainError: `too_many_attempts` or `sign_in_failed`.
    """
    name = User.normalize_username(username.strip())
    attempts = rate_usage("sign_in.address", address or "unknown", rate=ATTEMPTS_PER_ADDRESS, is_counted=True)
    failures = rate_usage("sign_in.name", name.casefold(), rate=FAILURES_PER_NAME, is_counted=False)
    if attempts.is_exceeded or failures.is_spent:
        raise _too_many(
            max(attempts.left_s if attempts.is_exceeded else 0, failures.left_s if failures.is_spent else 0)
        )
    user = authenticate(username=name, password=password)
    if not isinstance(user, User):
        rate_usage("sign_in.name", name.casefold(), rate=FAILURES_PER_NAME, is_counted=True)
        audit_record(user=None, actor=name[:150] or "nobody", action="user.sign_in_failed", address=address)
        raise DomainError("sign_in_failed", "Name or password is wrong")
    audit_record(user=user, action="user.signed_in", entity="user", entity_id=user.pk, address=address)
    return user


@transaction.atomic
def user_sign_out(user: User, *, address: str | None) -> None:
    """Keep it, and have the sockets of sessions that are gone closed. The session itself is the view's to end."""
    audit_record(user=user, action="user.signed_out", entity="user", entity_id=user.pk, address=address)
    account_changed(user)


@transaction.atomic
def user_update(user: User, *, changes: dict[str, Any]) -> User:
    """Change what is a person's own to change."""
    allowed = {"theme", "email", "first_name", "last_name"}
    if unknown := set(changes) - allowed:
        raise DomainError("unknown_field", "This can't be changed here", field=min(unknown))
    if "theme" in changes and changes["theme"] not in Theme.values:
        raise DomainError("invalid_choice", f"Choose one of {', '.join(Theme.values)}", field="theme")
    if changes.get("email"):
        _checked("email", validate_email, changes["email"])
    for name, value in changes.items():
        setattr(user, name, value)
    user.save(update_fields=sorted(changes))
    audit_record(user=user, action="user.updated", entity="user", entity_id=user.pk, detail={"fields": sorted(changes)})
    return user


@transaction.atomic
def user_role_set(user: User, *, role: Role, by: User) -> User:
    user.role = role
    user.is_staff = user.is_superuser = role == Role.ADMINISTRATOR
    user.save(update_fields=["role", "is_staff", "is_superuser"])
    audit_record(user=by, action="user.role_set", entity="user", entity_id=user.pk, detail={"role": str(role)})
    account_changed(user)
    return user


@transaction.atomic
def user_active_set(user: User, *, is_active: bool, by: User) -> User:
    """Let someone in again, or out at once: their sockets close, their sessions and tokens stop working."""
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    action = "user.activated" if is_active else "user.deactivated"
    audit_record(user=by, action=action, entity="user", entity_id=user.pk)
    account_changed(user)
    return user


def account_changed(user: User) -> None:
    """Have every socket of this person ask again whether it may stay."""
    push_on_commit(f"account.{user.pk}", {"type": "account_changed"})


def _name_check(username: str) -> None:
    if not username:
        raise DomainError("required", "Choose a name", field="username")
    _checked("username", UnicodeUsernameValidator(), username)
    if len(username) > 150:
        raise DomainError("max_length", "At most 150 characters", field="username")
    # Two names that differ in case alone would be told apart by machines only.
    if User.objects.filter(username__iexact=username).exists():
        raise _name_taken()


def _checked(field: str, validator: Any, *values: Any) -> None:
    try:
        validator(*values)
    except ValidationError as error:
        raise DomainError("invalid", " ".join(error.messages), field=field) from None


def _name_taken() -> DomainError:
    return DomainError("name_taken", "This name is taken", field="username")


def _too_many(left_s: int) -> DomainError:
    return DomainError("too_many_attempts", f"Too many attempts; try again in {left_s} s")
