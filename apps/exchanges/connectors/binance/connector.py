"""Binance USD-M futures. https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info"""

from collections.abc import Iterable

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.binance import spec as calls
from apps.exchanges.connectors.binance.board import QuoteBoard
from apps.exchanges.connectors.binance.orders import BinanceOrders
from apps.exchanges.connectors.binance.private import PrivateDialect
from apps.exchanges.connectors.binance.stream import dialects
from apps.exchanges.connectors.binance.words import MARGIN_WORDS
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import Stream
from cts.domain.errors import Rejected
from cts.domain.types import (
    Balance,
    Instrument,
    MarginMode,
    PositionMode,
    Ticker,
    VenuePosition,
)
from cts.domain.venue import Channel, FundingPayment, FundingRate, KeyRights

PAGE = 1000
LONGEST_INTERVAL_MS = 8 * 3_600_000
WEEK_MS = 7 * 86_400_000


class BinanceConnector(BinanceOrders):
    # --- market -----------------------------------------------------------------------------------------------------
    def instruments(self) -> list[Instrument]:
        rows = self.read.rows(self.call(calls.INSTRUMENTS), "symbols")
        return [
            self.parse_instrument(row)
            for row in rows
            if row.get("contractType") == "PERPETUAL" and row.get("quoteAsset") == "USDT" and self.symbol_or_none(row)
        ]

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else set(symbols)
        if wanted is not None and len(wanted) == 1:
            one = {"symbol": self.venue_symbol(next(iter(wanted)))}
            sources = [[self.call(call, one)] for call in (calls.TICKER, calls.BOOK, calls.MARK)]
        else:
            sources = [self.call(call) for call in (calls.TICKERS, calls.BOOKS, calls.MARKS)]
        rows, books, marks = (self.read.all_rows(source, "body") for source in sources)
        book_by, mark_by = {row.get("symbol"): row for row in books}, {row.get("symbol"): row for row in marks}
        return [
            self.parse_ticker(row, book=book_by.get(row["symbol"]), mark=mark_by.get(row["symbol"]))
            for row in rows
            if (symbol := self.symbol_or_none(row)) is not None and (wanted is None or symbol in wanted)
        ]

    def _candle_page(self, symbol: str, *, interval: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
        params = {"symbol": self.venue_symbol(symbol), "interval": interval}
        params |= {"startTime": str(start_ms), "endTime": str(end_ms), "limit": str(limit)}
        rows = self.call(calls.CANDLES, params)
        return self.read.columns(rows, "body", names=("open_ms", "open", "high", "low", "close", "volume"))

    # --- account ----------------------------------------------------------------------------------------------------
    def balances(self) -> list[Balance]:
        return [self.parse_balance(row) for row in self._rows(calls.BALANCES)]

    def positions(self) -> list[VenuePosition]:
        rows = [row for row in self._rows(calls.POSITIONS) if self.symbol_or_none(row) is not None]
        return [leg for leg in map(self.parse_position, rows) if leg is not None]

    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None:
        params = {"symbol": self.venue_symbol(symbol), "leverage": str(leverage)}
        answer = self.call(calls.LEVERAGE, params)
        if isinstance(answer, dict) and self.read.integer(answer, "leverage") != leverage:
            raise Rejected(f"Binance set leverage {answer['leverage']} instead of {leverage}", exchange="binance")

    def set_margin_mode(self, symbol: str, *, margin_mode: MarginMode, leverage: int) -> None:
        params = {"symbol": self.venue_symbol(symbol), "marginType": MARGIN_WORDS[margin_mode]}
        self.call(calls.MARGIN_MODE, params)

    def position_mode(self) -> PositionMode:
        is_hedged = self.read.flag(self.call(calls.POSITION_MODE), "dualSidePosition")
        return PositionMode.HEDGE if is_hedged else PositionMode.ONE_WAY

    def set_position_mode(self, mode: PositionMode) -> None:
        is_hedged = mode is PositionMode.HEDGE
        self.call(calls.POSITION_MODE_SET, {"dualSidePosition": "true" if is_hedged else "false"})
        self._hedged = is_hedged

    # --- funding and the key ----------------------------------------------------------------------------------------
    def funding_rates(self, symbol: str, *, since_ms: int | None = None, limit: int = 100) -> list[FundingRate]:
        params = {"symbol": self.venue_symbol(symbol)}
        start = since_ms
        if start is None:
            if limit <= PAGE:
                return self._funding_page(params | {"limit": str(limit)})
            start = self.now_ms() - limit * LONGEST_INTERVAL_MS
        found: list[FundingRate] = []
        while True:
            page = self._funding_page(params | {"startTime": str(start), "limit": str(PAGE)})
            found += page
            if len(page) < PAGE:
                return found[-limit:]
            start = page[-1].at_ms + 1

    def _funding_page(self, params: dict[str, str]) -> list[FundingRate]:
        rates = [self.parse_funding_rate(row) for row in self._rows(calls.FUNDING_RATES, params)]
        return sorted(rates, key=lambda rate: rate.at_ms)

    def funding_payments(self, *, since_ms: int | None = None) -> list[FundingPayment]:
        found: dict[tuple[str, str], FundingPayment] = {}
        for start, end in self.windows(since_ms, span_ms=WEEK_MS):
            params = {"incomeType": "FUNDING_FEE", "startTime": str(start), "endTime": str(end), "limit": str(PAGE)}
            rows, number = self._rows(calls.INCOME, params), 1
            while True:
                paid = [self.parse_funding_payment(row) for row in rows if self.symbol_or_none(row) is not None]
                found |= {(payment.payment_id, payment.symbol): payment for payment in paid}
                if len(rows) < PAGE:
                    break
                number += 1
                rows = self._rows(calls.INCOME, params | {"page": str(number)})
        return sorted(found.values(), key=lambda payment: payment.at_ms)

    def key_rights(self) -> KeyRights:
        """Told by the spot host alone, which the futures' test environment has not: there, nothing is known."""
        if calls.KEY.host not in self.addresses.hosts:
            return KeyRights()
        return self.parse_key_rights(self._one(calls.KEY, {}), right="enableFutures")

    # --- streams ----------------------------------------------------------------------------------------------------
    def listen_key(self) -> str:
        return self.read.text(self.call(calls.LISTEN), "listenKey")

    def listen_key_keep(self) -> None:
        self.call(calls.LISTEN_KEEP)

    def public_stream(
        self,
        symbols: Iterable[str],
        events: StreamEvents,
        *,
        channels: Iterable[Channel] = (Channel.TICKERS,),
        timeframe_s: int = 60,
    ) -> Stream:
        wanted = self.channels_checked(channels, timeframe_s=timeframe_s)
        board = QuoteBoard(self, events)
        sockets = dialects(board, self.addresses.ws, events=events, channels=wanted, timeframe_s=timeframe_s)
        for dialect in sockets:
            dialect.subscribe(symbols)
        return Stream(sockets, events=events, name="binance-public")

    def private_stream(self, events: StreamEvents) -> Stream:
        dialect = PrivateDialect(self, urls=self.addresses.ws["private"], events=events)
        return Stream([dialect], events=events, name="binance-private")
