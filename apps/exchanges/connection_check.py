"""The test of a connection, line by line, over the real connector. Reads and settings only: it never trades."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from apps.exchanges.catalog import instruments_sync
from apps.exchanges.connectors.base import Connector, Credentials
from apps.exchanges.connectors.registry import connector_create
from apps.exchanges.connectors.spec import Capability
from apps.exchanges.factory import connector_for, shared_limiter, target_for
from apps.exchanges.models import Connection
from apps.exchanges.symbols import connection_symbols
from cts.db import iso
from cts.domain.errors import AuthFailed, DomainError, ExchangeError
from cts.domain.types import Balance, MarginMode, PositionMode
from cts.domain.units import decimal_text

CLOCK_BOUND_MS = 5000


class _Refused(Exception):
    """A step whose answer was understood and isn't good enough."""


class _Check:
    """Runs steps and writes a line for each; `is_ok` once all have passed."""

    def __init__(self, connection: Connection, connect: Callable[[], Connector]) -> None:
        self.connection = connection
        self.connector: Connector
        self._connect = connect
        self.lines: list[dict[str, Any]] = []

    @property
    def is_ok(self) -> bool:
        return all(line["is_ok"] for line in self.lines)

    def step(self, name: str, work: Callable[[], str]) -> bool:
        at, started = timezone.now(), time.monotonic()
        try:
            is_ok, detail = True, work()
        except AuthFailed as error:
            is_ok, detail = False, f"The key was refused: {error}"
        except (ExchangeError, DomainError, _Refused) as error:
            is_ok, detail = False, str(error)
        elapsed_ms = round((time.monotonic() - started) * 1000)
        self.lines.append({"at": iso(at), "step": name, "is_ok": is_ok, "detail": detail, "elapsed_ms": elapsed_ms})
        return is_ok

    def reach(self) -> str:
        self.connector = self._connect()
        asked_ms = time.time() * 1000
        server_ms = self.connector.server_time_ms()
        answered_ms = time.time() * 1000
        self._offset_ms = round(server_ms - (asked_ms + answered_ms) / 2)
        return f"{self.connector.spec.label} answered in {answered_ms - asked_ms:.0f} ms"

    def clock(self) -> str:
        said = f"The venue's clock is {abs(self._offset_ms)} ms {'ahead of' if self._offset_ms >= 0 else 'behind'} ours"
        if abs(self._offset_ms) > CLOCK_BOUND_MS:
            raise _Refused(f"{said}; more than {CLOCK_BOUND_MS} ms: set this machine's clock")
        return said

    def key(self) -> str:
        self._balances = self.connector.balances()
        return f"Key …{self.connection.key_hint} was accepted"

    def balance(self) -> str:
        held = [balance for balance in self._balances if balance.total]
        return ", ".join(map(_said, held)) or "The account is empty"

    def instruments(self) -> str:
        exchange, environment, market = self.connection.venue
        count = instruments_sync(exchange=exchange, environment=environment, market=market)
        return f"{count.listed} symbols are listed"

    def position_mode(self) -> str:
        wanted = PositionMode(self.connection.position_mode)
        found = self.connector.position_mode()
        if found is wanted:
            return f"{wanted.replace('_', '-')} mode, as wanted"
        if not self.connector.spec.can(Capability.POSITION_MODE_SET):
            raise _Refused(f"The account is in {found} mode; change it on the venue's page to {wanted}")
        self.connector.set_position_mode(wanted)
        if self.connector.position_mode() is not wanted:
            raise _Refused(f"The venue took the change to {wanted} but still says {found}")
        return f"Changed from {found.replace('_', '-')} to {wanted.replace('_', '-')} mode"

    def leverage(self) -> str:
        symbol = self._symbol()
        mode, leverage = MarginMode(self.connection.margin_mode), self.connection.leverage
        self.connector.set_margin_mode(symbol, margin_mode=mode, leverage=leverage)
        self.connector.set_leverage(symbol, leverage=leverage, margin_mode=mode)
        return f"{leverage}x {mode} on {symbol}"

    def rights(self) -> str:
        rights = self.connector.key_rights()
        if rights.can_withdraw:
            raise _Refused("This key may withdraw. Make one that may trade and may not withdraw, and delete this one")
        if rights.can_trade is False:
            raise _Refused("This key may only read. Allow it to trade, on the venue's page")
        said = ["It may trade and may not withdraw" if rights.can_trade else "It may not withdraw"]
        if rights.is_address_bound is False:
            said.append("bind it to the address of this machine, on the venue's page")
        if rights.expires_ms is not None:
            said.append(f"it ends on {datetime.fromtimestamp(rights.expires_ms / 1000, UTC):%Y-%m-%d}")
        return "; ".join(said)

    def orders(self) -> str:
        count = len(self.connector.open_orders())
        said = f"Orders can be read ({count} open)"
        # Where the venue doesn't tell what a key may do, only its owner can make sure.
        is_told = self.connector.spec.can(Capability.KEY_RIGHTS)
        return said if is_told else f"{said}. Keep withdrawal switched off for this key"

    def prices(self) -> str:
        symbol = self._symbol()
        (ticker,) = self.connector.tickers([symbol])
        candles = self.connector.candles(symbol, timeframe_s=60, limit=3)
        return f"{symbol} last traded at {decimal_text(ticker.last)}; {len(candles)} candles were told"

    def history(self) -> str:
        symbol = self._symbol()
        return f"Fills can be read ({len(self.connector.fills(symbol))} of {symbol} lately)"

    def legs(self) -> str:
        legs = self.connector.positions()
        return ", ".join(f"{leg.side} {decimal_text(leg.quantity)} {leg.symbol}" for leg in legs) or "None are held"

    def mode_told(self) -> str:
        return f"The account is in {self.connector.position_mode().replace('_', '-')} mode"

    def _symbol(self) -> str:
        symbols = connection_symbols(self.connection)
        if not symbols:
            raise _Refused("No symbol is chosen; choose one first")
        return symbols[0]


