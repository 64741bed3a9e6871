"""What a venue must have been told before the first entry on a symbol: position mode, margin mode, leverage."""

import threading
from weakref import WeakKeyDictionary

from apps.exchanges.connectors.base import Connector
from apps.exchanges.models import Connection
from cts.domain.errors import DomainError, Rejected
from cts.domain.types import MarginMode, PositionMode

# By connector: new keys mean a new connector, and perhaps another account.
_prepared: WeakKeyDictionary[Connector, set[tuple[object, ...]]] = WeakKeyDictionary()
_lock = threading.Lock()


def venue_prepare(connection: Connection, *, connector: Connector, symbol: str) -> None:
    """Once per process and symbol, and again after a change of the connection's settings.

    Raises:
        DomainError: `venue_setup`, the venue refuses, so that no order may go out under other terms than ours.
        ExchangeError: the venue can't be asked now.
    """
    key = (
        symbol,
        connection.leverage,
        connection.margin_mode,
        connection.position_mode,
    )
    with _lock:
        if key in _prepared.get(connector, ()):
            return
    try:
        _position_mode_set(connection, connector)
        margin_mode = MarginMode(connection.margin_mode)
        connector.set_margin_mode(symbol, margin_mode=margin_mode, leverage=connection.leverage)
        connector.set_leverage(symbol, leverage=connection.leverage, margin_mode=margin_mode)
    except Rejected as error:
        raise DomainError(
            "venue_setup", f"The venue refuses leverage {connection.leverage} or its mode: {error}"
        ) from error
    with _lock:
        _prepared.setdefault(connector, set()).add(key)


def _position_mode_set(connection: Connection, connector: Connector) -> None:
    wanted = PositionMode(connection.position_mode)
    if connector.position_mode() is not wanted:
        connector.set_position_mode(wanted)
        if connector.position_mode() is not wanted:
            raise DomainError("venue_setup", f"The venue did not take the {wanted} position mode")
