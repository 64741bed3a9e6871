"""Pionex's rows in our types, from the REST lists and the private stream alike."""

from abc import ABC
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.exchanges.connectors.parsing import HUGE, TINY, ZERO, Row
from apps.exchanges.connectors.pionex.names import OrderName, OrderNames
from apps.exchanges.connectors.pionex.shapes import ORDER, ORDER_WORDS, POSITION, READ, TICKER, OrderRow
from apps.exchanges.connectors.pionex.spec import BOOKS, SPEC
from apps.exchanges.connectors.pionex.words import KINDS, LEGS, MARGINS, ROLES, SIDES, STATES
from apps.exchanges.connectors.rest import RestConnector
from cts.domain.types import (
    Balance,
    Instrument,
    OrderStatus,
    PositionSide,
    Ticker,
    VenueFill,
    VenueOrder,
    VenuePosition,
)

# An average is a quotient; as many digits as money has anywhere here.
AVERAGE_DIGITS = 12
CHANGE_DIGITS = 8


class PionexRows(RestConnector, ABC):
    spec = SPEC
    read = READ
    # No call tells the time: every answer does, and this is the smallest.
    time_call = BOOKS
    time_params = {"symbol": "BTC_USDT_PERP"}
    time_field = "timestamp"
    tells_time = True
    has_nameless_fills = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.names = OrderNames()

    def parse_instrument(self, row: Row, *, max_leverage: int | None = None) -> Instrument:
        """Bounds that hold for limit and market orders alike, so that either kind fits."""
        read, symbol = self.read, self.symbol(row)
        largest = [size for name in ("maxSizeLimit", "maxSizeMarket") if (size := read.positive_or_none(row, name))]
        return Instrument(
            symbol=symbol,
            venue_symbol=read.text(row, "symbol"),
            market=self.target.market,
            # The listed base currency is another name on some rows; sizes count what the symbol is called by.
            base=symbol.partition("/")[0],
            quote=read.text(row, "quoteCurrency"),
            settle=read.text(row, "quoteCurrency"),
            tick_size=read.positive(row, "quoteStep"),
            lot_step=read.positive(row, "baseStep"),
            min_quantity=max(read.positive(row, "minSizeLimit"), read.positive(row, "minSizeMarket")),
            max_quantity=min(largest) if len(largest) == 2 else None,
            min_notional=read.positive_or_none(row, "minNotional"),
            max_leverage=max_leverage or self.spec.max_leverage,
            is_trading=read.text(row, "status") == "TRADING",
        )

    def parse_ticker(self, row: Row | bytes, *, book: Row | None = None, index: Row | None = None) -> Ticker:
        """The day's figures; quotes, and mark and index price, come from lists of their own."""
        r, read = TICKER.read(row), self.read
        last, first, volume, turnover = r.close, r.open, r.volume, r.amount
        try:
            is_sane = (
                ZERO < last < HUGE
                and (first is None or ZERO <= first < HUGE)
                and (volume is None or ZERO <= volume < HUGE)
                and (turnover is None or ZERO <= turnover < HUGE)
            )
            change = round(last / first - 1, CHANGE_DIGITS) if first else None
        except InvalidOperation:
            is_sane = False
        if not is_sane:
            TICKER.refuse(r, positive=("close",))
        return Ticker(
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            last=last,
            bid=read.positive_or_none(book, "bidPrice") if book else None,
            ask=read.positive_or_none(book, "askPrice") if book else None,
            mark=read.positive_or_none(index, "markPrice") if index else None,
            index=read.positive_or_none(index, "indexPrice") if index else None,
            funding_rate=read.signed_or_none(index, "nextFundingRate") if index else None,
            next_funding_ms=read.integer_or_none(index, "nextFundingTime") if index else None,
            volume_24h=volume,
            turnover_24h=turnover,
            change_24h_ratio=change,
            at_ms=r.time,
        )

    def parse_balance(self, row: Row, isolated: Sequence[Row] = ()) -> Balance:
        """`isolated` are the legs that carry margin of their own, which the cross list leaves out."""
        read, asset = self.read, self.read.text(row, "coin")
        total = self._held(row)
        unrealized = read.signed(row, "unrealizedPnL")
        for leg in isolated:
            parts = [part for part in read.rows(leg, "balances") if part.get("coin") == asset]
            if parts:
                total += sum(map(self._held, parts), ZERO)
                unrealized += read.signed(leg, "unrealizedPnL")
        return Balance(
            asset=asset,
            total=total,
            available=max(read.signed(row, "available"), ZERO),
            equity=total + unrealized,
            unrealized_pnl=unrealized,
        )

    def _held(self, row: Row) -> Decimal:
        read = self.read
        return read.unsigned(row, "free") + read.unsigned(row, "frozen") - (read.unsigned_or_none(row, "debts") or ZERO)

    def parse_balance_event(self, row: Row) -> Balance:
        """The stream tells neither what is unrealized nor what margin leaves: equity at entry prices, and what is not frozen."""
        total = self._held(row)
        available = self.read.unsigned(row, "free")
        return Balance(asset=self.read.text(row, "coin"), total=total, available=available, equity=total)

    def parse_position(self, row: Row | bytes) -> VenuePosition | None:
        r, read = POSITION.read(row), self.read
        amount, leverage, mark, unrealized = r.netSize, r.leverage, r.markPrice, r.unrealizedPnL
        if not amount:
            return None
        entry = read.price_in(r.avgPrice, "avgPrice") or read.refuse("avgPrice", r.avgPrice)
        try:
            named = LEGS[r.positionSide]
            is_sane = (
                TINY < amount < HUGE
                and ZERO <= leverage < HUGE
                and ZERO <= mark < HUGE
                and (unrealized is None or TINY < unrealized < HUGE)
            )
        except (KeyError, InvalidOperation):
            is_sane = False
        if not is_sane:
            POSITION.refuse(r, words={"positionSide": LEGS}, signed=("netSize", "unrealizedPnL"))
        return VenuePosition(
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            side=named or (PositionSide.LONG if amount > 0 else PositionSide.SHORT),
            quantity=abs(amount),
            entry_price=entry,
            leverage=leverage or None,
            margin_mode=MARGINS.get(r.isolatedMode),
            mark_price=mark or None,
            unrealized_pnl=unrealized,
            liquidation_price=read.price_in(r.liquidationPrice, "liquidationPrice"),
            at_ms=r.updateTime,
        )

    def parse_order(self, row: Row | bytes) -> VenueOrder:
        r = ORDER.read(row)
        size, filled, spent, price = r.size or r.origSize, r.filledSize, r.filledAmount, r.price
        try:
            side, kind, leg, is_open = SIDES[r.side], KINDS[r.type], LEGS[r.positionSide], STATES[r.status]
            is_sane = ZERO < size < HUGE and ZERO <= filled < HUGE and ZERO <= spent < HUGE and ZERO <= price < HUGE
            average = round(spent / filled, AVERAGE_DIGITS) if spent and filled else None
        except (KeyError, InvalidOperation):
            is_sane = False
        if not is_sane:
            ORDER.refuse(r, words=ORDER_WORDS, positive=("size",))
        order_id = str(r.orderId)
        if self.names.get(order_id) is None:
            self.names.learn(order_id, OrderName(r.clientOrderId, leg))
        return VenueOrder(
            client_order_id=r.clientOrderId,
            venue_order_id=order_id,
            symbol=self._symbols.get(r.symbol) or self.symbol_named(r.symbol),
            side=side,
            order_type=kind,
            status=_status(r, is_open=is_open),
            quantity=size,
            filled_quantity=filled,
            average_price=average,
            price=price or None,
            is_reduce_only=r.reduceOnly,
            position_side=leg,
            created_ms=r.createTime,
            updated_ms=r.updateTime,
        )

    def parse_fill(self, row: Row) -> VenueFill:
        read = self.read
        order_id = read.identifier(row, "orderId")
        name = self.names.get(order_id) or OrderName("", None)
        return VenueFill(
            venue_trade_id=read.identifier(row, "id"),
            venue_order_id=order_id,
            client_order_id=name.client_order_id,
            symbol=self.symbol(row),
            side=read.choice(row, "side", SIDES),
            price=read.positive(row, "price"),
            quantity=read.positive(row, "size"),
            fee=read.signed(row, "fee"),
            fee_asset=read.text(row, "feeCoin"),
            is_maker=read.choice(row, "role", ROLES),
            executed_ms=read.integer(row, "timestamp"),
            position_side=name.leg,
        )


def _status(row: OrderRow, *, is_open: bool) -> OrderStatus:
    """Filled, canceled and rejected are all CLOSED here; an order trimmed to nothing was never in the book."""
    if is_open:
        return OrderStatus.PARTIALLY_FILLED if row.filledSize else OrderStatus.ACCEPTED
    if not row.size:
        return OrderStatus.REJECTED
    return OrderStatus.FILLED if row.filledSize >= row.size else OrderStatus.CANCELED