def connection_check(connection: Connection, *, is_read_only: bool = False) -> tuple[bool, list[dict[str, Any]]]:
    """Whether all is well, and the lines. Without a road to the venue or a good key the later steps make no sense.

    Read-only, nothing on the account is touched: modes and leverage are told instead of set.
    """
    check = _Check(connection, lambda: connector_for(connection))
    _go(check, has_key=True, is_read_only=is_read_only)
    return check.is_ok, check.lines


def connection_try(connection: Connection, *, credentials: Credentials | None) -> tuple[bool, list[dict[str, Any]]]:
    """The read-only check of a connection that isn't stored; without keys, as far as the public goes."""

    def connect() -> Connector:
        target = target_for(connection.environment, connection.market, position_mode=connection.position_mode)
        return connector_create(connection.exchange, credentials=credentials, target=target, limiter=shared_limiter())

    check = _Check(connection, connect)
    _go(check, has_key=credentials is not None, is_read_only=True)
    return check.is_ok, check.lines


def _go(check: _Check, *, has_key: bool, is_read_only: bool) -> None:
    if not check.step("Reach the venue", check.reach):
        return
    check.step("Compare clocks", check.clock)
    check.step("List instruments", check.instruments)
    if has_key and check.step("Check the key", check.key):
        for name, work in _steps(check, is_read_only=is_read_only):
            check.step(name, work)


def _steps(check: _Check, *, is_read_only: bool) -> Iterator[tuple[str, Callable[[], str]]]:
    """What follows once the key was accepted, as far as this market has it."""
    can = check.connector.spec.can
    yield "Read the balance", check.balance
    if can(Capability.KEY_RIGHTS):
        yield "Rights of the key", check.rights
    if can(Capability.LEVERAGE):
        yield "Position mode", check.mode_told if is_read_only else check.position_mode
    if can(Capability.LEVERAGE) and not is_read_only:
        yield "Leverage", check.leverage
    if is_read_only:
        yield "Prices", check.prices
        if can(Capability.LEVERAGE):
            yield "Positions", check.legs
        yield "Fills", check.history
    yield "Orders", check.orders


def _said(balance: Balance) -> str:
    # To the cent: the exact amounts are the ledger's.
    return f"{balance.total:,.2f} {balance.asset} ({balance.available:,.2f} free)"
