"""Pionex spot: its calls. https://www.pionex.com/docs/api-docs"""

import threading
import weakref
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.pionex import spot_spec as calls
from apps.exchanges.connectors.pionex.spot_rows import PionexSpotRows
from apps.exchanges.connectors.pionex.spot_stream import SpotPrivateDialect
from apps.exchanges.connectors.pionex.words import SIDE_WORDS
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.stream import Stream, log
from cts.domain.errors import AuthFailed, ExchangeError
from cts.domain.types import (
    Balance,
    Instrument,
    OrderAck,
    OrderRequest,
    OrderType,
    Side,
    Ticker,
    TimeInForce,
    VenueFill,
    VenueOrder,
)
from cts.domain.units import decimal_text

# How long a first order in a symbol waits for the account stream to listen there.
LISTENING_S = 2.0


class PionexSpotConnector(PionexSpotRows):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._lock = threading.Lock()
        self._symbols_used: set[str] = set()
        self._listening: weakref.WeakSet[Stream] = weakref.WeakSet()

    # --- market -----------------------------------------------------------------------------------------------------
    def instruments(self) -> list[Instrument]:
        rows = self._ours(self._listed(self._data(calls.INSTRUMENTS, {"type": "SPOT"}), "symbols"))
        return [self.parse_instrument(row) for row in rows]

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else set(symbols)
        params = {"type": "SPOT"}
        if wanted is not None and len(wanted) == 1:
            params = {"symbol": self.venue_symbol(next(iter(wanted)))}
        rows = self._listed(self._data(calls.TICKERS, params), "tickers")
        books = {row.get("symbol"): row for row in self._listed(self._data(calls.BOOKS, params), "tickers")}
        return [
            self.parse_ticker(row, book=books.get(row["symbol"]))
            for row in rows
            if (symbol := self.symbol_or_none(row)) is not None and (wanted is None or symbol in wanted)
        ]

    # --- account ----------------------------------------------------------------------------------------------------
    def balances(self) -> list[Balance]:
        return [self.parse_balance(row) for row in self._listed(self._data(calls.BALANCES), "balances")]

    # --- orders -----------------------------------------------------------------------------------------------------
    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]:
        request = self.sent_as(request)
        params: dict[str, Any] = {
            "symbol": self.venue_symbol(request.symbol),
            "side": SIDE_WORDS[request.side],
            "size": decimal_text(request.quantity),
            "clientOrderId": request.client_order_id,
        }
        if request.order_type is OrderType.LIMIT and request.price is not None:
            params |= {"type": "LIMIT", "price": decimal_text(request.price)}
            if request.time_in_force is TimeInForce.IOC:
                params["IOC"] = True
        else:
            params["type"] = "MARKET"
        return self.order_calls.place, params

    def best_prices(self, symbol: str) -> tuple[Decimal | None, Decimal]:
        rows = self._listed(self._data(calls.BOOKS, {"symbol": self.venue_symbol(symbol)}), "tickers")
        row = rows[0] if rows else {}
        return self.read.positive_or_none(row, "bidPrice"), self.read.positive(row, "askPrice")

    def place(self, request: OrderRequest) -> OrderAck:
        self._listen_to(request.symbol, within_s=LISTENING_S)
        return super().place(request)

    def _together(self, requests: list[OrderRequest]) -> list[OrderAck | ExchangeError]:
        self._listen_to(requests[0].symbol, within_s=LISTENING_S)
        return super()._together(requests)

    def _place_of(self, symbol: str) -> dict[str, Any]:
        """Ids are looked up without a symbol."""
        return {}

    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        self._listen_to(symbol)
        return super().order(
            symbol,
            client_order_id=client_order_id,
            venue_order_id=venue_order_id,
            is_conditional=is_conditional,
        )

    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        self._listen_to(symbol)
        return super().fills(symbol, since_ms=since_ms, venue_order_id=venue_order_id)

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        """The venue lists them by symbol. Without one: those of all symbols used here, or in which coins are held.

        A buy made elsewhere in a symbol of neither kind can't be found; money set aside for one is logged.
        """
        if symbol is not None:
            self._listen_to(symbol)
            params = {"symbol": self.venue_symbol(symbol)}
            rows = self._listed(self._data(self.order_calls.open_orders, params), "orders")
            return [order for order in map(self.parse_order, self._ours(rows)) if not order.status.is_final]
        balances = {balance.asset: balance for balance in self.balances()}
        held = {f"{asset}{self.spec.suffix}" for asset, coin in balances.items() if coin.total and asset != "USDT"}
        with self._lock:
            symbols = held | self._symbols_used
        found = [order for each in sorted(symbols) for order in self.open_orders(each)]
        self._note_unexplained(balances.get("USDT"), found)
        return found

    def _note_unexplained(self, quote: Balance | None, found: list[VenueOrder]) -> None:
        buys = [order for order in found if order.side is Side.BUY]
        if quote is not None and quote.total > quote.available and not buys:
            log.warning(
                "Pionex spot: %s USDT are set aside for orders in symbols not known here", quote.total - quote.available
            )

    # --- streams ----------------------------------------------------------------------------------------------------
    def symbols_used(self) -> set[str]:
        with self._lock:
            return set(self._symbols_used)

    def _listen_to(self, symbol: str, *, within_s: float = 0.0) -> None:
        """The account stream tells of orders symbol by symbol: one that is used is subscribed to."""
        name = self.venue_symbol(symbol)
        with self._lock:
            is_new = symbol not in self._symbols_used
            self._symbols_used.add(symbol)
            streams = list(self._listening)
        for stream in streams:
            if is_new:
                stream.add([symbol])
            for dialect in stream.dialects if within_s and stream.is_connected else ():
                if isinstance(dialect, SpotPrivateDialect):
                    dialect.wait_for(name, within_s=within_s)

    def stream_address(self, url: str) -> str:
        """The login is in the address: good for some seconds around now, by the venue's clock."""
        if self._signer is None:
            raise AuthFailed("Pionex: the private stream needs an API key", exchange="pionex")
        query = f"key={self._key}&timestamp={self.now_ms()}"
        # The path that is signed is the venue's, wherever it is reached.
        return f"{url}?{query}&signature={self._signer.hex(f'/ws?{query}websocket_auth'.encode())}"

    def private_stream(self, events: StreamEvents) -> Stream:
        dialect = SpotPrivateDialect(self, urls=self.addresses.ws["private"], events=events)
        stream = Stream([dialect], events=events, name="pionex-spot-private")
        with self._lock:
            self._listening.add(stream)
        return stream
