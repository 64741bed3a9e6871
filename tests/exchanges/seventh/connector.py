"""The tiny venue's connector: what differs, and nothing more."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.parsing import Reader, Row
from apps.exchanges.connectors.rest import RestConnector
from apps.exchanges.connectors.spec import (
    Call,
    Capability,
    Endpoints,
    ErrorClass,
    ExchangeSpec,
    Intent,
    RateRule,
    Scope,
)
from apps.exchanges.connectors.stream import Stream
from apps.exchanges.connectors.transport import Prepared, Response
from cts.domain.types import (
    Balance,
    Environment,
    Instrument,
    MarginMode,
    Market,
    OrderAck,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionMode,
    PositionSide,
    Side,
    Ticker,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from cts.domain.units import decimal_text
from cts.domain.venue import Channel

_COST = (("calls", 1),)


def _call(path: str, *, is_signed: bool = True) -> Call:
    return Call(method="GET", path=path, is_signed=is_signed, costs=_COST)


TIME, SYMBOLS, TICKERS, CANDLES = (_call(f"/{n}", is_signed=False) for n in ("time", "symbols", "tickers", "candles"))
BALANCE, POSITIONS, ORDER, ORDERS, FILLS = map(_call, ("/balance", "/positions", "/order", "/orders", "/fills"))
PLACE = Call(method="POST", path="/place", intent=Intent.PLACE, costs=_COST)


def spec_at(url: str) -> ExchangeSpec:
    return ExchangeSpec(
        name="tiny",
        label="Tiny",
        environments={Environment.LIVE: Endpoints(rest=url, ws={})},
        paper_ws_paths={},
        market=Market.LINEAR,
        capabilities=frozenset({Capability.LEVERAGE, Capability.QUERY_BY_CLIENT_ID}),
        venue_suffix="x",
        timeframes={60: "1m"},
        candles_max=500,
        rate_rules=(RateRule(name="calls", scope=Scope.IP, limit=1000, interval_s=1.0),),
        errors={"BAD_KEY": ErrorClass.AUTH, "NO_ORDER": ErrorClass.GONE, "NO_POSITION": ErrorClass.REJECT},
        http_errors={},
        visibility_delay_s=0.0,
        heartbeat_s=10.0,
        max_leverage=10,
    )


class TinyConnector(RestConnector):
    read = Reader("tiny")
    time_call, time_field = TIME, "now"

    def _prepare(self, call: Call, params: Mapping[str, Any]) -> Prepared:
        text = json.dumps(params) if call.method == "POST" else urlencode(params)
        headers = {"X-Sign": self._signer.hex(text.encode())} if call.is_signed and self._signer else {}
        if call.method == "POST":
            return Prepared("POST", call.path, text.encode(), headers)
        return Prepared("GET", f"{call.path}?{text}", b"", headers)

    def _verdict(self, payload: Any, response: Response) -> tuple[str, str]:
        if self.read.flag(payload, "ok"):
            return "", ""
        return self.read.text(payload, "code"), self.read.text(payload, "message")

    def _told(self, call: Call, **params: Any) -> Any:
        return self.call(call, params)["data"]

    def server_time_ms(self) -> int:
        return self.read.integer(self._told(TIME), "now")

    def _time_once(self) -> int:
        return self.server_time_ms()

    # --- reads --------------------------------------------------------------------------------------------------------
    def instruments(self) -> list[Instrument]:
        return [self.parse_instrument(row) for row in self._told(SYMBOLS)]

    def parse_instrument(self, row: Row) -> Instrument:
        return Instrument(
            symbol=self.symbol(row, "name"),
            venue_symbol=self.read.text(row, "name"),
            market=Market.LINEAR,
            base=self.read.text(row, "base"),
            quote="USDT",
            settle="USDT",
            tick_size=self.read.positive(row, "tick"),
            lot_step=self.read.positive(row, "step"),
            min_quantity=self.read.positive(row, "least"),
            max_leverage=self.read.integer(row, "leverage"),
        )

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        return [self.parse_ticker(row) for row in self._told(TICKERS)]

    def parse_ticker(self, row: Any) -> Ticker:
        last, at_ms = self.read.positive(row, "last"), self.read.integer(row, "at")
        return Ticker(symbol=self.symbol(row, "name"), last=last, at_ms=at_ms)

    def _candle_page(self, symbol: str, *, interval: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
        rows = self._told(CANDLES, **{"from": start_ms, "to": min(end_ms, self.now_ms())})
        return self.read.columns(rows, "data", names=("open_ms", "open", "high", "low", "close", "volume"))

    def balances(self) -> list[Balance]:
        row = self._told(BALANCE)
        total, free = self.read.unsigned(row, "total"), self.read.unsigned(row, "free")
        return [Balance(asset="USDT", total=total, available=free, equity=total)]

    def positions(self) -> list[VenuePosition]:
        legs = [self.parse_position(row) for row in self._told(POSITIONS)]
        return [leg for leg in legs if leg is not None]

    def parse_position(self, row: Any) -> VenuePosition | None:
        quantity = self.read.signed(row, "quantity")
        side = PositionSide.LONG if quantity > 0 else PositionSide.SHORT
        price = self.read.positive(row, "price")
        return VenuePosition(symbol=self.symbol(row, "name"), side=side, quantity=abs(quantity), entry_price=price)

    # --- settings: the account is as it is ------------------------------------------------------------------------------
    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None:
        """Up to ten times, whatever is asked."""

    def set_margin_mode(self, symbol: str, *, margin_mode: MarginMode, leverage: int) -> None:
        """Cross, always."""

    def position_mode(self) -> PositionMode:
        return PositionMode.ONE_WAY

    def set_position_mode(self, mode: PositionMode) -> None:
        self.require(Capability.POSITION_MODE_SET)

    # --- orders -------------------------------------------------------------------------------------------------------
    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]:
        return PLACE, {
            "id": request.client_order_id,
            "name": self.venue_symbol(request.symbol),
            "side": str(request.side),
            "quantity": decimal_text(request.quantity),
            "reduce_only": request.is_reduce_only,
        }

    def _ack(self, payload: Any, request: OrderRequest) -> OrderAck:
        number = self.read.identifier(self.read.mapping(payload, "data"), "number")
        return OrderAck(client_order_id=request.client_order_id, venue_order_id=number)

    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        return self.parse_order(self._told(ORDER, id=client_order_id))

    def parse_order(self, row: Any) -> VenueOrder:
        quantity = self.read.positive(row, "quantity")
        return VenueOrder(
            client_order_id=self.read.text(row, "id"),
            venue_order_id=self.read.identifier(row, "number"),
            symbol=self.symbol(row, "name"),
            side=Side(self.read.text(row, "side")),
            order_type=OrderType.MARKET,
            status=OrderStatus.FILLED,
            quantity=quantity,
            filled_quantity=quantity,
            average_price=Decimal(100),
            is_reduce_only=self.read.flag(row, "reduce_only"),
        )

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        return [self.parse_order(row) for row in self._told(ORDERS)]

    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        fills = [self.parse_fill(row) for row in self._told(FILLS)]
        return [fill for fill in fills if venue_order_id in ("", fill.venue_order_id)]

    def parse_fill(self, row: Row) -> VenueFill:
        number = self.read.identifier(row, "number")
        return VenueFill(
            venue_trade_id=f"t{number}",
            venue_order_id=number,
            client_order_id=self.read.text(row, "id"),
            symbol=self.symbol(row, "name"),
            side=Side(self.read.text(row, "side")),
            price=self.read.positive(row, "price"),
            quantity=self.read.positive(row, "quantity"),
            fee=self.read.signed(row, "fee"),
            fee_asset="USDT",
            is_maker=False,
            executed_ms=self.read.integer(row, "at"),
        )

    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        self.order(symbol, client_order_id=client_order_id)

    def cancel_all(self, symbol: str) -> None:
        """Nothing ever rests."""

    # --- streams: it has none, the poll tells everything ------------------------------------------------------------------
    def public_stream(
        self,
        symbols: Iterable[str],
        events: StreamEvents,
        *,
        channels: Iterable[Channel] = (Channel.TICKERS,),
        timeframe_s: int = 60,
    ) -> Stream:
        return Stream([], events=events, name="tiny-public")

    def private_stream(self, events: StreamEvents) -> Stream:
        return Stream([], events=events, name="tiny-private")
