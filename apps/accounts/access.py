"""What every door to an object says to those who may not pass."""

from django.http import Http404

from apps.accounts.models import User
from cts.domain.errors import DomainError


class NotFound(Http404):
    """Absent or not yours: the answer is the same, so that nobody learns which."""


def trading_check(user: User) -> None:
    """Refuse those who may only look.

    Raises:
        DomainError: `read_only`.
    """
    if not user.can_trade:
        raise DomainError("read_only", "Your role lets you look, not act; ask an administrator for the trader role")
