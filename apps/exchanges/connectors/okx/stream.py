"""OKX's sockets: public, private, and "business" for candles and conditional orders."""

import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.okx.rows import tick_of
from apps.exchanges.connectors.okx.words import ALGO_KINDS, SIDES
from apps.exchanges.connectors.parsing import ZERO, Row
from apps.exchanges.connectors.spec import Capability, ErrorClass
from apps.exchanges.connectors.stream import Dialect, StreamBroken, log, tell
from cts.domain.errors import AuthFailed, PayloadError
from cts.domain.venue import BookTop, Channel, Trade

if TYPE_CHECKING:
    from apps.exchanges.connectors.okx.connector import OkxConnector

TOPICS_PER_FRAME = 50
CHANNEL_WORDS = {Channel.TICKERS: "tickers", Channel.TRADES: "trades", Channel.BOOK_TOP: "bbo-tbt"}
# What ends a bar's row: its volume in quote, and whether it is finished.
CANDLE_END = ("turnover", "confirm")
CLOSED = {"1": True, "0": False}
# The venue is about to restart this socket's server.
CLOSING = "64008"


def _frame(op: str, args: Sequence[Any]) -> str:
    return msgspec.json.encode({"op": op, "args": args}).decode()


class _OkxDialect(Dialect):
    def __init__(self, connector: "OkxConnector", *, urls: Sequence[str], events: StreamEvents) -> None:
        super().__init__(urls=urls, events=events, heartbeat_s=connector.spec.heartbeat_s)
        self._connector = connector

    def ping(self) -> str:
        return "ping"

    def receive(self, frame: str | bytes) -> list[str]:
        if frame in ("pong", b"pong"):
            return []
        message = self._connector.read.decode(frame)
        if not isinstance(message, dict):
            return []
        if "event" in message:
            if message["event"] == "notice" and message.get("code") == CLOSING:
                raise StreamBroken("the venue is about to close this connection")
            return self._control(message)
        arg, data = message.get("arg"), message.get("data")
        if isinstance(arg, dict) and isinstance(data, list):
            self.data_at = time.monotonic()
            self._told(arg, data)
        return []

    def _control(self, message: Row) -> list[str]:
        """Answers to what we sent, one for each topic."""
        if message["event"] == "error":
            log.warning("OKX refused a subscription: %s", str(message.get("msg"))[:200])
        if message["event"] in ("subscribe", "error"):
            self.is_ready = True
        return []

    def _told(self, arg: Row, data: list[Any]) -> None:
        raise NotImplementedError


class _MarketDialect(_OkxDialect):
    """One bad row costs itself, not the socket. An illiquid symbol may be silent for long."""

    def _topics(self, symbol: str) -> Iterable[str]:
        raise NotImplementedError

    def opening(self) -> list[str]:
        return self._frames(sorted(self.symbols))

    def subscribe(self, symbols: Iterable[str]) -> list[str]:
        fresh = [symbol for symbol in symbols if symbol not in self.symbols]
        self.symbols.update(fresh)
        return self._frames(fresh)

    def _frames(self, symbols: Iterable[str]) -> list[str]:
        name = self._connector.venue_symbol
        topics = iter(
            [{"channel": word, "instId": name(symbol)} for symbol in symbols for word in self._topics(symbol)]
        )
        frames = []
        while chunk := list(islice(topics, TOPICS_PER_FRAME)):
            frames.append(_frame("subscribe", chunk))
        return frames

    def _told(self, arg: Row, data: list[Any]) -> None:
        for row in data:
            try:
                self._row(arg, row)
            except PayloadError as error:
                log.warning("Unreadable market event: %s", error.message)

    def _row(self, arg: Row, row: Any) -> None:
        raise NotImplementedError


