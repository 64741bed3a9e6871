"""What every page is given: who looks, the addresses its scripts need, and the connections' names. Reads only."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.models import User
from apps.exchanges.offers import venues_told


def page_user(request: HttpRequest) -> User:
    """The signed-in user; every page is behind `login_required`."""
    assert isinstance(request.user, User)
    return request.user


def page_context(request: HttpRequest, *, section: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """Context of a page in the shell. `data` reaches its script as `app.page`."""
    user = page_user(request)
    addresses = {
        "live_url": reverse("live"),
        "connection_url": reverse("connections"),
        "story_url": reverse("positions"),
        "venues": venues_told(),
    }
    return {
        "section": section,
        "page_data": {
            "user": {"id": user.pk, "role": user.role, "can_trade": user.can_trade},
            "page": addresses | (data or {}),
        },
    }
