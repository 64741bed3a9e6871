"""How Bybit's requests are signed, and its answers opened: the same for all of its markets."""

from abc import ABC
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec

from apps.exchanges.connectors.bybit.prints import BybitPrints
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.transport import Prepared, Response
from cts.domain.errors import AuthFailed

RECV_WINDOW = "5000"
_encode = msgspec.json.Encoder().encode


class BybitWording(BybitPrints, ABC):
    category: ClassVar[str]
    # What names the market in a call, and all of what is held or open in it.
    in_category: ClassVar[dict[str, str]]
    in_whole: ClassVar[dict[str, str]]
    # Whether the ticker stream leaves the best prices to the book's.
    has_quotes_apart: ClassVar[bool] = False
    # Where a key's permissions name the right to trade here.
    trade_group: ClassVar[str]
    trade_right: ClassVar[str]

    def _prepare(self, call: Call, params: Mapping[str, Any]) -> Prepared:
        body, query, headers = b"", "", {}
        if call.method == "POST":
            body, headers = _encode(params), {"Content-Type": "application/json"}
        elif params:
            query = urlencode(params)
        if call.is_signed and self._signer is not None:
            stamp = str(self.clock.now_ms())
            message = f"{stamp}{self._key}{RECV_WINDOW}{query}".encode() + body
            headers["X-BAPI-API-KEY"] = self._key
            headers["X-BAPI-TIMESTAMP"] = stamp
            headers["X-BAPI-RECV-WINDOW"] = RECV_WINDOW
            headers["X-BAPI-SIGN"] = self._signer.hex(message)
        return Prepared(call.method, f"{call.path}?{query}" if query else call.path, body, headers)

    def _verdict(self, payload: Any, response: Response) -> tuple[str, str]:
        code = self.read.integer(payload, "retCode") if isinstance(payload, dict) else self.read.refuse("retCode", None)
        return ("", "") if code == 0 else (str(code), self.read.text_or_empty(payload, "retMsg"))

    def _note_limits(self, call: Call, headers: Mapping[str, str]) -> None:
        limit, left = headers.get("x-bapi-limit", ""), headers.get("x-bapi-limit-status", "")
        if limit.isdigit() and left.isdigit():
            self._budget.correct(call.costs[-1][0], used=max(int(limit) - int(left), 0))

    def _retry_at(self, headers: Mapping[str, str]) -> datetime | None:
        reset = headers.get("x-bapi-limit-reset-timestamp", "")
        left_ms = int(reset) - self.clock.now_ms() if reset.isdigit() and self.clock.is_synced else 0
        return datetime.now(UTC) + timedelta(milliseconds=left_ms) if left_ms > 0 else super()._retry_at(headers)

    def _result_of(self, call: Call, params: Mapping[str, Any] | None = None) -> Row:
        return self.read.mapping(self.call(call, params), "result")

    def _pages(self, call: Call, params: Mapping[str, Any]) -> list[Row]:
        rows: list[Row] = []
        cursor = ""
        while True:
            result = self._result_of(call, {**params, "cursor": cursor} if cursor else params)
            rows += self.read.rows(result, "list")
            following = self.read.text_or_empty(result, "nextPageCursor")
            if not following or following == cursor:
                return rows
            cursor = following

    def login_args(self) -> list[object]:
        """For the private stream: valid for a few seconds from now, by the venue's clock."""
        if self._signer is None:
            raise AuthFailed("Bybit: the private stream needs an API key", exchange="bybit")
        expires_ms = self.now_ms() + 10_000
        return [self._key, expires_ms, self._signer.hex(f"GET/realtime{expires_ms}".encode())]
