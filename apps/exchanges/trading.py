"""Whether a connection may trade at all, asked by whoever arms it, starts its engine or makes an order."""

from apps.exchanges.models import Connection
from cts.domain.errors import DomainError
from cts.domain.types import Market


def market_check(connection: Connection) -> None:
    """Positions, stops and limits are reckoned on perpetuals; what is bought on spot is a holding, not a position.

    Raises:
        DomainError: `spot_is_watched`.
    """
    if connection.market == Market.SPOT:
        raise DomainError(
            "spot_is_watched",
            "A spot account is watched: its prices, balance and orders are shown, and nothing is traded on it. Use a "
            "connection to the venue's perpetuals to trade",
        )
