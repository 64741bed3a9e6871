"""OrangeX's book channel: changes alone, numbered one by one, with prices padded as the lists don't pad them."""

from decimal import Decimal
from typing import TYPE_CHECKING

from apps.exchanges.paper.orangex.rows import NAMES, RULES, Row
from cts.domain.matching.book import ladder
from cts.domain.types import Side
from cts.domain.units import decimal_text as text

if TYPE_CHECKING:
    from apps.exchanges.paper.orangex.face import OrangeXFace

FIRST_VERSION = 265_434_817
TAKERS = {"bids": Side.SELL, "asks": Side.BUY}
Levels = dict[str, dict[Decimal, Decimal]]


class Books:
    """Each book as it was last told, and its number."""

    def __init__(self, face: "OrangeXFace") -> None:
        self._face = face
        self._levels: dict[str, Levels] = {}
        self._versions: dict[str, int] = {}

    def snapshot(self, symbol: str, *, depth: int) -> Row:
        """The book the changes lead to; brought up to date here only while nobody follows it."""
        if symbol not in self._levels or not self._face.topics.get(channel(symbol)):
            self.changes(symbol)
        levels = self._levels[symbol]
        return {
            **{name: [[text(p), text(q)] for p, q in list(levels[name].items())[:depth]] for name in TAKERS},
            "timestamp": str(self._face.market.quotes[symbol].at_ms),
            "instrument_name": NAMES[symbol],
            "version": self._versions[symbol],
        }

    def changes(self, symbol: str) -> Row | None:
        """What a follower lacks; None where nothing moved."""
        rules, quote = RULES[symbol], self._face.market.quotes[symbol]
        before = self._levels.get(symbol, {name: {} for name in TAKERS})
        now: Levels = {
            name: {level.price: level.quantity for level in ladder(quote, rules=rules, taker=taker)}
            for name, taker in TAKERS.items()
        }
        told = {name: _told(before[name], now[name], tick=rules.tick_size, step=rules.lot_step) for name in TAKERS}
        self._levels[symbol] = now
        if symbol in self._versions and not any(told.values()):
            return None
        self._versions[symbol] = self._versions.get(symbol, FIRST_VERSION) + 1
        return {
            "timestamp": quote.at_ms,
            "change_id": self._versions[symbol],
            **told,
            "instrument_name": NAMES[symbol],
        }


def channel(symbol: str) -> str:
    return f"book.{NAMES[symbol]}.raw"


def _told(
    before: dict[Decimal, Decimal], now: dict[Decimal, Decimal], *, tick: Decimal, step: Decimal
) -> list[list[str]]:
    fresh = [["new", str(p.quantize(tick)), str(q.quantize(step))] for p, q in now.items() if before.get(p) != q]
    return fresh + [["delete", str(p.quantize(tick)), "0"] for p in before if p not in now]
