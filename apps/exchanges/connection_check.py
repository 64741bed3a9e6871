"""The test of a connection, line by line, over the real connector. Reads and settings only: it never trades."""

import time
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from apps.exchanges.catalog import instruments_sync
from apps.exchanges.connectors.base import Connector
from apps.exchanges.connectors.spec import Capability
from apps.exchanges.factory import connector_for
from apps.exchanges.models import Connection
from apps.exchanges.selectors import spec_for
from apps.exchanges.symbols import connection_symbols
from cts.db import iso
from cts.domain.errors import AuthFailed, DomainError, ExchangeError
from cts.domain.types import Balance, MarginMode, Market, PositionMode
from cts.domain.units import decimal_text

CLOCK_BOUND_MS = 5000


class _Refused(Exception):
    """A step whose answer was understood and isn't good enough."""


class _Check:
    """Runs steps and writes a line for each; `is_ok` once all have passed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.connector: Connector
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
        self.connector = connector_for(self.connection)
        asked_ms = time.time() * 1000
        server_ms = self.connector.server_time_ms()
        answered_ms = time.time() * 1000
        self._offset_ms = round(server_ms - (asked_ms + answered_ms) / 2)
        return f"{spec_for(self.connection.exchange, self.connection.market).label} answered in {answered_ms - asked_ms:.0f} ms"

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
        if not self._can(Capability.POSITION_MODE_SET):
            raise _Refused(f"The account is in {found} mode; change it on the venue's page to {wanted}")
        self.connector.set_position_mode(wanted)
        if self.connector.position_mode() is not wanted:
            raise _Refused(f"The venue took the change to {wanted} but still says {found}")
        return f"Changed from {found.replace('_', '-')} to {wanted.replace('_', '-')} mode"

    def leverage(self) -> str:
        symbols = connection_symbols(self.connection)
        if not symbols:
            raise _Refused("No symbol is chosen; choose one first")
        mode, leverage = MarginMode(self.connection.margin_mode), self.connection.leverage
        self.connector.set_margin_mode(symbols[0], margin_mode=mode, leverage=leverage)
        self.connector.set_leverage(symbols[0], leverage=leverage, margin_mode=mode)
        return f"{leverage}x {mode} on {symbols[0]}"

    def permissions(self) -> str:
        read = f"Orders can be read ({len(self.connector.open_orders())} open)"
        if not self._can(Capability.KEY_RIGHTS):
            return f"{read}. Keep withdrawal switched off for this key"
        rights = self.connector.key_rights()
        if rights.can_trade is False:
            raise _Refused("This key may not trade this market; allow it on the venue's page")
        if rights.can_withdraw:
            return f"{read}. This key may WITHDRAW: make another that may not"
        return f"{read}. Keep withdrawal switched off for this key" if rights.can_withdraw is None else read

    def _can(self, capability: Capability) -> bool:
        return spec_for(self.connection.exchange, self.connection.market).can(capability)


def connection_check(connection: Connection) -> tuple[bool, list[dict[str, Any]]]:
    """Whether all is well, and the lines. Without a road to the venue or a good key the later steps make no sense."""
    check = _Check(connection)
    if check.step("Reach the venue", check.reach):
        check.step("Compare clocks", check.clock)
        check.step("List instruments", check.instruments)
        if check.step("Check the key", check.key):
            check.step("Read the balance", check.balance)
            if connection.market == Market.LINEAR:
                check.step("Position mode", check.position_mode)
                check.step("Leverage", check.leverage)
            check.step("Permissions", check.permissions)
    return check.is_ok, check.lines


def _said(balance: Balance) -> str:
    return f"{decimal_text(balance.total)} {balance.asset} ({decimal_text(balance.available)} free)"
