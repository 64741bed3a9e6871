"""OrangeX's rows in our types, from the REST lists and the sockets alike."""

from abc import ABC
from decimal import Decimal, InvalidOperation

import msgspec

from apps.exchanges.connectors.orangex.memory import Placed
from apps.exchanges.connectors.orangex.shapes import ORDER, ORDER_WORDS, POSITION, READ, TICKER
from apps.exchanges.connectors.orangex.spec import SPEC, TIME
from apps.exchanges.connectors.orangex.words import (
    KINDS,
    LEG_OF,
    LEGS,
    MAKERS,
    MARGIN_MODES,
    NO_NAMES,
    SIDES,
    STATUSES,
    WRONG_MODE,
    WRONG_MODE_REASON,
)
from apps.exchanges.connectors.parsing import HUGE, TINY, ZERO, Row
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


class OrangeXRows(RestConnector, ABC):
    spec = SPEC
    read = READ
    time_call = TIME
    time_field = "usOut"
    placed: Placed

    def parse_instrument(self, row: Row) -> Instrument:
        """The catalog calls the margin coin the base and the coin that is traded the quote."""
        read = self.read
        margin_coin = read.text(row, "base_currency")
        return Instrument(
            symbol=self.symbol(row, "instrument_name"),
            venue_symbol=read.text(row, "instrument_name"),
            market=self.target.market,
            base=read.text(row, "quote_currency"),
            quote=margin_coin,
            settle=margin_coin,
            tick_size=read.positive(row, "tick_size"),
            lot_step=read.positive(row, "min_trade_amount"),
            min_quantity=read.positive(row, "min_qty"),
            min_notional=read.positive_or_none(row, "min_notional"),
            max_leverage=read.integer(row, "leverage") or 1,
            maker_fee_rate=read.signed_or_none(row, "maker_commission"),
            taker_fee_rate=read.signed_or_none(row, "taker_commission"),
            is_trading=read.flag(row, "is_active"),
        )

    def parse_ticker(self, row: Row | bytes, *, funding: tuple[Decimal, int] | None = None) -> Ticker:
        """Funding, as rate and next time, comes from a list of its own."""
        r = TICKER.read(row)
        last, bid, ask, mark, index = r.last_price, r.best_bid_price, r.best_ask_price, r.mark_price, r.underlying_price
        volume, turnover, change = r.stats.volume, r.stats.turnover, r.stats.price_change
        try:
            is_sane = (
                ZERO < last < HUGE
                and ZERO <= bid < HUGE
                and ZERO <= ask < HUGE
                and ZERO <= mark < HUGE
                and ZERO <= index < HUGE
                and (volume is None or ZERO <= volume < HUGE)
                and (turnover is None or ZERO <= turnover < HUGE)
                and (change is None or TINY < change < HUGE)
            )
        except InvalidOperation:
            is_sane = False
        if not is_sane:
            self._ticker_refuse(row)
        return Ticker(
            symbol=self._symbols.get(r.instrument_name) or self.symbol_named(r.instrument_name, "instrument_name"),
            last=last,
            bid=bid or None,
            ask=ask or None,
            mark=mark or None,
            index=index or None,
            funding_rate=funding[0] if funding else None,
            next_funding_ms=funding[1] if funding else None,
            volume_24h=volume,
            turnover_24h=turnover,
            change_24h_ratio=change,
            at_ms=r.timestamp,
        )

    def _ticker_refuse(self, row: Row | bytes) -> None:
        r = TICKER.read(row)
        for name in ("volume", "turnover", "price_change"):
            self.read.signed_or_none(msgspec.structs.asdict(r.stats), name)
        if (r.stats.volume or ZERO) < 0 or (r.stats.turnover or ZERO) < 0:
            self.read.refuse("stats", "below zero")
        TICKER.refuse(r, positive=("last_price",))

    def parse_balance(self, row: Row) -> Balance:
        """The account of the perpetuals, which is kept in USDT alone."""
        read = self.read
        return Balance(
            asset="USDT",
            total=read.signed(row, "wallet_balance"),
            available=max(read.signed(row, "available_funds"), ZERO),
            equity=read.signed(row, "total_margin_balance"),
            unrealized_pnl=read.signed(row, "total_upl"),
        )

    def parse_position(self, row: Row | bytes) -> VenuePosition | None:
        r = POSITION.read(row)
        size, entry = r.size, r.average_price
        if not size:
            return None
        leverage, mark, unrealized, liquidation = r.leverage, r.mark_price, r.floating_profit_loss, r.liquid_price
        side = LEGS.get(r.position_side) or LEG_OF.get(r.direction)
        try:
            is_sane = (
                side is not None
                and r.position_side in LEGS
                and entry is not None
                and ZERO < entry < HUGE
                and (ZERO < size < HUGE or (TINY < size < ZERO and side is PositionSide.SHORT))
                and (leverage is None or ZERO <= leverage < HUGE)
                and (mark is None or ZERO <= mark < HUGE)
                and (unrealized is None or TINY < unrealized < HUGE)
                and (liquidation is None or ZERO <= liquidation < HUGE)
            )
        except InvalidOperation:
            is_sane = False
        if not is_sane or side is None or entry is None:
            if entry is None:
                self.read.refuse("average_price", entry)
            POSITION.refuse(
                r,
                words={"direction": LEG_OF, "position_side": LEGS},
                positive=("average_price",) if side is PositionSide.SHORT else ("average_price", "size"),
                signed=("floating_profit_loss", "size") if side is PositionSide.SHORT else ("floating_profit_loss",),
            )
        return VenuePosition(
            symbol=self._symbols.get(r.instrument_name) or self.symbol_named(r.instrument_name, "instrument_name"),
            side=side,
            quantity=abs(size),
            entry_price=entry,
            leverage=leverage or None,
            margin_mode=MARGIN_MODES.get(r.margin_type.lower()),
            mark_price=mark or None,
            unrealized_pnl=unrealized,
            liquidation_price=liquidation or None,
        )

    def parse_order(self, row: Row | bytes) -> VenueOrder:
        r = ORDER.read(row)
        quantity, filled, average, price, trigger = r.amount, r.filled_amount, r.average_price, r.price, r.trigger_price
        try:
            side, status, leg = SIDES[r.direction], STATUSES[r.order_state], LEGS[r.position_side]
            kind = KINDS[r.condition_type, r.order_type]
            is_sane = (
                ZERO < quantity < HUGE
                and ZERO <= filled < HUGE
                and (average is None or ZERO <= average < HUGE)
                and (price is None or TINY < price < HUGE)
                and (trigger is None or ZERO <= trigger < HUGE)
            )
        except (KeyError, InvalidOperation):
            is_sane = False
        if not is_sane:
            ORDER.refuse(r, words=ORDER_WORDS, positive=("amount",), signed=("price",))
        if status is OrderStatus.ACCEPTED and filled:
            status = OrderStatus.PARTIALLY_FILLED
        order_id, name = r.order_id, r.custom_order_id
        # Market orders, and what comes of conditional ones, have the price -1.
        order = VenueOrder(
            client_order_id=self.placed.name_of(order_id) if name in NO_NAMES else name,
            venue_order_id=order_id,
            symbol=self._symbols.get(r.instrument_name) or self.symbol_named(r.instrument_name, "instrument_name"),
            side=side,
            order_type=kind,
            status=status,
            quantity=quantity,
            filled_quantity=filled,
            average_price=average or None,
            price=price if price is not None and price > 0 and r.order_type == "limit" else None,
            trigger_price=trigger or None,
            is_reduce_only=r.reduce_only,
            position_side=leg,
            created_ms=r.creation_timestamp,
            updated_ms=r.last_update_timestamp,
        )
        return _ended(order, r.error_code) if r.error_code else order

    def parse_fill(self, row: Row) -> VenueFill:
        """Trades name neither our order nor, in the lists, the leg: both are known by the order."""
        read = self.read
        order_id = read.identifier(row, "order_id")
        known = self.placed.known(order_id)
        name = read.text_or_empty(row, "custom_order_id")
        side_field = "positionSide" if "positionSide" in row else "position_side"
        leg = read.choice(row, side_field, LEGS) if row.get(side_field) else None
        return VenueFill(
            venue_trade_id=read.identifier(row, "trade_id"),
            venue_order_id=order_id,
            client_order_id=(known.client_order_id if known else "") if name in NO_NAMES else name,
            symbol=self.symbol(row, "instrument_name"),
            side=read.choice(row, "direction", SIDES),
            price=read.positive(row, "price"),
            quantity=read.positive(row, "amount"),
            fee=read.signed(row, "fee"),
            fee_asset=read.text_or_empty(row, "fee_coin_type") or "USDT",
            is_maker=read.choice(row, "role", MAKERS),
            executed_ms=read.integer(row, "timestamp"),
            position_side=leg or (known.leg if known else None),
        )

    def learned(self, order: VenueOrder) -> VenueOrder:
        """Remember what its trades won't tell."""
        self.placed.learn(order.venue_order_id, order.client_order_id, order.position_side)
        return order


def _ended(order: VenueOrder, code: int) -> VenueOrder:
    """Why the venue ended it. What didn't fit the position mode never was in the book: a refusal told late."""
    if code != WRONG_MODE or order.filled_quantity or not order.status.is_final:
        return msgspec.structs.replace(order, reject_reason=str(code))
    return msgspec.structs.replace(order, status=OrderStatus.REJECTED, reject_reason=WRONG_MODE_REASON)
