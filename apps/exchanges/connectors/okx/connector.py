"""OKX v5, linear USDT perpetuals ("swaps"): its wording, market and streams. https://www.okx.com/docs-v5/en/"""

import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.okx import spec as calls
from apps.exchanges.connectors.okx.account import OkxAccount
from apps.exchanges.connectors.okx.stream import AlgoDialect, CandleDialect, PrivateDialect, PublicDialect
from apps.exchanges.connectors.okx.trade import ITEMS, PAGE
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.stream import Dialect, Stream
from apps.exchanges.connectors.transport import Prepared, Response
from cts.domain.errors import AuthFailed, PayloadError
from cts.domain.types import Instrument, Ticker
from cts.domain.venue import Channel, FundingRate

# The quick list of candles goes back this many bars.
RECENT_BARS = 1440
MILLISECONDS = tuple(f"{number:03d}Z" for number in range(1000))
_encode = msgspec.json.Encoder().encode


class _Hidden:
    """A secret that shows in no representation of whoever holds it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class OkxConnector(OkxAccount):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        credentials = options["credentials"]
        self._passphrase = _Hidden(credentials.passphrase if credentials else "")
        self._second = (0, "")

    # --- wording ----------------------------------------------------------------------------------------------------
    def _prepare(self, call: Call, params: Mapping[str, Any]) -> Prepared:
        method, path, body = call.method, call.path, b""
        if method == "POST":
            body = _encode(params.get(ITEMS, params))
        elif params:
            path = f"{path}?{urlencode(params)}"
        if not call.is_signed or self._signer is None:
            return Prepared(method, path, body, dict(self.addresses.headers))
        stamp = self._stamp(self.clock.now_ms())
        headers = {
            "OK-ACCESS-KEY": self._key,
            "OK-ACCESS-SIGN": self._signer.base64(f"{stamp}{method}{path}".encode() + body),
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-PASSPHRASE": self._passphrase.text,
            "Content-Type": "application/json",
        }
        if self.addresses.headers:
            headers |= self.addresses.headers
        return Prepared(method, path, body, headers)

    def _stamp(self, now_ms: int) -> str:
        """ISO 8601 with milliseconds; the part before them is made once a second."""
        seconds = now_ms // 1000
        known, text = self._second
        if known != seconds:
            text = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(seconds))
            self._second = (seconds, text)
        return text + MILLISECONDS[now_ms % 1000]

    def _verdict(self, payload: Any, response: Response) -> tuple[str, str]:
        """1: all items failed, 2: some. A single item's own code says why; of several, the caller looks at each."""
        code = self.read.identifier(payload, "code") if isinstance(payload, dict) else self.read.refuse("code", None)
        if code == "0":
            return "", ""
        rows = payload.get("data")
        items = rows if isinstance(rows, list) and all(isinstance(row, dict) and "sCode" in row for row in rows) else []
        if code in ("1", "2") and len(items) == 1:
            return str(items[0]["sCode"]), str(items[0].get("sMsg") or "")
        return ("", "") if code in ("1", "2") and items else (code, self.read.text_or_empty(payload, "msg"))

    def server_time_ms(self) -> int:
        return self._time_in(self.call(self.time_call))

    def _time_asked(self) -> int:
        return self._time_in(self._answer(self.time_call, {}, is_urgent=True))

    def clock_resync(self) -> None:
        """A timestamp of ours was refused: the samples so far are worthless."""
        self.clock.sync(self._time_once, is_forced=True)

    def _time_in(self, payload: Any) -> int:
        rows = self.read.rows(payload, "data")
        return self.read.integer(rows[0] if rows else {}, self.time_field)

    # --- market -----------------------------------------------------------------------------------------------------
    def _listed(self) -> list[Row]:
        rows = self._data(calls.INSTRUMENTS, self.in_market)
        return [row for row in rows if row.get("ctType") == "linear" and self.symbol_or_none(row, "instId")]

    def instruments(self) -> list[Instrument]:
        return [self.parse_instrument(row) for row in self._listed()]

    def contracts_load(self) -> None:
        for row in self._listed():
            try:
                self.contracts.learn(self.read.text(row, "instId"), self._listed_size(row))
            except PayloadError:
                continue  # one odd instrument is no reason not to trade the others; itself it stays unknown

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else set(symbols)
        if wanted is not None and len(wanted) == 1:
            name = {"instId": self.venue_symbol(next(iter(wanted)))}
            sources = ((calls.TICKER, name), (calls.MARKS, self.in_market | name), (calls.FUNDINGS, name))
        else:
            sources = (
                (calls.TICKERS, self.in_market),
                (calls.MARKS, self.in_market),
                (calls.FUNDINGS, {"instId": "ANY"}),
            )
        rows, marks, fundings = (self._data(call, params) for call, params in sources)
        mark_by, funding_by = ({row.get("instId"): row for row in found} for found in (marks, fundings))
        return [
            self.parse_ticker(row, mark=mark_by.get(row["instId"]), funding=funding_by.get(row["instId"]))
            for row in rows
            if (symbol := self.symbol_or_none(row, "instId")) is not None and (wanted is None or symbol in wanted)
        ]

    def _candle_page(self, symbol: str, *, interval: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
        """`before` and `after` exclude the bar they name, and mean newer and older than it."""
        params = {"instId": self.venue_symbol(symbol), "bar": interval, "limit": str(limit)}
        params |= {"before": str(start_ms - 1), "after": str(end_ms + 1)}
        reach_ms = (end_ms + 1 - start_ms) // limit * (RECENT_BARS - 1)
        call = calls.CANDLES if start_ms > self.now_ms() - reach_ms else calls.CANDLES_OLD
        return self.read.columns(self.call(call, params).get("data"), "data", names=self.candle_columns)

    def funding_rates(self, symbol: str, *, since_ms: int | None = None, limit: int = 100) -> list[FundingRate]:
        found: list[FundingRate] = []
        params = {"instId": self.venue_symbol(symbol), "limit": str(PAGE)}
        page = self._data(calls.FUNDING_HISTORY, params)
        while page:
            found += [self._funding_rate(row) for row in page]
            if len(page) < PAGE or len(found) >= limit or (since_ms is not None and found[-1].at_ms < since_ms):
                break
            page = self._data(calls.FUNDING_HISTORY, params | {"after": str(found[-1].at_ms)})
        wanted = [rate for rate in found if since_ms is None or rate.at_ms >= since_ms]
        return wanted[:limit][::-1]

    def _funding_rate(self, row: Row) -> FundingRate:
        paid = self.read.signed_or_none(row, "realizedRate")
        rate = self.read.signed(row, "fundingRate") if paid is None else paid
        return FundingRate(symbol=self.symbol(row, "instId"), rate=rate, at_ms=self.read.integer(row, "fundingTime"))

    # --- streams ----------------------------------------------------------------------------------------------------
    def login_args(self) -> list[dict[str, str]]:
        if self._signer is None:
            raise AuthFailed("OKX: the private stream needs an API key", exchange=self.spec.name)
        stamp = str(self.now_ms() // 1000)
        sign = self._signer.base64(f"{stamp}GET/users/self/verify".encode())
        return [{"apiKey": self._key, "passphrase": self._passphrase.text, "timestamp": stamp, "sign": sign}]

    def public_stream(
        self,
        symbols: Iterable[str],
        events: StreamEvents,
        *,
        channels: Iterable[Channel] = (Channel.TICKERS,),
        timeframe_s: int = 60,
    ) -> Stream:
        wanted, names = self.channels_checked(channels, timeframe_s=timeframe_s), list(symbols)
        dialects: list[Dialect] = []
        if plain := wanted - {Channel.CANDLES}:
            urls = self.addresses.ws["public"]
            dialects.append(PublicDialect(self, urls=urls, events=events, channels=plain))
        if Channel.CANDLES in wanted:
            urls = self.addresses.ws["business"]
            dialects.append(CandleDialect(self, urls=urls, events=events, timeframe_s=timeframe_s))
        for dialect in dialects:
            dialect.subscribe(names)
        return Stream(dialects, events=events, name="okx-public")

    def private_stream(self, events: StreamEvents) -> Stream:
        orders = PrivateDialect(self, urls=self.addresses.ws["private"], events=events)
        algo = AlgoDialect(self, urls=self.addresses.ws["business"], events=events)
        return Stream([orders, algo], events=events, name="okx-private")
