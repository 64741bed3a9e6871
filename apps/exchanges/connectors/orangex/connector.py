"""OrangeX perpetuals: JSON-RPC over HTTP with a bearer token; its calls. https://openapi-docs.orangex.com"""

import itertools
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.errors import ResignNeeded
from apps.exchanges.connectors.orangex import spec as calls
from apps.exchanges.connectors.orangex.memory import Placed
from apps.exchanges.connectors.orangex.orders import PAGE
from apps.exchanges.connectors.orangex.positions import OrangeXPositions
from apps.exchanges.connectors.orangex.session import Grant, session_of
from apps.exchanges.connectors.orangex.stream import PublicDialect
from apps.exchanges.connectors.orangex.user_stream import PrivateDialect
from apps.exchanges.connectors.orangex.words import LEGS, MARGIN_MODES, MARGIN_WORDS, PERPETUAL, WRONG_MODE
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.stream import Stream
from apps.exchanges.connectors.transport import Prepared, Response
from cts.domain.errors import AuthFailed, Rejected, Unsupported
from cts.domain.types import Balance, Instrument, MarginMode, PositionMode, Ticker, VenuePosition
from cts.domain.venue import Channel, KeyRights

_encode = msgspec.json.Encoder().encode
# Answers carry the venue's time: beyond this our idea of it is replaced.
DRIFT_MS = 1000
_JSON = {"Content-Type": "application/json"}


