"""Reads of accounts."""

from django.contrib.sessions.backends.db import SessionStore
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import AuditEntry, User


def user_row(user: User) -> dict[str, object]:
    """What a person is told of oneself."""
    return {
        "id": user.pk,
        "username": user.get_username(),
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": user.role,
        "can_trade": user.can_trade,
        "theme": user.theme,
    }


def user_is_welcome(user_id: int) -> bool:
    return User.objects.filter(pk=user_id, is_active=True).exists()


def session_is_live(session_key: str) -> bool:
    """Whether this session is still signed in: not ended by its owner, not run out."""
    return (
        SessionStore()
        .get_model_class()
        .objects.filter(session_key=session_key, expire_date__gt=timezone.now())
        .exists()
    )


def audit_entries_for(user: User) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(user=user)
