"""Who may do what over the API, before any object is looked at."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from apps.accounts.access import trading_check
from apps.accounts.models import User

if TYPE_CHECKING:
    from rest_framework.views import APIView


class ViewersOnlyRead(BasePermission):
    """Signed in to read, a trader to act. The default of every endpoint; wider ones say so themselves."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.user, User):
            return False
        if request.method not in SAFE_METHODS:
            trading_check(request.user)
        return True


def caller(request: Request) -> User:
    """Who asks; the permission has made sure that somebody does."""
    assert isinstance(request.user, User)
    return request.user
