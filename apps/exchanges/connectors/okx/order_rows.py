"""OKX's orders, conditional orders and executions in our types. Sizes come in contracts and leave in base coins."""

from abc import ABC
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from apps.exchanges.connectors.client_ids import ClientIds
from apps.exchanges.connectors.okx.rows import OkxRows
from apps.exchanges.connectors.okx.shapes import ORDER, ORDER_WORDS
from apps.exchanges.connectors.okx.words import (
    ALGO_KINDS,
    ALGO_STATUSES,
    AT_MARKET,
    CANCEL_SOURCES,
    FLAGS,
    KINDS,
    LEGS,
    SIDES,
    STATUSES,
    TRIGGERS,
)
from apps.exchanges.connectors.parsing import HUGE, ZERO, Row
from cts.domain.types import OrderStatus, OrderType, VenueFill, VenueOrder

MAKERS = {"M": True, "T": False, "": False}


class OkxOrderRows(OkxRows, ABC):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Executions don't carry the client id of the conditional order theirs came from.
        self.client_ids = ClientIds()

    def parse_order(self, row: Row | bytes) -> VenueOrder:
        """Of an order a trigger set off, the client id is that of the conditional one."""
        r, read = ORDER.read(row), self.read
        quantity, filled = r.sz, r.accFillSz
        try:
            side, status, leg = SIDES[r.side], STATUSES[r.state], LEGS[r.posSide]
            kind, is_reduce_only = KINDS[r.ordType], FLAGS[r.reduceOnly]
            is_sane = ZERO < quantity < HUGE and ZERO <= filled < HUGE
        except (KeyError, InvalidOperation):
            is_sane = False
        if not is_sane:
            ORDER.refuse(r, words=ORDER_WORDS, positive=("sz",))
        size = self._size(r.instId)
        order = VenueOrder(
            client_order_id=r.algoClOrdId or r.clOrdId,
            venue_order_id=r.ordId,
            symbol=self._symbols.get(r.instId) or self.symbol_named(r.instId, "instId"),
            side=side,
            order_type=kind,
            status=status,
            quantity=quantity * size,
            filled_quantity=filled * size,
            average_price=read.price_in(r.avgPx, "avgPx") if r.avgPx else None,
            price=read.price_in(r.px, "px") if r.px else None,
            is_reduce_only=is_reduce_only,
            position_side=leg,
            created_ms=r.cTime,
            updated_ms=r.uTime,
        )
        if r.algoClOrdId:
            self.client_ids.learn(r.ordId, r.algoClOrdId)
        if status is not OrderStatus.CANCELED or r.cancelSource in ("", "1"):
            return order
        reason = CANCEL_SOURCES.get(r.cancelSource) or f"cancel source {r.cancelSource}"
        return msgspec.structs.replace(order, reject_reason=reason)

    def parse_algo_order(self, row: Row) -> VenueOrder:
        """A conditional order. Once it was set off, its venue id is that of the order it became."""
        read = self.read
        symbol, size = self.symbol(row, "instId"), self._size(read.text(row, "instId"))
        client_order_id = read.text_or_empty(row, "algoClOrdId") or read.text_or_empty(row, "clOrdId")
        if became := self.became(row):
            self.client_ids.learn(became, client_order_id)
        kind, trigger, price = self._trigger(row)
        # Without a size it closes whatever is held.
        is_closing = read.positive_or_none(row, "closeFraction") is not None and not row.get("sz")
        return VenueOrder(
            client_order_id=client_order_id,
            venue_order_id=became or read.identifier(row, "algoId"),
            symbol=symbol,
            side=read.choice(row, "side", SIDES),
            order_type=kind,
            status=read.choice(row, "state", ALGO_STATUSES),
            quantity=ZERO if is_closing else read.positive(row, "sz") * size,
            filled_quantity=ZERO,
            price=price,
            trigger_price=trigger,
            is_reduce_only=read.choice(row, "reduceOnly", FLAGS),
            position_side=read.choice(row, "posSide", LEGS),
            created_ms=read.integer_or_none(row, "cTime") or 0,
            updated_ms=read.integer_or_none(row, "uTime") or 0,
        )

    def became(self, row: Row) -> str:
        """The id of the order a conditional one set off; empty before."""
        ids = row.get("ordIdList")
        named = ids[0] if isinstance(ids, list) and ids and isinstance(ids[0], str) else ""
        return named or self.read.text_or_empty(row, "ordId")

    def _trigger(self, row: Row) -> tuple[OrderType, Decimal | None, Decimal | None]:
        read = self.read
        word = read.text(row, "ordType")
        if word not in ALGO_KINDS:
            read.refuse("ordType", word)
        if word == "move_order_stop":
            # Before it follows the price there is only the price at which it will begin to.
            moving = read.positive_or_none(row, "moveTriggerPx") or read.positive_or_none(row, "activePx")
            return OrderType.TRAILING_STOP, moving, None
        for field, price_field, kind in TRIGGERS:
            if (trigger := read.positive_or_none(row, field)) is not None:
                is_market = row.get(price_field) == AT_MARKET
                return kind, trigger, None if is_market else read.positive_or_none(row, price_field)
        return read.refuse(TRIGGERS[0][0], None)

    def parse_fill(self, row: Row) -> VenueFill:
        """Fees are told as the balance sees them: negative when paid."""
        read = self.read
        order_id = read.identifier(row, "ordId")
        symbol, name = self.symbol(row, "instId"), read.text(row, "instId")
        return VenueFill(
            venue_trade_id=read.identifier(row, "tradeId"),
            venue_order_id=order_id,
            client_order_id=self.client_ids.get(order_id) or read.text_or_empty(row, "clOrdId"),
            symbol=symbol,
            side=read.choice(row, "side", SIDES),
            price=read.positive(row, "fillPx"),
            quantity=read.positive(row, "fillSz") * self._size(name),
            fee=-read.signed(row, "fee"),
            fee_asset=read.text(row, "feeCcy"),
            is_maker=read.choice(row, "execType", MAKERS),
            executed_ms=read.integer(row, "fillTime"),
            position_side=read.choice(row, "posSide", LEGS),
        )

    def parse_fill_event(self, row: Row) -> VenueFill:
        """The newest execution, as an order's update tells it."""
        return self.parse_fill(row | {"fee": row.get("fillFee"), "feeCcy": row.get("fillFeeCcy")})
