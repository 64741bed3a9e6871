"""BingX USDT perpetual swaps: its calls. https://bingx-api.github.io/docs-v3/"""

import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.bingx import spec as calls
from apps.exchanges.connectors.bingx.batches import BingxBatches
from apps.exchanges.connectors.bingx.fills import BingxFills
from apps.exchanges.connectors.bingx.stream import PrivateDialect, public_stream
from apps.exchanges.connectors.bingx.words import MARGIN_WORDS
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.stream import Stream
from apps.exchanges.connectors.transport import Prepared, Response
from cts.domain.types import Balance, Instrument, MarginMode, PositionMode, Ticker, VenuePosition
from cts.domain.venue import Channel, FundingRate, KeyRights

RECV_WINDOW = "5000"


class BingxConnector(BingxBatches, BingxFills):
    # --- wording ----------------------------------------------------------------------------------------------------
    def _prepare(self, call: Call, params: Mapping[str, Any]) -> Prepared:
        """All in the query, sorted and signed as plain text; what leaves is encoded only where it must be."""
        headers = {"X-BX-APIKEY": self._key} if self._key else {}
        is_timed = call.is_signed or self.clock.is_synced
        stamp = self.clock.now_ms() if is_timed else time.time_ns() // 1_000_000
        fields: dict[str, Any] = {**params, "timestamp": stamp}
        if call.is_signed:
            fields["recvWindow"] = RECV_WINDOW
        pairs = sorted(fields.items())
        plain = query = "&".join([f"{name}={value}" for name, value in pairs])
        if "[" in plain or "{" in plain or not plain.isascii():
            query = "&".join([f"{name}={quote(str(value), safe='')}" for name, value in pairs])
        if call.is_signed and self._signer is not None:
            query += f"&signature={self._signer.hex(plain.encode())}"
        return Prepared(call.method, f"{call.path}?{query}", b"", headers)

    def _verdict(self, payload: Any, response: Response) -> tuple[str, str]:
        """A few routes answer without the envelope, and then only when they succeed."""
        if not isinstance(payload, dict):
            self.read.refuse("code", None)
        code = payload.get("code")
        if code is None and response.status < 300:
            return "", ""
        if isinstance(code, bool) or not isinstance(code, int | str) or code == "":
            self.read.refuse("code", code)
        return ("", "") if str(code) == "0" else (str(code), self.read.text_or_empty(payload, "msg"))

    def server_time_ms(self) -> int:
        return self.read.integer(self.data(self.time_call), self.time_field)

    def _time_once(self) -> int:
        payload = self._answer(self.time_call, {}, is_urgent=True)
        return self.read.integer(self.read.mapping(payload, "data"), self.time_field)

    def _listed(self, call: Call, params: Mapping[str, Any] | None = None) -> list[Row]:
        """With a symbol named, some lists come as the one row."""
        data = self.envelope(call, params).get("data")
        return self.read.all_rows([data] if isinstance(data, dict) else data, "data")

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

    def key_rights(self) -> KeyRights:
        payload = self.envelope(calls.KEY_RIGHTS)
        data = payload.get("data")
        return self.parse_key_rights(data if isinstance(data, dict) else payload)

    # --- streams ----------------------------------------------------------------------------------------------------
    def listen_key(self) -> str:
        payload = self.envelope(calls.LISTEN)
        data = payload.get("data")
        return self.read.text(data if isinstance(data, dict) else payload, "listenKey")

    def listen_key_keep(self, key: str) -> None:
        self.call(calls.LISTEN_KEEP, {"listenKey": key})

    def public_stream(
        self,
        symbols: Iterable[str],
        events: StreamEvents,
        *,
        channels: Iterable[Channel] = (Channel.TICKERS,),
        timeframe_s: int = 60,
    ) -> Stream:
        wanted = self.channels_checked(channels, timeframe_s=timeframe_s)
        return public_stream(self, symbols, events, channels=wanted, timeframe_s=timeframe_s)

    def private_stream(self, events: StreamEvents) -> Stream:
        dialect = PrivateDialect(self, urls=self.addresses.ws["private"], events=events)
        return Stream([dialect], events=events, name="bingx-private")
