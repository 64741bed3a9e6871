"""Binance spot: its calls. https://developers.binance.com/docs/binance-spot-api-docs"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.binance import spot_spec as calls
from apps.exchanges.connectors.binance.board import QuoteBoard
from apps.exchanges.connectors.binance.spot_rows import BinanceSpotRows
from apps.exchanges.connectors.binance.spot_stream import SpotDialect, SpotPrivateDialect, streams_of
from apps.exchanges.connectors.binance.words import SIDE_WORDS
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call
from apps.exchanges.connectors.stream import Stream
from apps.exchanges.connectors.transport import Response
from cts.domain.errors import AuthFailed, OrderNotFound
from cts.domain.types import Balance, Instrument, OrderAck, OrderRequest, OrderType, Ticker, TimeInForce, VenueOrder
from cts.domain.units import decimal_text
from cts.domain.venue import Channel, KeyRights

KIND_WORDS = {
    OrderType.LIMIT: "LIMIT",
    OrderType.MARKET: "MARKET",
    OrderType.STOP_MARKET: "STOP_LOSS",
    OrderType.TAKE_PROFIT_MARKET: "TAKE_PROFIT",
}
FORCE_WORDS = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}


class BinanceSpotConnector(BinanceSpotRows):
    def _verdict(self, payload: Any, response: Response) -> tuple[str, str]:
        code, message = super()._verdict(payload, response)
        return (calls.DUPLICATE if code == "-2010" and message.startswith("Duplicate order") else code), message

    # --- market -----------------------------------------------------------------------------------------------------
    def instruments(self) -> list[Instrument]:
        rows = self.read.rows(self.call(calls.INSTRUMENTS, {"permissions": "SPOT"}), "symbols")
        return [self.parse_instrument(row) for row in rows if row.get("quoteAsset") == "USDT" and self._is_ours(row)]

    def _is_ours(self, row: Row) -> bool:
        return self.symbol_or_none(row) is not None

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else set(symbols)
        if wanted is not None and len(wanted) == 1:
            rows = [self._one(calls.TICKER, {"symbol": self.venue_symbol(next(iter(wanted)))})]
        else:
            rows = self._rows(calls.TICKERS)
        return [
            self.parse_ticker(row)
            for row in rows
            if (symbol := self.symbol_or_none(row)) is not None
            and (wanted is None or symbol in wanted)
            and self.read.unsigned(row, "lastPrice")  # what was never traded has no price
        ]

    def _candle_page(self, symbol: str, *, interval: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
        params = {"symbol": self.venue_symbol(symbol), "interval": interval}
        params |= {"startTime": str(start_ms), "endTime": str(end_ms), "limit": str(limit)}
        rows = self.call(calls.CANDLES, params)
        return self.read.columns(rows, "body", names=("open_ms", "open", "high", "low", "close", "volume"))

    # --- account ----------------------------------------------------------------------------------------------------
    def balances(self) -> list[Balance]:
        account = self._one(calls.ACCOUNT, {"omitZeroBalances": "true"})
        return [self.parse_balance(row) for row in self.read.rows(account, "balances")]

    def key_rights(self) -> KeyRights:
        """The test environment doesn't tell them."""
        if calls.KEY.host not in self.addresses.hosts:
            return KeyRights()
        return self.parse_key_rights(self._one(calls.KEY, {}), right="enableSpotAndMarginTrading")

    # --- orders -----------------------------------------------------------------------------------------------------
    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]:
        kind = request.order_type
        params: dict[str, Any] = {
            "symbol": self.venue_symbol(request.symbol),
            "side": SIDE_WORDS[request.side],
            "type": KIND_WORDS[kind],
            "quantity": decimal_text(request.quantity),
            "newClientOrderId": request.client_order_id,
            "newOrderRespType": "ACK",
        }
        if kind is OrderType.LIMIT and request.price is not None:
            params["price"] = decimal_text(request.price)
            if request.time_in_force is TimeInForce.POST_ONLY:
                params["type"] = "LIMIT_MAKER"
            else:
                params["timeInForce"] = FORCE_WORDS[request.time_in_force]
        if kind.is_conditional and request.trigger_price is not None:
            params["stopPrice"] = decimal_text(request.trigger_price)
        return calls.PLACE, params

    def _ack(self, payload: Any, request: OrderRequest) -> OrderAck:
        order_id = self.read.identifier(payload, "orderId")
        self.client_ids.learn(order_id, request.client_order_id)
        return OrderAck(client_order_id=request.client_order_id, venue_order_id=order_id)

    def _naming(self, symbol: str, client_order_id: str, venue_order_id: str) -> dict[str, str]:
        name = {"origClientOrderId": client_order_id} if client_order_id else {"orderId": venue_order_id}
        return {"symbol": self.venue_symbol(symbol)} | name

    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        self.call(calls.CANCEL, self._naming(symbol, client_order_id, venue_order_id))

    def cancel_all(self, symbol: str) -> None:
        with suppress(OrderNotFound):  # that there are none is refused here
            self.call(calls.CANCEL_ALL, {"symbol": self.venue_symbol(symbol)})

    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        return self.parse_order(self._one(calls.ORDER, self._naming(symbol, client_order_id, venue_order_id)))

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        call, params = calls.OPEN_ORDERS_ALL, {}
        if symbol:
            call, params = calls.OPEN_ORDERS, {"symbol": self.venue_symbol(symbol)}
        return [self.parse_order(row) for row in self._rows(call, params) if self.symbol_or_none(row)]

    # --- streams ----------------------------------------------------------------------------------------------------
    def login_params(self) -> dict[str, object]:
        """For the account stream: the parameters signed in the order of their names."""
        if self._signer is None:
            raise AuthFailed("Binance: the private stream needs an API key", exchange=self.spec.name)
        params = {"apiKey": self._key, "timestamp": self.now_ms()}
        text = "&".join(f"{name}={value}" for name, value in params.items())
        return {**params, "signature": self._signer.hex(text.encode())}

    def public_stream(
        self,
        symbols: Iterable[str],
        events: StreamEvents,
        *,
        channels: Iterable[Channel] = (Channel.TICKERS,),
        timeframe_s: int = 60,
    ) -> Stream:
        wanted = self.channels_checked(channels, timeframe_s=timeframe_s)
        dialect = SpotDialect(
            QuoteBoard(self, events),
            urls=self.addresses.ws["public"],
            events=events,
            streams=streams_of(wanted, interval=self.spec.timeframes[timeframe_s]),
            channels=wanted,
            timeframe_s=timeframe_s,
        )
        dialect.subscribe(symbols)
        return Stream([dialect], events=events, name="binance-spot-public")

    def private_stream(self, events: StreamEvents) -> Stream:
        dialect = SpotPrivateDialect(self, urls=self.addresses.ws["private"], events=events)
        return Stream([dialect], events=events, name="binance-spot-private")
