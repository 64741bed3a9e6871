"""The limits of portfolios, as orders ask for them."""

from collections.abc import Sequence

from django.db.models import Q
from django.utils import timezone

from apps.orders.groups import GroupQuestion
from apps.portfolios.models import LIMIT_FIELDS, Portfolio
from apps.portfolios.standing import standing
from cts.domain.portfolio import GroupLimits, group_checks
from cts.domain.risk import Check


class PortfolioGuard:
    """The `Groups` orders ask."""

    def of(self, connection_id: int) -> tuple[int, ...]:
        limited = Q(*((f"{name}__isnull", False) for name in LIMIT_FIELDS), _connector=Q.OR)
        rows = Portfolio.objects.filter(limited, connections=connection_id)
        return tuple(rows.order_by("pk").values_list("pk", flat=True))

    def checks(self, ids: Sequence[int], question: GroupQuestion) -> list[Check]:
        """Held in the order of their numbers, after the connection: whoever changes one takes the connections first."""
        now, connection = timezone.now(), question.connection
        prices = {(connection.venue, symbol): price for symbol, price in question.prices.items()}
        found: list[Check] = []
        for portfolio in Portfolio.objects.select_for_update().filter(pk__in=ids).order_by("pk"):
            facts = standing(portfolio, now=now, prices=prices).facts(
                portfolio, symbol=question.symbol, side=question.side
            )
            found += group_checks(
                facts, limits=limits_of(portfolio), notional=question.notional, symbol=question.symbol
            )
        return found


def limits_of(portfolio: Portfolio) -> GroupLimits:
    return GroupLimits(**{name: getattr(portfolio, name) for name in LIMIT_FIELDS})
