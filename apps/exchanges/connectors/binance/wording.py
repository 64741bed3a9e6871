"""How Binance's requests are signed, and its answers opened: the same for all of its markets."""

import re
from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.rest import RestConnector
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.transport import Prepared, Response
from cts.domain.venue import KeyRights

_NEEDS_QUOTING = re.compile(r'[% "\[]').search


class BinanceWording(RestConnector, ABC):
    # What the venue counted against each rule, told with every answer.
    used_headers: ClassVar[dict[str, str]]

    def _prepare(self, call: Call, params: Mapping[str, Any]) -> Prepared:
        """All in the query, percent-encoded before it is signed, the signature last."""
        query = "&".join([f"{name}={value}" for name, value in params.items()])
        if not query.isascii() or _NEEDS_QUOTING(query):
            query = urlencode(params, quote_via=quote)
        headers = {"X-MBX-APIKEY": self._key} if self._key else {}
        if call.is_signed and self._signer is not None:
            query += f"{'&' if query else ''}recvWindow=5000&timestamp={self.clock.now_ms()}"
            query += f"&signature={self._signer.hex(query.encode())}"
        return Prepared(call.method, f"{call.path}?{query}" if query else call.path, b"", headers)

    def _verdict(self, payload: Any, response: Response) -> tuple[str, str]:
        if response.status < 300 and not (isinstance(payload, dict) and "code" in payload):
            return "", ""
        code = payload.get("code") if isinstance(payload, dict) else None
        if not isinstance(code, int):
            # The algo endpoints spell success as text, "200"; a gateway's page has no code at all.
            return ("", "") if response.status < 300 and str(code) == "200" else ("", str(payload)[:200])
        # "success" of settings and cancel-all comes as code 200.
        if code == 200 and response.status < 300:
            return "", ""
        return str(code), self.read.text_or_empty(payload, "msg")

    def _note_limits(self, call: Call, headers: Mapping[str, str]) -> None:
        for rule, header in self.used_headers.items():
            used = headers.get(header, "")
            if used.isdigit():
                self._budget.correct(rule, used=int(used))

    def _rows(self, call: Call, params: Mapping[str, Any] | None = None) -> list[Row]:
        return self.read.all_rows(self.call(call, params), "body")

    def _one(self, call: Call, params: Mapping[str, Any]) -> Row:
        answer = self.call(call, params)
        return answer if isinstance(answer, dict) else self.read.refuse("body", answer)

    def parse_key_rights(self, row: Row, *, right: str) -> KeyRights:
        read = self.read
        return KeyRights(
            can_trade=read.flag(row, right),
            can_withdraw=read.flag(row, "enableWithdrawals"),
            is_address_bound=read.flag(row, "ipRestrict"),
            expires_ms=read.integer_or_none(row, "tradingAuthorityExpirationTime"),
        )
