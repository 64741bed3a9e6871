"""A venue in memory that does what a test's script says: a counterpart for services, not a copy of ours."""

import itertools
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.registry import EXCHANGES
from apps.exchanges.connectors.spec import ExchangeSpec
from apps.exchanges.connectors.stream import Stream
from apps.exchanges.connectors.verbs import OptionalVerbs
from cts.domain.errors import OrderNotFound, Rejected
from cts.domain.types import (
    Balance,
    Candle,
    Instrument,
    MarginMode,
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
from cts.domain.venue import AmendRequest, FundingPayment

ZERO = Decimal(0)
Fault = Exception | Callable[[], object]


def now_ms() -> int:
    return int(time.time() * 1000)


class ScriptedVenue(OptionalVerbs):
    """Hedge mode by default. `before` raises instead of accepting, `after` raises once the order is in the books."""

    spec: ClassVar[ExchangeSpec] = msgspec.structs.replace(EXCHANGES["bybit"], visibility_delay_s=0.0)

    def __init__(self, *, price: str = "60000", mode: PositionMode = PositionMode.HEDGE) -> None:
        self.price = Decimal(price)
        self.mode = mode
        self.fee_rate = Decimal("0.0005")
        self.before: list[Fault] = []
        self.after: list[Fault] = []
        self.reads: list[Exception] = []
        self.fills_held_back = False
        self.is_market_filled = True
        self.placed: list[OrderRequest] = []
        self.canceled: list[str] = []
        self.orders: dict[str, VenueOrder] = {}
        self.executions: list[VenueFill] = []
        self.legs: dict[tuple[str, PositionSide], VenuePosition] = {}
        self.equity = Decimal(10_000)
        self.fundings: list[FundingPayment] = []
        self.fundings_asked = 0
        self.funding_error: Exception | None = None
        self._ids = itertools.count(1)
        self._trades = itertools.count(1)

    # --- the script -------------------------------------------------------------------------------------------------
    def fill(
        self, client_order_id: str, quantity: str | Decimal | None = None, *, price: str | Decimal | None = None
    ) -> VenueFill:
        """Execute part or all of an order of ours."""
        order = self.orders[client_order_id]
        left = order.quantity - order.filled_quantity
        amount = left if quantity is None else Decimal(quantity)
        filled = order.filled_quantity + amount
        status = OrderStatus.FILLED if filled == order.quantity else OrderStatus.PARTIALLY_FILLED
        self.orders[client_order_id] = msgspec.structs.replace(order, filled_quantity=filled, status=status)
        return self._execute(order, amount, Decimal(price) if price else self.price)

    def by_hand(self, side: Side, quantity: str, *, leg: PositionSide, symbol: str = "BTC/USDT:USDT") -> VenueFill:
        """A market order somebody else places on the same account."""
        number = next(self._ids)
        order = VenueOrder(
            client_order_id="",
            venue_order_id=f"v{number}",
            symbol=symbol,
            side=side,
            order_type=OrderType.MARKET,
            status=OrderStatus.FILLED,
            quantity=Decimal(quantity),
            filled_quantity=Decimal(quantity),
            position_side=leg if self.mode is PositionMode.HEDGE else None,
        )
        self.orders[f"hand{number}"] = order
        return self._execute(order, Decimal(quantity), self.price, leg=leg)

    @property
    def entries(self) -> list[OrderRequest]:
        """What was sent to open, each time it was sent."""
        return [request for request in self.placed if not request.is_reduce_only]

    def rests(self, client_order_id: str) -> bool:
        order = self.orders.get(client_order_id)
        return order is not None and order.status in (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)

    def drop(self, client_order_id: str, status: OrderStatus = OrderStatus.CANCELED) -> VenueOrder:
        """The venue ends an order by itself."""
        self.orders[client_order_id] = msgspec.structs.replace(self.orders[client_order_id], status=status)
        return self.orders[client_order_id]

    def _execute(
        self, order: VenueOrder, quantity: Decimal, price: Decimal, *, leg: PositionSide | None = None
    ) -> VenueFill:
        side = leg or order.position_side or PositionSide.LONG
        fill = VenueFill(
            venue_trade_id=f"t{next(self._trades)}",
            venue_order_id=order.venue_order_id,
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            price=price,
            quantity=quantity,
            fee=price * quantity * self.fee_rate,
            fee_asset="USDT",
            is_maker=False,
            executed_ms=now_ms(),
            position_side=side if self.mode is PositionMode.HEDGE else None,
        )
        self.executions.append(fill)
        self._leg_move(order.symbol, side, quantity if order.side is side.entry_side else -quantity, price)
        return fill

    def _leg_move(self, symbol: str, side: PositionSide, signed: Decimal, price: Decimal) -> None:
        held = self.legs.pop((symbol, side), None)
        before = held.quantity if held else ZERO
        after = before + signed
        if after > 0:
            entry = held.entry_price if held and signed < 0 else price
            if held and signed > 0:
                entry = (held.entry_price * before + price * signed) / after
            leg = VenuePosition(symbol=symbol, side=side, quantity=after, entry_price=entry)
            self.legs[symbol, side] = leg

    def _fault(self, faults: list[Fault]) -> None:
        if not faults:
            return
        fault = faults.pop(0)
        if isinstance(fault, Exception):
            raise fault
        fault()

    def _read(self) -> None:
        if self.reads:
            raise self.reads.pop(0)

    # --- the connector ----------------------------------------------------------------------------------------------
    def place(self, request: OrderRequest) -> OrderAck:
        self.placed.append(request)
        self._fault(self.before)
        if request.client_order_id in self.orders:
            raise Rejected("duplicate client order id", venue_code="110072")
        order = VenueOrder(
            client_order_id=request.client_order_id,
            venue_order_id=f"v{next(self._ids)}",
            symbol=request.symbol,
            side=request.side,
            order_type=request.order_type,
            status=OrderStatus.ACCEPTED,
            quantity=request.quantity,
            filled_quantity=ZERO,
            price=request.price,
            trigger_price=request.trigger_price,
            is_reduce_only=request.is_reduce_only,
            position_side=request.position_side,
        )
        self.orders[request.client_order_id] = order
        if request.order_type is OrderType.MARKET and self.is_market_filled:
            self.fill(request.client_order_id)
        self._fault(self.after)
        return OrderAck(client_order_id=request.client_order_id, venue_order_id=order.venue_order_id)

    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        self._read()
        order = self.orders.get(client_order_id)
        if order is None or order.status.is_final:
            raise OrderNotFound("order does not exist", venue_code="110001")
        self.canceled.append(client_order_id)
        self.drop(client_order_id)

    def _amend(self, request: AmendRequest) -> None:
        order = self.orders[request.client_order_id]
        terms = {name: getattr(request, name) for name in ("quantity", "price", "trigger_price")}
        changes = {name: value for name, value in terms.items() if value is not None}
        self.orders[request.client_order_id] = msgspec.structs.replace(order, **changes)

    def cancel_all(self, symbol: str) -> None:
        for key, order in list(self.orders.items()):
            if order.symbol == symbol and not order.status.is_final:
                self.drop(key)

    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        self._read()
        order = self.orders.get(client_order_id)
        if order is None:
            raise OrderNotFound("no such order", venue_code="110001")
        return order

    def open_orders(self, symbol: str | None = None) -> list[VenueOrder]:
        self._read()
        return [
            order
            for order in self.orders.values()
            if not order.status.is_final and (symbol is None or order.symbol == symbol)
        ]

    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        self._read()
        if self.fills_held_back:
            return []
        return [
            fill
            for fill in self.executions
            if fill.symbol == symbol
            and (since_ms is None or fill.executed_ms >= since_ms)
            and (not venue_order_id or fill.venue_order_id == venue_order_id)
        ]

    def positions(self) -> list[VenuePosition]:
        self._read()
        return list(self.legs.values())

    def balances(self) -> list[Balance]:
        return [Balance(asset="USDT", total=self.equity, available=self.equity, equity=self.equity)]

    def position_mode(self) -> PositionMode:
        return self.mode

    def set_position_mode(self, mode: PositionMode) -> None:
        self.mode = mode

    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None: ...

    def set_margin_mode(self, symbol: str, *, margin_mode: MarginMode, leverage: int) -> None: ...

    def now_ms(self) -> int:
        return self.server_time_ms()

    def server_time_ms(self) -> int:
        return now_ms()

    def instruments(self) -> list[Instrument]:
        return []

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        return []

    def candles(self, symbol: str, *, timeframe_s: int, since_ms: int | None = None, limit: int = 500) -> list[Candle]:
        return []

    def funding_payments(self, *, since_ms: int | None = None) -> list[FundingPayment]:
        self.fundings_asked += 1
        if self.funding_error is not None:
            raise self.funding_error
        return [payment for payment in self.fundings if payment.at_ms >= (since_ms or 0)]

    def public_stream(self, symbols: Iterable[str], events: StreamEvents, **options: Any) -> Stream:
        raise NotImplementedError("services are told by poll here")

    def private_stream(self, events: StreamEvents) -> Stream:
        raise NotImplementedError("services are told by poll here")

    def close(self) -> None: ...
