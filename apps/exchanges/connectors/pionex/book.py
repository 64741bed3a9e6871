"""The order book of one symbol, kept from a whole picture and the changes after it."""

from decimal import Decimal, InvalidOperation
from typing import Any

from apps.exchanges.connectors.parsing import HUGE, ZERO, Reader, Row

Levels = dict[Decimal, Decimal]


class Book:
    """Changes carry the number of the one before: one that is missing makes all of it worthless."""

    def __init__(self, read: Reader) -> None:
        self._read = read
        self._number = -1
        self.bids: Levels = {}
        self.asks: Levels = {}
        self.is_whole = False

    def apply(self, data: Row) -> bool:
        """False where the book can't be trusted any more, until the next whole picture."""
        number = self._read.integer(data, "number")
        if data.get("action") == "SNAPSHOT":
            self.bids, self.asks, self.is_whole = {}, {}, True
        elif not self.is_whole or self._read.integer(data, "prevNumber") != self._number:
            self.is_whole = False
            return False
        self._number = number
        try:
            self._change(self.bids, data, "bids")
            self._change(self.asks, data, "asks")
        except Exception:
            self.is_whole = False
            raise
        return True

    def _change(self, side: Levels, data: Row, field: str) -> None:
        changes: Any = data.get(field) or ()
        try:
            for raw_price, raw_size in changes:
                price, size = Decimal(raw_price), Decimal(raw_size)
                if not (ZERO < price < HUGE and ZERO <= size < HUGE):
                    self._read.refuse(field, raw_price)
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)
        except (TypeError, ValueError, InvalidOperation):
            self._read.refuse(field, changes)

    def best_bid(self) -> Decimal | None:
        return max(self.bids, default=None) if self.is_whole else None

    def best_ask(self) -> Decimal | None:
        return min(self.asks, default=None) if self.is_whole else None
