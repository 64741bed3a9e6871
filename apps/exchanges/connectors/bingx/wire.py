"""How BingX is called, whichever the market: signatures, the envelope, keys and their rights, the public stream."""

import time
from abc import ABC
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.bingx import spec as calls
from apps.exchanges.connectors.bingx.orders import BingxOrders
from apps.exchanges.connectors.bingx.stream import public_stream
from apps.exchanges.connectors.bingx.words import MAY_TRADE_SWAPS, MAY_WITHDRAW
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.stream import Stream
from apps.exchanges.connectors.transport import Prepared, Response
from cts.domain.venue import Channel, KeyRights

RECV_WINDOW = "5000"


class BingxWire(BingxOrders, ABC):
    # How the stream of candles spells its intervals, where it isn't as the list does.
    stream_intervals: ClassVar[Mapping[int, str]] = calls.SPEC.timeframes
    trade_right: ClassVar[str] = MAY_TRADE_SWAPS

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

    def _time_asked(self) -> int:
        payload = self._answer(self.time_call, {}, is_urgent=True)
        return self.read.integer(self.read.mapping(payload, "data"), self.time_field)

    def _listed(self, call: Call, params: Mapping[str, Any] | None = None) -> list[Row]:
        """With a symbol named, some lists come as the one row."""
        data = self.envelope(call, params).get("data")
        return self.read.all_rows([data] if isinstance(data, dict) else data, "data")

    def key_rights(self) -> KeyRights:
        payload = self.envelope(calls.KEY_RIGHTS)
        data = payload.get("data")
        return self.parse_key_rights(data if isinstance(data, dict) else payload)

    def parse_key_rights(self, row: Row) -> KeyRights:
        rights, addresses = row.get("permissions"), row.get("ipAddresses")
        if not isinstance(rights, list):
            self.read.refuse("permissions", rights)
        told = set(map(str, rights))
        return KeyRights(
            can_trade=self.trade_right in told,
            can_withdraw=MAY_WITHDRAW in told,
            is_address_bound=bool(addresses) if isinstance(addresses, list) else None,
        )

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