class OrangeXConnector(OrangeXPositions):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        credentials = options["credentials"]
        self.session = session_of(self.addresses.rest, credentials) if credentials else None
        self.placed = self.session.placed if self.session else Placed()
        self._numbers = itertools.count(1)

    # --- wording ----------------------------------------------------------------------------------------------------
    def _prepare(self, call: Call, params: Mapping[str, Any]) -> Prepared:
        method = call.path.removeprefix(calls.PREFIX)
        head = f'{{"jsonrpc":"2.0","id":{next(self._numbers)},"method":"{method}","params":'
        headers = _JSON
        if call.is_signed and self.session is not None:
            headers = {"Content-Type": "application/json", "Authorization": self.session.bearer()}
        return Prepared(call.method, call.path, head.encode() + _encode(params) + b"}", headers)

    def _verdict(self, payload: Any, response: Response) -> tuple[str, str]:
        if not isinstance(payload, dict):
            self.read.refuse("result", payload)
        if "error" in payload:
            error = self.read.mapping(payload, "error")
            return str(self.read.integer(error, "code")), self.read.text_or_empty(error, "message")
        return ("", "") if "result" in payload else (calls.NO_RESULT, "neither a result nor an error")

    def _note_reply_time(self, payload: Any, *, asked_at: float) -> None:
        if self.time_field not in payload:
            return
        at_ms = self.read.integer(payload, self.time_field)
        if not self.clock.is_synced or abs(at_ms - self.clock.now_ms()) > DRIFT_MS:
            self.clock.sync(lambda: at_ms, is_forced=True)

    def _ready_to_sign(self, call: Call) -> None:
        self.grant()

    def _ready_to_resign(self) -> None:
        self.token_refused(None)

    def token_refused(self, token: str | None) -> None:
        if self.session is not None:
            self.session.renew_refused(self._sign_in, token)

    def grant(self) -> Grant:
        """A token that lasts, and what it allows."""
        if self.session is None:
            raise AuthFailed("OrangeX: this call needs an API key", exchange=self.spec.name)
        return self.session.ensure(self._sign_in)

    def _sign_in(self, params: dict[str, str]) -> Row:
        """Whatever the venue has against the words: it is the key that is refused."""
        try:
            payload = self._answer(calls.AUTH, params, is_urgent=True)
        except Rejected as refused:
            raise AuthFailed(refused.message, exchange=self.spec.name, venue_code=refused.venue_code) from None
        except ResignNeeded as refused:
            raise refused.final from None
        return self.read.mapping(payload, "result")

    def socket_permit(self) -> None:
        """One more socket: too many of them in a minute may get the address banned."""
        self._budget.spend(calls.SOCKET, is_urgent=True)

    # --- market -----------------------------------------------------------------------------------------------------
    def instruments(self) -> list[Instrument]:
        """A contract is in the catalog before it is listed."""
        now = self.now_ms()
        return [
            self.parse_instrument(row)
            for row in self.rows(calls.INSTRUMENTS, {"currency": PERPETUAL})
            if row.get("kind") == "perpetual" and self.read.integer(row, "creation_timestamp") <= now
        ]

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else set(symbols)
        if wanted and len(wanted) == 1:
            (symbol,) = wanted
            row = self.result(calls.FUNDING, self.named(symbol))
            fundings = {self.venue_symbol(symbol): self._funding(row, "rate", "expire_time")}
            rows = self.rows(calls.TICKERS, self.named(symbol))
        else:
            # The list has dead contracts too: only those with a ticker are read.
            found = {row.get("instrumentName"): row for row in self.rows_of(calls.FUNDINGS, {})}
            rows = self.rows(calls.TICKERS, {"currency": PERPETUAL})
            names = {row["instrument_name"] for row in rows} & found.keys()
            fundings = {name: self._funding(found[name], "capitalRate", "endTime") for name in names}
        return [
            self.parse_ticker(row, funding=fundings.get(row["instrument_name"]))
            for row in rows
            if wanted is None or self.symbol(row, "instrument_name") in wanted
        ]

    def _funding(self, row: Row, rate: str, at_ms: str) -> tuple[Decimal, int]:
        return self.read.signed(row, rate), self.read.integer(row, at_ms)

    def last_price(self, symbol: str) -> Decimal | None:
        rows = self.rows(calls.TICKERS, self.named(symbol))
        return self.read.positive(rows[0], "last_price") if rows else None

    def _named_in_candles(self, symbol: str) -> dict[str, str]:
        return self.named(symbol)

    def _candle_page(self, symbol: str, *, interval: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
        # The venue tells the newest of them only, and refuses to be asked for more.
        frame_ms = next(seconds for seconds, word in self.spec.timeframes.items() if word == interval) * 1000
        start_ms = max(start_ms, self.now_ms() - calls.CANDLES_REACH * frame_ms)
        if start_ms > end_ms:
            return []
        params = self._named_in_candles(symbol) | {"resolution": interval}
        params |= {"start_timestamp": str(start_ms), "end_timestamp": str(end_ms)}
        rows = self.rows_of(calls.CANDLES if self.session else calls.CANDLES_PUBLIC, params)
        bars = [row | {"open_ms": self.read.integer(row, "tick") * 1000} for row in rows]
        return [bar for bar in bars if start_ms <= bar["open_ms"] <= end_ms]

    # --- account ----------------------------------------------------------------------------------------------------
    def balances(self) -> list[Balance]:
        return self.parse_assets(self.assets())

    def parse_assets(self, row: Row) -> list[Balance]:
        return [self.parse_balance(row)]

    def positions(self) -> list[VenuePosition]:
        legs = [self.parse_position(row) for row in self.position_rows()]
        return [leg for leg in legs if leg is not None]

    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None:
        self.call(calls.LEVERAGE, self.named(symbol) | {"leverage": str(leverage)})

    def set_margin_mode(self, symbol: str, *, margin_mode: MarginMode, leverage: int) -> None:
        """Asked first: with an order or a leg the venue refuses the call, even for the mode it is in."""
        row = self.result(calls.SETTINGS, self.named(symbol))
        if MARGIN_MODES.get(self.read.text(row, "margin_type").lower()) is not margin_mode:
            self.call(calls.MARGIN_MODE, self.named(symbol) | {"margin_type": MARGIN_WORDS[margin_mode]})

    def position_mode(self) -> PositionMode:
        """No call tells it: what is held, then what rests, then what was ended last. Without any, what we believe."""
        everything = {"currency": PERPETUAL}
        rows = self.position_rows() or self.rows(calls.OPEN_ORDERS_ALL, everything)
        for row in rows or self.rows(calls.HISTORY_ALL, everything | {"count": PAGE, "offset": 0}):
            if word := self.read.text_or_empty(row, "position_side"):
                is_hedged = self.read.choice(row, "position_side", LEGS) is not None
                # An order of the other mode is taken and canceled with this code.
                is_hedged ^= row.get("error_code") in (WRONG_MODE, str(WRONG_MODE)) and bool(word)
                return PositionMode.HEDGE if is_hedged else PositionMode.ONE_WAY
        return PositionMode.HEDGE if self._hedged else PositionMode.ONE_WAY

    def set_position_mode(self, mode: PositionMode) -> None:
        """The venue has no call for it. That the account is so already is well.

        Raises:
            Unsupported: it is in the other mode.
        """
        if self.position_mode() is not mode:
            word = mode.replace("_", "-")
            raise Unsupported(
                f"OrangeX has no call that changes the position mode: choose {word} in the venue's own settings",
                exchange=self.spec.name,
            )
        self._hedged = mode is PositionMode.HEDGE

    def key_rights(self) -> KeyRights:
        """As the token says it, which has what the key has."""
        scope = self.grant().scope.split()
        return KeyRights(can_trade="trade:read_write" in scope, can_withdraw="wallet:read_write" in scope)

    # --- streams ----------------------------------------------------------------------------------------------------
    def public_stream(
        self,
        symbols: Iterable[str],
        events: StreamEvents,
        *,
        channels: Iterable[Channel] = (Channel.TICKERS,),
        timeframe_s: int = 60,
    ) -> Stream:
        wanted = self.channels_checked(channels, timeframe_s=timeframe_s)
        dialect = PublicDialect(
            self, urls=self.addresses.ws["public"], events=events, channels=wanted, timeframe_s=timeframe_s
        )
        dialect.subscribe(symbols)
        return Stream([dialect], events=events, name=f"orangex-{self.spec.market}-public")

    def private_stream(self, events: StreamEvents) -> Stream:
        dialect = PrivateDialect(self, urls=self.addresses.ws["private"], events=events)
        return Stream([dialect], events=events, name=f"orangex-{self.spec.market}-private")
