"""Closing by hand: the manager's way, and an audit entry of who asked for it."""

from apps.accounts.access import trading_check
from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.exchanges.factory import connector_for
from apps.exchanges.models import Connection
from apps.positions.closing import CloseOutcome
from apps.positions.manager import PositionManager
from apps.positions.models import Position

REASON = "manual"


def manual_position_close(position: Position, *, user: User, address: str | None = None) -> CloseOutcome:
    trading_check(user)
    audit_record(user=user, action="position.close_asked", entity="position", entity_id=position.pk, address=address)
    return PositionManager().close_now(position, reason=REASON, connector=connector_for(position.connection))


def manual_positions_close(
    connection: Connection, *, user: User, is_profitable_only: bool = False, address: str | None = None
) -> list[CloseOutcome]:
    """Every position of the connection, or those in profit at this moment."""
    trading_check(user)
    action = "positions.close_profitable_asked" if is_profitable_only else "positions.close_all_asked"
    audit_record(user=user, action=action, entity="connection", entity_id=connection.pk, address=address)
    manager = PositionManager()
    close = manager.close_profitable if is_profitable_only else manager.close_all
    return close(connection, reason=REASON, connector=connector_for(connection))
