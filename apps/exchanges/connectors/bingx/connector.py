"""BingX USDT perpetual swaps: its calls. https://bingx-api.github.io/docs-v3/"""

from collections.abc import Iterable

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.bingx import spec as calls
from apps.exchanges.connectors.bingx.batches import BingxBatches
from apps.exchanges.connectors.bingx.fills import BingxFills
from apps.exchanges.connectors.bingx.stream import PrivateDialect
from apps.exchanges.connectors.bingx.wire import BingxWire
from apps.exchanges.connectors.bingx.words import MARGIN_WORDS
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import Stream
from cts.domain.types import Balance, Instrument, MarginMode, PositionMode, Ticker, VenuePosition
from cts.domain.venue import FundingRate


class BingxConnector(BingxBatches, BingxFills, BingxWire):
    # --- market -----------------------------------------------------------------------------------------------------
    def instruments(self) -> list[Instrument]:
        return [
            self.parse_instrument(row)
            for row in self._listed(calls.INSTRUMENTS)
            if row.get("currency") in ("USDT", "VST") and self.symbol_or_none(row) is not None
        ]

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else set(symbols)
        only = {"symbol": self.venue_symbol(next(iter(wanted)))} if wanted and len(wanted) == 1 else {}
        rows = self._listed(calls.TICKERS, only)
        premiums = {row.get("symbol"): row for row in self._listed(calls.PREMIUMS, only)}
        return [
            self.parse_ticker(row, premium=premiums.get(row["symbol"]))
            for row in rows
            if (symbol := self.symbol_or_none(row)) is not None and (wanted is None or symbol in wanted)
        ]

    def _candle_page(self, symbol: str, *, interval: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
        # The start is excluded, some say: a millisecond earlier there is no other bar.
        params = {"symbol": self.venue_symbol(symbol), "interval": interval, "limit": str(limit)}
        params |= {"startTime": str(start_ms - 1), "endTime": str(end_ms)}
        rows = self.envelope(calls.CANDLES, params).get("data")
        if isinstance(rows, list) and rows and isinstance(rows[0], list):
            return self.read.columns(rows, "data", names=("open_ms", "open", "high", "low", "close", "volume"))
        return [row | {"open_ms": row.get("time")} for row in self.read.all_rows(rows, "data")]

    def funding_rates(self, symbol: str, *, since_ms: int | None = None, limit: int = 100) -> list[FundingRate]:
        params = {"symbol": self.venue_symbol(symbol), "limit": str(min(limit, 1000))}
        if since_ms is not None:
            params |= {"startTime": str(since_ms), "endTime": str(self.now_ms())}
        rates = [self.parse_funding_rate(row) for row in self._listed(calls.FUNDING_RATES, params)]
        return sorted(rates, key=lambda rate: rate.at_ms)[-limit:]

    # --- account ----------------------------------------------------------------------------------------------------
    def balances(self) -> list[Balance]:
        return [self.parse_balance(row) for row in self._listed(calls.BALANCES) if row.get("asset") != ""]

    def positions(self) -> list[VenuePosition]:
        rows = [row for row in self._listed(calls.POSITIONS) if self.symbol_or_none(row) is not None]
        return [leg for leg in map(self.parse_position, rows) if leg is not None]

    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None:
        params = {"symbol": self.venue_symbol(symbol), "leverage": str(leverage)}
        for side in ("LONG", "SHORT") if self._hedged else ("BOTH",):
            self.call(calls.LEVERAGE, params | {"side": side})

    def set_margin_mode(self, symbol: str, *, margin_mode: MarginMode, leverage: int) -> None:
        params = {"symbol": self.venue_symbol(symbol), "marginType": MARGIN_WORDS[margin_mode]}
        self.call(calls.MARGIN_MODE, params)

    def position_mode(self) -> PositionMode:
        words: dict[str | bool, PositionMode] = {"true": PositionMode.HEDGE, "false": PositionMode.ONE_WAY}
        words |= {True: PositionMode.HEDGE, False: PositionMode.ONE_WAY}
        return self.read.choice(self.data(calls.POSITION_MODE), "dualSidePosition", words)

    def set_position_mode(self, mode: PositionMode) -> None:
        is_hedged = mode is PositionMode.HEDGE
        self.call(calls.POSITION_MODE_SET, {"dualSidePosition": "true" if is_hedged else "false"})
        self._hedged = is_hedged

    # --- streams ----------------------------------------------------------------------------------------------------
    def private_stream(self, events: StreamEvents) -> Stream:
        dialect = PrivateDialect(self, urls=self.addresses.ws["private"], events=events)
        return Stream([dialect], events=events, name="bingx-private")