class PublicDialect(_MarketDialect):
    """Of the first symbol the mark price is told too, and read by nobody: it comes every ten seconds even when nothing
    moves, so that silence means a broken socket.
    """

    is_never_quiet = True

    def __init__(
        self, connector: "OkxConnector", *, urls: Sequence[str], events: StreamEvents, channels: frozenset[Channel]
    ) -> None:
        super().__init__(connector, urls=urls, events=events)
        self._channels = tuple(word for channel, word in CHANNEL_WORDS.items() if channel in channels)
        self._pulse = ""

    def _topics(self, symbol: str) -> Iterable[str]:
        self._pulse = self._pulse or symbol
        return (*self._channels, "mark-price") if symbol == self._pulse else self._channels

    def _row(self, arg: Row, row: Any) -> None:
        channel = arg.get("channel")
        if channel == "tickers":
            ticker = self._connector.parse_ticker(row)
            tell(self.events.on_ticks, [tick_of(ticker)])
            tell(self.events.on_tickers, [ticker])
        elif channel == "trades":
            tell(self.events.on_trades, [self._trade(row)])
        elif channel == "bbo-tbt":
            tell(self.events.on_book_top, self._book_top(arg, row))

    def _trade(self, row: Row) -> Trade:
        read = self._connector.read
        return Trade(
            symbol=self._connector.symbol(row, "instId"),
            trade_id=read.identifier(row, "tradeId"),
            price=read.positive(row, "px"),
            quantity=read.positive(row, "sz") * self._connector.contract_size(row),
            side=read.choice(row, "side", SIDES),
            at_ms=read.integer(row, "ts"),
        )

    def _book_top(self, arg: Row, row: Row) -> BookTop:
        read, size = self._connector.read, self._connector.contract_size(arg)
        bids, asks = (read.columns(row.get(side), side, names=("price", "quantity"))[:1] for side in ("bids", "asks"))
        return BookTop(
            symbol=self._connector.symbol(arg, "instId"),
            bid=read.positive(bids[0], "price") if bids else None,
            bid_quantity=read.unsigned(bids[0], "quantity") * size if bids else ZERO,
            ask=read.positive(asks[0], "price") if asks else None,
            ask_quantity=read.unsigned(asks[0], "quantity") * size if asks else ZERO,
            at_ms=read.integer(row, "ts"),
        )


class CandleDialect(_MarketDialect):
    def __init__(
        self, connector: "OkxConnector", *, urls: Sequence[str], events: StreamEvents, timeframe_s: int
    ) -> None:
        super().__init__(connector, urls=urls, events=events)
        self._timeframe_s = timeframe_s
        self._channel = f"candle{connector.spec.timeframes[timeframe_s]}"

    def _topics(self, symbol: str) -> Iterable[str]:
        return (self._channel,)

    def _row(self, arg: Row, row: Any) -> None:
        connector = self._connector
        (named,) = connector.read.columns([row], "data", names=connector.candle_columns + CANDLE_END)
        candle = connector.candle_told(named, is_closed=connector.read.choice(named, "confirm", CLOSED))
        tell(self.events.on_candle, connector.symbol(arg, "instId"), self._timeframe_s, candle)


class _AccountDialect(_OkxDialect):
    """Login, then the account's topics."""

    def topics(self) -> list[dict[str, str]]:
        raise NotImplementedError

    def opening(self) -> list[str]:
        return [_frame("login", self._connector.login_args())]

    def _control(self, message: Row) -> list[str]:
        event = message["event"]
        if event == "login":
            return [_frame("subscribe", self.topics())]
        if event == "error":
            code, reason = str(message.get("code")), str(message.get("msg"))[:200]
            kind = self._connector.spec.errors.get(code)
            if kind is ErrorClass.AUTH:
                raise AuthFailed(f"OKX refused the stream's login: {code} {reason}")
            if kind is ErrorClass.RESIGN:
                self._connector.clock_resync()
            raise StreamBroken(f"refused: {code} {reason}")
        return super()._control(message)

    def _told(self, arg: Row, data: list[Any]) -> None:
        try:
            for row in self._connector.read.all_rows(data, "data"):
                self._row(str(arg.get("channel")), row)
        except PayloadError as error:
            # It may be the fill that matters: end the session, so that what follows is a reconcile.
            raise StreamBroken(error.message) from None

    def _row(self, channel: str, row: Row) -> None:
        raise NotImplementedError


class PrivateDialect(_AccountDialect):
    def topics(self) -> list[dict[str, str]]:
        channels = ["orders", "positions"] if self._connector.spec.can(Capability.LEVERAGE) else ["orders"]
        return [*({"channel": name} | self._connector.in_market for name in channels), {"channel": "account"}]

    def _row(self, channel: str, row: Row) -> None:
        connector = self._connector
        if channel == "account":
            for coin in connector.read.rows(row, "details"):
                tell(self.events.on_balance, connector.parse_balance(coin))
        elif connector.symbol_or_none(row, "instId") is None:
            return
        elif channel == "positions":
            tell(self.events.on_position, connector.parse_position(row), connector.symbol(row, "instId"))
        elif channel == "orders":
            order = connector.parse_order(row)
            # Executions have no topic of their own: an update that was caused by one tells it.
            if row.get("tradeId") and row.get("fillSz") not in ("", "0", None):
                tell(self.events.on_fill, connector.parse_fill_event(row))
            tell(self.events.on_order, order)


class AlgoDialect(_AccountDialect):
    def topics(self) -> list[dict[str, str]]:
        return [{"channel": name} | self._connector.in_market for name in ("orders-algo", "algo-advance")]

    def _row(self, channel: str, row: Row) -> None:
        connector = self._connector
        if row.get("ordType") not in ALGO_KINDS or connector.symbol_or_none(row, "instId") is None:
            return
        order = connector.parse_algo_order(row)
        # From the trigger on, the ordinary order it became tells the story, under the same client id.
        if not connector.became(row) and row.get("state") != "effective":
            tell(self.events.on_order, order)
