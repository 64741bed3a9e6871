"""ccxt's unified rows in our types. Quantities come in contracts, and leave in base units."""

import re
from decimal import Decimal

from apps.exchanges.connectors.base import Credentials, Target
from apps.exchanges.connectors.ccxt_adapter.calling import CcxtCalling
from apps.exchanges.connectors.ccxt_adapter.memory import Known, OrderMemory
from apps.exchanges.connectors.ccxt_adapter.words import (
    FINAL,
    ID_FIELDS,
    LEGS,
    MARGINS,
    OPEN,
    SIDES,
    TRIGGERS,
    bare,
    became,
    info,
    leg_told,
    type_told,
)
from apps.exchanges.connectors.parsing import ZERO, Row
from cts.domain.types import (
    Balance,
    Instrument,
    OrderStatus,
    Ticker,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from cts.domain.venue import FundingPayment, FundingRate

ONE = Decimal(1)
_SYMBOL = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{1,10}(:USDT)?").fullmatch
_DECIMAL_PLACES = 2


class CcxtRows(CcxtCalling):
    def __init__(self, *, credentials: Credentials | None, target: Target, base_url: str = "") -> None:
        super().__init__(credentials=credentials, target=target, base_url=base_url)
        self.memory = OrderMemory()

    def contract_size(self, symbol: str) -> Decimal:
        return self.read.positive_or_none(self.market_of(symbol), "contractSize") or ONE

    def symbol_of(self, row: Row) -> str | None:
        """None for rows of other markets."""
        symbol = self.read.text(row, "symbol")
        market = self.client.markets.get(symbol)
        return symbol if market is not None and self.is_ours(market) else None

    def parse_instrument(self, row: Row) -> Instrument | None:
        read, symbol = self.read, self.read.text(row, "symbol")
        step = self._step(row, "amount")
        tick = self._step(row, "price")
        if not _SYMBOL(symbol) or step is None or tick is None:
            return None
        size = read.positive_or_none(row, "contractSize") or ONE
        amount, cost, leverage = (self._limits(row, name) for name in ("amount", "cost", "leverage"))
        most = read.positive_or_none(amount, "max")
        return Instrument(
            symbol=symbol,
            venue_symbol=read.text(row, "id")[:40],
            market=self.target.market,
            base=read.text(row, "base"),
            quote=read.text(row, "quote"),
            settle=read.text_or_empty(row, "settle"),
            tick_size=tick,
            lot_step=step * size,
            min_quantity=(read.positive_or_none(amount, "min") or step) * size,
            max_quantity=None if most is None else most * size,
            min_notional=read.positive_or_none(cost, "min"),
            contract_size=size,
            max_leverage=min(int(read.positive_or_none(leverage, "max") or self.spec.max_leverage), 125),
            maker_fee_rate=read.signed_or_none(row, "maker"),
            taker_fee_rate=read.signed_or_none(row, "taker"),
            is_trading=row.get("active") is not False,
        )

    def _step(self, row: Row, name: str) -> Decimal | None:
        told = row.get("precision")
        step = self.read.signed_or_none(told, name) if isinstance(told, dict) else None
        if step is not None and self.client.precisionMode == _DECIMAL_PLACES:
            return Decimal(10) ** -int(step)
        return step if step is None or step > 0 else None

    @staticmethod
    def _limits(row: Row, name: str) -> Row:
        found = (row.get("limits") or {}).get(name)
        return found if isinstance(found, dict) else {}

    def parse_ticker(self, row: Row) -> Ticker | None:
        read, symbol = self.read, self.symbol_of(row)
        last = read.positive_or_none(row, "last") or read.positive_or_none(row, "close")
        if symbol is None or last is None:
            return None
        percent = read.signed_or_none(row, "percentage")
        return Ticker(
            symbol=symbol,
            last=last,
            bid=read.positive_or_none(row, "bid"),
            ask=read.positive_or_none(row, "ask"),
            mark=read.positive_or_none(row, "markPrice"),
            index=read.positive_or_none(row, "indexPrice"),
            volume_24h=read.unsigned_or_none(row, "baseVolume"),
            turnover_24h=read.unsigned_or_none(row, "quoteVolume"),
            change_24h_ratio=None if percent is None else percent / 100,
            at_ms=read.integer_or_none(row, "timestamp") or 0,
        )

    def parse_balance(self, asset: str, row: Row) -> Balance | None:
        total = self.read.signed_or_none(row, "total")
        if total is None or len(asset) > 20:
            return None
        free = self.read.signed_or_none(row, "free")
        # What a total holds differs by venue (some count open results in), so nothing is added to it.
        return Balance(asset=asset, total=total, available=total if free is None else free, equity=total)

    def parse_position(self, row: Row) -> VenuePosition | None:
        read, symbol = self.read, self.symbol_of(row)
        contracts = read.signed_or_none(row, "contracts")
        if symbol is None or not contracts:
            return None
        return VenuePosition(
            symbol=symbol,
            side=read.choice(row, "side", LEGS),
            quantity=abs(contracts) * self.contract_size(symbol),
            entry_price=read.positive(row, "entryPrice"),
            leverage=read.positive_or_none(row, "leverage"),
            margin_mode=MARGINS.get(str(row.get("marginMode"))),
            mark_price=read.positive_or_none(row, "markPrice"),
            unrealized_pnl=read.signed_or_none(row, "unrealizedPnl"),
            liquidation_price=self._price_or_none(row, "liquidationPrice"),
            at_ms=read.integer_or_none(row, "timestamp") or 0,
        )

    def _price_or_none(self, row: Row, field: str) -> Decimal | None:
        """Venues write a price below zero where there is none."""
        told = self.read.signed_or_none(row, field)
        return told if told is not None and told > 0 else None

    def parse_order(self, row: Row) -> VenueOrder | None:
        read, symbol = self.read, self.symbol_of(row)
        if symbol is None:
            return None
        size = self.contract_size(symbol)
        known = self._known(row)
        quantity = read.unsigned_or_none(row, "amount")
        filled = read.unsigned_or_none(row, "filled") or ZERO
        quantity = filled if quantity is None else quantity
        trigger = next(filter(None, (read.positive_or_none(row, name) for name in TRIGGERS)), None)
        status = self._status(row, filled=filled, quantity=quantity)
        order = VenueOrder(
            client_order_id=known.client_order_id,
            venue_order_id=read.identifier(row, "id"),
            symbol=symbol,
            side=read.choice(row, "side", SIDES),
            order_type=known.order_type or type_told(row, is_conditional=trigger is not None),
            status=status,
            quantity=quantity * size,
            filled_quantity=filled * size,
            average_price=read.positive_or_none(row, "average") if filled else None,
            price=read.positive_or_none(row, "price") if row.get("type") == "limit" else None,
            trigger_price=trigger,
            is_reduce_only=row.get("reduceOnly") is True,
            position_side=(known.position_side or leg_told(row)) if self._hedged else None,
            created_ms=read.integer_or_none(row, "timestamp") or 0,
            updated_ms=read.integer_or_none(row, "lastUpdateTimestamp") or read.integer_or_none(row, "timestamp") or 0,
        )
        self.memory.told(order)
        return order

    def _status(self, row: Row, *, filled: Decimal, quantity: Decimal) -> OrderStatus:
        word = row.get("status")
        if word in OPEN:
            return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED
        if filled and filled >= quantity:
            return OrderStatus.FILLED
        return self.read.choice(row, "status", FINAL)

    def _known(self, row: Row) -> Known:
        """The order's ids, kept for the rows that tell only one of them."""
        venue_id = self.read.identifier(row, "id")
        told = self.read.text_or_empty(row, "clientOrderId")
        known = self.memory.by_venue(venue_id) or self.memory.by_client(told) or self.memory.by_client(bare(told))
        client_id = known.client_order_id if known else told
        self.memory.named(client_id, venue_id)
        self.memory.alias(client_id, became(row))
        return known or Known(client_id, venue_id)

    def parse_fill(self, row: Row) -> VenueFill | None:
        read, symbol = self.read, self.symbol_of(row)
        if symbol is None:
            return None
        order_id = read.identifier(row, "order")
        known = self.memory.by_venue(order_id)
        told = next(filter(None, (str(info(row).get(name) or "") for name in ID_FIELDS)), "")
        known = known or self.memory.by_client(told) or self.memory.by_client(bare(told))
        fee = row.get("fee") or {}
        return VenueFill(
            venue_trade_id=read.identifier(row, "id"),
            venue_order_id=order_id,
            client_order_id=known.client_order_id if known else told,
            symbol=symbol,
            side=read.choice(row, "side", SIDES),
            price=read.positive(row, "price"),
            quantity=read.positive(row, "amount") * self.contract_size(symbol),
            fee=read.signed_or_none(fee, "cost") or ZERO,
            fee_asset=read.text_or_empty(fee, "currency") or "USDT",
            is_maker=row.get("takerOrMaker") == "maker",
            executed_ms=read.integer(row, "timestamp"),
            position_side=((known and known.position_side) or leg_told(row)) if self._hedged else None,
        )

    def parse_funding_rate(self, row: Row) -> FundingRate:
        read = self.read
        return FundingRate(
            symbol=read.text(row, "symbol"), rate=read.signed(row, "fundingRate"), at_ms=read.integer(row, "timestamp")
        )

    def parse_funding_payment(self, row: Row) -> FundingPayment | None:
        read, symbol = self.read, self.symbol_of(row)
        if symbol is None:
            return None
        at_ms = read.integer(row, "timestamp")
        return FundingPayment(
            payment_id=read.text_or_empty(row, "id") or f"{symbol}:{at_ms}",
            symbol=symbol,
            amount=read.signed(row, "amount"),
            asset=read.text_or_empty(row, "code") or "USDT",
            at_ms=at_ms,
        )
