"""What a venue must have been told before the first entry on a symbol: position mode, margin mode, leverage."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from apps.exchanges.connectors.base import Connector
from apps.exchanges.connectors.spec import Capability
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
    account_prepare(connection, connector=connector, symbol=symbol)
    leg = (symbol, connection.leverage, *_account(connection))
    if not _is_done(connector, leg):
        with _refusals_named(f"leverage {connection.leverage} or its mode"):
            _symbol_prepare(connection, connector=connector, symbol=symbol)
        _done(connector, leg)


def account_prepare(connection: Connection, *, connector: Connector, symbol: str) -> None:
    """The part of `venue_prepare` that holds for the whole account; `symbol` is any of its own.

    Raises:
        DomainError: `venue_setup`.
        ExchangeError: the venue can't be asked now.
    """
    account = _account(connection)
    if not _is_done(connector, account):
        with _refusals_named("the position or margin mode"):
            _account_prepare(connection, connector=connector, symbol=symbol)
        _done(connector, account)


def venue_is_prepared(connection: Connection, *, connector: Connector, symbol: str) -> bool:
    """Whether `venue_prepare` would ask nothing any more."""
    account = _account(connection)
    return _is_done(connector, account) and _is_done(connector, (symbol, connection.leverage, *account))


def _account(connection: Connection) -> tuple[object, ...]:
    return connection.margin_mode, connection.position_mode


@contextmanager
def _refusals_named(what: str) -> Iterator[None]:
    try:
        yield
    except Rejected as error:
        raise DomainError("venue_setup", f"The venue refuses {what}: {error}") from error


def _is_done(connector: Connector, what: tuple[object, ...]) -> bool:
    with _lock:
        return what in _prepared.get(connector, ())


def _done(connector: Connector, what: tuple[object, ...]) -> None:
    with _lock:
        _prepared.setdefault(connector, set()).add(what)


def _account_prepare(connection: Connection, *, connector: Connector, symbol: str) -> None:
    """What holds for every symbol; venues meter these calls tightly."""
    _position_mode_set(connection, connector)
    if not connector.spec.can(Capability.MARGIN_MODE_PER_SYMBOL):
        _margin_mode_set(connection, connector, symbol)


def _symbol_prepare(connection: Connection, *, connector: Connector, symbol: str) -> None:
    if connector.spec.can(Capability.MARGIN_MODE_PER_SYMBOL):
        _margin_mode_set(connection, connector, symbol)
    connector.set_leverage(symbol, leverage=connection.leverage, margin_mode=MarginMode(connection.margin_mode))


def _margin_mode_set(connection: Connection, connector: Connector, symbol: str) -> None:
    mode = MarginMode(connection.margin_mode)
    connector.set_margin_mode(symbol, margin_mode=mode, leverage=connection.leverage)


def _position_mode_set(connection: Connection, connector: Connector) -> None:
    wanted = PositionMode(connection.position_mode)
    if connector.position_mode() is not wanted:
        connector.set_position_mode(wanted)
        if connector.position_mode() is not wanted:
            raise DomainError("venue_setup", f"The venue did not take the {wanted} position mode")
