"""OrangeX's positions, asked for in two ways: one of its calls has been seen to tell nothing although there was one."""

import logging
from abc import ABC
from decimal import Decimal

from apps.exchanges.connectors.orangex import spec as calls
from apps.exchanges.connectors.orangex.orders import PAGE, OrangeXOrders
from apps.exchanges.connectors.orangex.words import PERPETUAL
from apps.exchanges.connectors.parsing import Row
from cts.domain.errors import Unavailable

log = logging.getLogger("cts.exchanges.orangex")
_MARGINS = ("total_initial_margin_cross", "total_initial_margin_isolated")
Legs = dict[tuple[str, str], Row]


class OrangeXPositions(OrangeXOrders, ABC):
    def assets(self) -> Row:
        return self.read.mapping(self.result(calls.BALANCES, {"asset_type": [self.currency]}), self.currency)

    def position_rows(self) -> list[Row]:
        """What is held, by the list and by each symbol that is in it or was traded from here.

        Raises:
            Unavailable: neither tells of any, yet there is margin in use.
        """
        listed = self._held(self.rows(calls.POSITIONS, {"currency": PERPETUAL, "kind": "perpetual"}))
        names = {name for name, _ in listed} | {self.venue_symbol(symbol) for symbol in self._traded_here()}
        legs = listed | self._asked(sorted(names), listed)
        if legs or not self._is_margin_used():
            return list(legs.values())
        traded = self.result(calls.FILLS_ALL, {"currency": PERPETUAL, "count": PAGE})
        names = {self.read.text(row, "instrument_name") for row in self.read.rows(traded, "trades")}
        legs = self._asked(sorted(names), {})
        if not legs:
            raise Unavailable("OrangeX tells of no position but holds margin for one", exchange=self.spec.name)
        return list(legs.values())

    def _traded_here(self) -> list[str]:
        """One memory serves both markets of an account."""
        return [symbol for symbol in self.placed.symbols if symbol.endswith(self.spec.suffix)]

    def _asked(self, names: list[str], listed: Legs) -> Legs:
        found: Legs = {}
        for name in names:
            asked = self._held(self.rows(calls.POSITION, {"instrument_name": name}))
            told = {key: row for key, row in listed.items() if key[0] == name}
            if {key: self._size(row) for key, row in asked.items()} != {k: self._size(row) for k, row in told.items()}:
                log.warning("OrangeX's two answers about the position in %s differ", name)
            found |= asked
        return found

    def _held(self, rows: list[Row]) -> Legs:
        return {
            (row["instrument_name"], self.read.text_or_empty(row, "position_side")): row
            for row in rows
            if self._size(row)
        }

    def _size(self, row: Row) -> Decimal:
        return self.read.signed(row, "size")

    def _is_margin_used(self) -> bool:
        assets = self.assets()
        return any(self.read.signed(assets, name) for name in _MARGINS)
