"""Bybit's public prints and its fundings in our types."""

from abc import ABC
from decimal import Decimal

from apps.exchanges.connectors.bybit.rows import BybitRows
from apps.exchanges.connectors.bybit.words import SIDES
from apps.exchanges.connectors.parsing import ZERO, Row
from cts.domain.types import Candle
from cts.domain.venue import BookTop, FundingPayment, FundingRate, Trade


class BybitPrints(BybitRows, ABC):
    def parse_trade(self, row: Row) -> Trade:
        read = self.read
        return Trade(
            symbol=self.symbol(row, "s"),
            trade_id=read.identifier(row, "i"),
            price=read.positive(row, "p"),
            quantity=read.positive(row, "v"),
            side=read.choice(row, "S", SIDES),
            at_ms=read.integer(row, "T"),
        )

    def parse_book_top(self, row: Row, *, at_ms: int) -> BookTop:
        bid, bid_quantity = self._best(row, "b")
        ask, ask_quantity = self._best(row, "a")
        return BookTop(
            symbol=self.symbol(row, "s"),
            bid=bid,
            bid_quantity=bid_quantity,
            ask=ask,
            ask_quantity=ask_quantity,
            at_ms=at_ms,
        )

    def _best(self, row: Row, side: str) -> tuple[Decimal | None, Decimal]:
        levels = self.read.columns(row.get(side), side, names=("price", "size"))
        if not levels:
            return None, ZERO
        return self.read.positive(levels[0], "price"), self.read.positive(levels[0], "size")

    def parse_bar(self, row: Row) -> Candle:
        return self.bar(row | {"open_ms": row.get("start")}, is_closed=self.read.flag(row, "confirm"))

    def parse_funding_rate(self, row: Row) -> FundingRate:
        read = self.read
        return FundingRate(
            symbol=self.symbol(row),
            rate=read.signed(row, "fundingRate"),
            at_ms=read.integer(row, "fundingRateTimestamp"),
        )

    def parse_funding_payment(self, row: Row) -> FundingPayment:
        """Funding is told as an execution whose fee was paid."""
        read = self.read
        return FundingPayment(
            payment_id=read.identifier(row, "execId"),
            symbol=self.symbol(row),
            amount=-read.signed(row, "execFee"),
            asset=read.text_or_empty(row, "feeCurrency") or "USDT",
            at_ms=read.integer(row, "execTime"),
        )
