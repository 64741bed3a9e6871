"""What Pionex's public topics say about a quote."""

from typing import TYPE_CHECKING

import orjson

from apps.exchanges.paper.market import perpetual_of
from apps.exchanges.paper.pionex.market import ALL_NAMES, BOOK_LEVELS, index_row, levels, trade_row
from apps.exchanges.paper.pionex.rows import Row

if TYPE_CHECKING:
    from apps.exchanges.paper.pionex.face import PionexFace

TRADE, DEPTH, BOOK, INDEX = "TRADE", "DEPTH", "ORDERBOOK", "INDEX"
DEPTH_MAX = 100


def key(topic: str, name: str, *, limit: int = 0) -> str:
    return f"{topic} {name} {limit}" if topic == DEPTH else f"{topic} {name}"


def is_of(known: str, topic: str, name: str) -> bool:
    """Whether a key is this symbol's, however deep a book was asked for."""
    return known.rpartition(" ")[0] == f"{topic} {name}" if topic == DEPTH else known == key(topic, name)


class Books:
    """The book of each symbol as its readers know it: changes are told against that, with numbers that chain."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Row]] = {}
        self._number = 13_333

    def whole(self, symbol: str, now: Row, *, has_readers: bool) -> Row:
        """Beside other readers as they know it, so that the next change fits all."""
        if symbol not in self._known or not has_readers:
            self._number += 1
            self._known[symbol] = self._number, now
        number, known = self._known[symbol]
        return {"action": "SNAPSHOT", **known, "number": number, "prevNumber": number - 1}

    def change(self, symbol: str, now: Row) -> Row | None:
        """What differs from what was told last; a level that is gone has size 0."""
        number, known = self._known[symbol]
        sides = {name: _changed(known[name], now[name]) for name in ("bids", "asks")}
        if not any(sides.values()):
            return None
        self._number += 1
        self._known[symbol] = self._number, now
        return {"action": "UPDATE", **sides, "number": self._number, "prevNumber": number}


def _changed(before: list[list[str]], now: list[list[str]]) -> list[list[str]]:
    old, new = _by_price(before), _by_price(now)
    gone = [[price, "0"] for price in old if price not in new]
    return gone + [[price, size] for price, size in new.items() if old.get(price) != size]


def _by_price(levels: list[list[str]]) -> dict[str, str]:
    return {level[0]: level[1] for level in levels}


def message(topic: str, symbol: str, data: object, *, at_ms: int) -> Row:
    return {"topic": topic, "symbol": ALL_NAMES[symbol], "timestamp": at_ms, "data": data}


def first_message(face: "PionexFace", topic: str, symbol: str, *, limit: int) -> Row | None:
    """What a new reader gets at once."""
    at_ms = face.market.quotes[symbol].at_ms
    if topic == BOOK:
        has_readers = bool(face.topics.get(key(BOOK, ALL_NAMES[symbol])))
        whole = face.books.whole(symbol, levels(face, symbol, depth=BOOK_LEVELS), has_readers=has_readers)
        return message(BOOK, symbol, whole | {"timestamp": at_ms}, at_ms=at_ms)
    if topic == DEPTH:
        return message(DEPTH, symbol, levels(face, symbol, depth=limit), at_ms=at_ms)
    if topic == INDEX:
        return message(INDEX, symbol, [index_row(face, symbol)], at_ms=at_ms)
    return None


def broadcast(face: "PionexFace", symbol: str) -> None:
    name, at_ms = ALL_NAMES[symbol], face.market.quotes[symbol].at_ms
    if face.topics.get(key(BOOK, name)):
        change = face.books.change(symbol, levels(face, symbol, depth=BOOK_LEVELS))
        if change is not None:
            body = message(BOOK, symbol, change | {"timestamp": at_ms}, at_ms=at_ms)
            face.cast(key(BOOK, name), orjson.dumps(body))
    if face.topics.get(key(TRADE, name)):
        row = trade_row(face.market.trades[perpetual_of(symbol)][-1], symbol) | {"type": "NORMAL"}
        face.cast(key(TRADE, name), orjson.dumps(message(TRADE, symbol, [row], at_ms=at_ms)))
    if face.topics.get(key(INDEX, name)):
        face.cast(key(INDEX, name), orjson.dumps(message(INDEX, symbol, [index_row(face, symbol)], at_ms=at_ms)))
    for topic in [topic for topic, readers in face.topics.items() if readers and topic.startswith(f"{DEPTH} {name} ")]:
        depth = int(topic.rpartition(" ")[2])
        face.cast(topic, orjson.dumps(message(DEPTH, symbol, levels(face, symbol, depth=depth), at_ms=at_ms)))
