"""Pionex perpetuals: its calls. https://www.pionex.com/docs/api-docs"""

from collections.abc import Iterable

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.pionex import spec as calls
from apps.exchanges.connectors.pionex.private_stream import PrivateDialect
from apps.exchanges.connectors.pionex.wire import PionexWire
from apps.exchanges.connectors.pionex.words import MARGIN_WORDS, MODE_WORDS, MODES
from apps.exchanges.connectors.stream import Stream
from cts.domain.errors import Rejected
from cts.domain.types import Balance, Instrument, MarginMode, PositionMode, Ticker, VenuePosition


class PionexConnector(PionexWire):
    # --- market -----------------------------------------------------------------------------------------------------
    def instruments(self) -> list[Instrument]:
        rows = self._ours(self._listed(self._data(calls.INSTRUMENTS, {"type": "PERP"}), "symbols"))
        leverages = self._leverages()
        return [self.parse_instrument(row, max_leverage=leverages.get(row["symbol"])) for row in rows]

    def _leverages(self) -> dict[str, int]:
        """The highest of each symbol's tiers; without that list the exchange's general ceiling holds."""
        try:
            tables = self._listed(self._data(calls.TIERS), "symbols")
        except Rejected:
            return {}
        return {
            self.read.text(table, "symbol"): max(int(self.read.positive(tier, "maxLeverage")) for tier in tiers)
            for table in tables
            if (tiers := self._listed(table, "rows"))
        }

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else set(symbols)
        params = {"type": "PERP"}
        if wanted is not None and len(wanted) == 1:
            params = {"symbol": self.venue_symbol(next(iter(wanted)))}
        rows = self._listed(self._data(calls.TICKERS, params), "tickers")
        books = {row.get("symbol"): row for row in self._listed(self._data(calls.BOOKS, params), "tickers")}
        of_one = {} if "type" in params else params
        indexes = {row.get("symbol"): row for row in self._listed(self._data(calls.INDEXES, of_one), "indexes")}
        return [
            self.parse_ticker(row, book=books.get(row["symbol"]), index=indexes.get(row["symbol"]))
            for row in rows
            if (symbol := self.symbol_or_none(row)) is not None and (wanted is None or symbol in wanted)
        ]

    # --- account ----------------------------------------------------------------------------------------------------
    def balances(self) -> list[Balance]:
        data = self._data(calls.BALANCES)
        isolated = [leg for leg in self._listed(data, "positions") if leg.get("balances")]
        return [self.parse_balance(row, isolated) for row in self._listed(data, "balances")]

    def positions(self) -> list[VenuePosition]:
        rows = self._ours(self._listed(self._data(calls.POSITIONS), "positions"))
        return [leg for leg in map(self.parse_position, rows) if leg is not None]

    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None:
        data = self._data(calls.LEVERAGE, {"symbol": self.venue_symbol(symbol), "leverage": str(leverage)})
        if self.read.positive(data, "leverage") != leverage:
            raise Rejected(f"Pionex set leverage {data['leverage']} instead of {leverage}", exchange="pionex")

    def set_margin_mode(self, symbol: str, *, margin_mode: MarginMode, leverage: int) -> None:
        words = {"symbol": self.venue_symbol(symbol), "isolatedMode": MARGIN_WORDS[margin_mode]}
        self.call(calls.MARGIN_MODE, words)

    def position_mode(self) -> PositionMode:
        return self.read.choice(self._data(calls.POSITION_MODE), "positionMode", MODES)

    def set_position_mode(self, mode: PositionMode) -> None:
        self.call(calls.POSITION_MODE_SET, {"positionMode": MODE_WORDS[mode]})
        self._hedged = mode is PositionMode.HEDGE

    # --- streams ----------------------------------------------------------------------------------------------------
    def private_stream(self, events: StreamEvents) -> Stream:
        dialect = PrivateDialect(self, urls=self.addresses.ws["private"], events=events)
        return Stream([dialect], events=events, name="pionex-private")
