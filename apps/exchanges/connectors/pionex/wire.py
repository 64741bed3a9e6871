"""How Pionex is called, whichever the market: signatures, the envelope, candles, the public stream."""

from abc import ABC
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.pionex import spec as calls
from apps.exchanges.connectors.pionex.orders import PionexOrders
from apps.exchanges.connectors.pionex.stream import BOOK, INDEX, TRADE, PublicDialect
from apps.exchanges.connectors.spec import Call, Intent
from apps.exchanges.connectors.stream import Stream
from apps.exchanges.connectors.transport import Prepared, Response
from cts.domain.errors import AmbiguousResult, AuthFailed
from cts.domain.venue import Channel

_JSON = "application/json"
_encode = msgspec.json.Encoder().encode


class PionexWire(PionexOrders, ABC):
    candles_call: ClassVar[Call] = calls.CANDLES
    # What the public stream tells of this market.
    topics: ClassVar[frozenset[str]] = frozenset({TRADE, BOOK, INDEX})

    # --- wording ----------------------------------------------------------------------------------------------------
    def _prepare(self, call: Call, params: Mapping[str, Any]) -> Prepared:
        """Signed are method, path, the query in the order of its names as it was before encoding, and the body."""
        body, headers = b"", {}
        is_signed = call.is_signed and self._signer is not None
        if call.method == "GET":
            terms = {**params, "timestamp": self.clock.now_ms()} if is_signed else params
            query = "&".join([f"{name}={terms[name]}" for name in sorted(terms)])
        else:
            query, body, headers = f"timestamp={self.clock.now_ms()}", _encode(params), {"Content-Type": _JSON}
        path = f"{call.path}?{query}" if query else call.path
        if is_signed and self._signer is not None:
            headers["PIONEX-KEY"] = self._key
            headers["PIONEX-SIGNATURE"] = self._signer.hex(f"{call.method}{path}".encode() + body)
        return Prepared(call.method, path if path.isascii() else quote(path, safe="/?=&,"), body, headers)

    def _verdict(self, payload: Any, response: Response) -> tuple[str, str]:
        if not isinstance(payload, dict):
            self.read.refuse("result", payload)
        if self.read.flag(payload, "result"):
            return "", ""
        return self.read.text(payload, "code"), self.read.text_or_empty(payload, "message")

    def _refusal(self, call: Call, response: Response, *, code: str, message: str) -> Exception | None:
        # The codes for perpetuals are documented in part: one nobody listed may follow an order that was taken.
        if call.intent is Intent.PLACE and code.startswith("TRADE_") and code not in self.spec.errors:
            return AmbiguousResult(f"Pionex {code}: {message[:300]}", exchange=self.spec.name, venue_code=code)
        return super()._refusal(call, response, code=code, message=message)

    def _note_limits(self, call: Call, headers: Mapping[str, str]) -> None:
        """Ours is the tighter count; where the venue's says that the next call is one too many, it is believed."""
        left = headers.get("x-ratelimit-tokens", "")
        if left.isdigit() and int(left) < calls.WEIGHT:
            self._budget.correct(call.costs[0][0], used=calls.WEIGHT)

    def _note_reply_time(self, payload: Any, *, asked_at: float) -> None:
        # Refusals tell it in seconds.
        if payload.get("result") is True:
            self.clock.note(self.read.integer(payload, self.time_field), asked_at=asked_at)

    # --- market -----------------------------------------------------------------------------------------------------
    def _candle_page(self, symbol: str, *, interval: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
        """Counted back from the end: where nobody dealt for a while, older bars come instead and aren't asked for."""
        params = {"symbol": self.venue_symbol(symbol), "interval": interval}
        data = self._data(self.candles_call, {**params, "endTime": min(end_ms, self.now_ms()), "limit": limit})
        rows = [{**row, "open_ms": row.get("time")} for row in self._listed(data, "klines")]
        return [row for row in rows if self.read.integer(row, "open_ms") >= start_ms]

    # --- streams ----------------------------------------------------------------------------------------------------
    def login_args(self) -> list[object]:
        """For the private stream: good for some seconds around now, by the venue's clock."""
        if self._signer is None:
            raise AuthFailed("Pionex: the private stream needs an API key", exchange="pionex")
        now_ms = self.now_ms()
        return [self._key, now_ms, self._signer.hex(f"{now_ms}websocket_auth".encode())]

    def clock_refused(self) -> None:
        """The stream's login came too early or too late by the venue's clock."""
        self.clock.sync(self._time_once, is_forced=True)

    def public_stream(
        self,
        symbols: Iterable[str],
        events: StreamEvents,
        *,
        channels: Iterable[Channel] = (Channel.TICKERS,),
        timeframe_s: int = 60,
    ) -> Stream:
        wanted = self.channels_checked(channels, timeframe_s=timeframe_s)
        dialect = PublicDialect(self, urls=self.addresses.ws["public"], events=events, channels=wanted)
        dialect.subscribe(symbols)
        return Stream([dialect], events=events, name="pionex-public")
