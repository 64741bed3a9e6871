"""What is newest of each symbol, put together from trades, book and index: Pionex's stream has no tickers."""

import time
from collections.abc import Set
from decimal import Decimal

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.parsing import Reader, Row
from apps.exchanges.connectors.pionex.book import Book
from apps.exchanges.connectors.pionex.words import SIDES
from apps.exchanges.connectors.stream import tell
from cts.domain.types import Tick, Ticker
from cts.domain.venue import BookTop, Channel, Trade

# Between trades a moved quote is told too, so that a price's age says whether we hear, not whether somebody dealt.
QUOTE_TICK_S = 0.25
# Books of busy symbols stand still for ten seconds now and then, with nothing missing afterwards. One that is this old
# and doesn't hold the last price says nothing.
BOOK_STALE_S = 3.0
# How long a whole book may take to come before it is asked for again.
BOOK_WAIT_S = 5.0


class Quote(msgspec.Struct):
    symbol: str
    book: Book
    last: Decimal | None = None
    last_ms: int = 0
    bid: Decimal | None = None
    ask: Decimal | None = None
    book_at: float = 0.0
    asked_at: float = 0.0
    told_at: float = 0.0
    index: Row = {}


class QuoteBoard:
    """Used by the socket's thread alone."""

    def __init__(self, read: Reader, events: StreamEvents, *, channels: Set[Channel]) -> None:
        self._read = read
        self._events = events
        self._channels = channels
        self._quotes: dict[str, Quote] = {}

    def forget(self) -> None:
        """A new socket tells all anew."""
        self._quotes.clear()

    def quote(self, symbol: str) -> Quote:
        found = self._quotes.get(symbol)
        if found is None:
            found = self._quotes[symbol] = Quote(symbol, Book(self._read), asked_at=time.monotonic())
        return found

    # --- trades -----------------------------------------------------------------------------------------------------
    def note_trades(self, symbol: str, rows: list[Row]) -> None:
        trades = sorted((self._trade(symbol, row) for row in rows), key=lambda trade: trade.at_ms)
        if Channel.TRADES in self._channels:
            tell(self._events.on_trades, trades)
        if Channel.TICKERS not in self._channels:
            return
        quote = self.quote(symbol)
        ticks = []
        for trade in trades:
            if trade.at_ms >= quote.last_ms:
                quote.last, quote.last_ms = trade.price, trade.at_ms
                ticks.append(self._tick(quote, trade.price, at_ms=trade.at_ms))
        if ticks:
            tell(self._events.on_ticks, ticks)
            self._tell_ticker(quote, at_ms=quote.last_ms)

    def _trade(self, symbol: str, row: Row) -> Trade:
        read = self._read
        return Trade(
            symbol=symbol,
            trade_id=read.identifier(row, "tradeId"),
            price=read.positive(row, "price"),
            quantity=read.positive(row, "size"),
            side=read.choice(row, "side", SIDES),
            at_ms=read.integer(row, "timestamp"),
        )

    # --- book -------------------------------------------------------------------------------------------------------
    def note_book(self, symbol: str, data: Row, *, at_ms: int) -> bool:
        """False where the book has to be asked for anew: changes are missing, and the whole of it is not on its way."""
        quote = self.quote(symbol)
        is_whole = quote.book.apply(data)
        before = quote.bid, quote.ask
        quote.bid, quote.ask = quote.book.best_bid(), quote.book.best_ask()
        quote.book_at = time.monotonic()
        if not is_whole:
            is_awaited = quote.book_at - quote.asked_at < BOOK_WAIT_S
            quote.asked_at = quote.asked_at if is_awaited else quote.book_at
            return is_awaited
        if Channel.BOOK_TOP in self._channels:
            tell(self._events.on_book_top, _top(quote, at_ms=at_ms))
        if Channel.TICKERS in self._channels and before != (quote.bid, quote.ask):
            self._tell_moved(quote, at_ms=at_ms)
        return True

    def _tell_moved(self, quote: Quote, *, at_ms: int) -> None:
        """A last price the quotes have left behind is not repeated: the trade that moved them is on its way."""
        last, bid, ask = quote.last, quote.bid, quote.ask
        if last is None or bid is None or ask is None or not bid <= last <= ask:
            return
        if quote.book_at - quote.told_at >= QUOTE_TICK_S:
            tell(self._events.on_ticks, [self._tick(quote, last, at_ms=max(at_ms, quote.last_ms))])

    # --- index ------------------------------------------------------------------------------------------------------
    def note_index(self, symbol: str, row: Row, *, at_ms: int) -> None:
        quote = self.quote(symbol)
        quote.index = row
        self._tell_ticker(quote, at_ms=at_ms)

    def _tell_ticker(self, quote: Quote, *, at_ms: int) -> None:
        if quote.last is None:
            return
        read, index = self._read, quote.index
        bid, ask = self._sides(quote)
        ticker = Ticker(
            symbol=quote.symbol,
            last=quote.last,
            bid=bid,
            ask=ask,
            mark=read.positive_or_none(index, "markPrice"),
            index=read.positive_or_none(index, "indexPrice"),
            funding_rate=read.signed_or_none(index, "nextFundingRate"),
            next_funding_ms=read.integer_or_none(index, "nextFundingTime"),
            at_ms=at_ms,
        )
        tell(self._events.on_tickers, [ticker])

    def _sides(self, quote: Quote) -> tuple[Decimal | None, Decimal | None]:
        last, bid, ask = quote.last, quote.bid, quote.ask
        if last is None or bid is None or ask is None:
            return bid, ask
        is_left_behind = not bid <= last <= ask and time.monotonic() - quote.book_at > BOOK_STALE_S
        return (None, None) if is_left_behind else (bid, ask)

    def _tick(self, quote: Quote, price: Decimal, *, at_ms: int) -> Tick:
        quote.told_at = time.monotonic()
        last = float(price)
        bid, ask = self._sides(quote)
        bid_price = last if bid is None else float(bid)
        ask_price = last if ask is None else float(ask)
        return Tick(quote.symbol, last, bid_price, ask_price, at_ms, time.monotonic_ns())


def _top(quote: Quote, *, at_ms: int) -> BookTop:
    bid, ask, book = quote.bid, quote.ask, quote.book
    return BookTop(
        symbol=quote.symbol,
        bid=bid,
        bid_quantity=book.bids[bid] if bid is not None else Decimal(0),
        ask=ask,
        ask_quantity=book.asks[ask] if ask is not None else Decimal(0),
        at_ms=at_ms,
    )
