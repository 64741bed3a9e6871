"""What orders must know of the portfolios a connection is in, which live layers above: they bring it, as positions do."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from apps.exchanges.models import Connection
from cts.domain.risk import Check
from cts.domain.types import PositionSide


class GroupQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """An entry about to be made, and what is known of its own connection: the rest is looked up."""

    connection: Connection
    symbol: str
    side: PositionSide
    notional: Decimal
    prices: dict[str, Decimal]


class Groups(Protocol):
    def of(self, connection_id: int) -> tuple[int, ...]:
        """Ids of those with limits."""
        ...

    def checks(self, ids: Sequence[int], question: GroupQuestion) -> list[Check]:
        """With the groups held until the transaction ends, so that of many at once none gets past a limit."""
        ...


class _NoGroups:
    def of(self, connection_id: int) -> tuple[int, ...]:
        return ()

    def checks(self, ids: Sequence[int], question: GroupQuestion) -> list[Check]:
        return []


_groups: list[Groups] = [_NoGroups()]


def groups_register(groups: Groups) -> None:
    """Called once, when the app of portfolios is ready."""
    _groups[:] = [groups]


def groups() -> Groups:
    return _groups[0]
