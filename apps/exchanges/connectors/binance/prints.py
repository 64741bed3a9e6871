"""What Binance's streams spell in single letters, its public prints and its fundings, in our types."""

from abc import ABC
from typing import Any

from apps.exchanges.connectors.binance.rows import BinanceRows
from apps.exchanges.connectors.parsing import ZERO, Row
from cts.domain.types import Balance, Candle, Side, VenueFill, VenueOrder, VenuePosition
from cts.domain.venue import BookTop, FundingPayment, FundingRate, Trade


class BinancePrints(BinanceRows, ABC):
    def parse_order_event(self, row: Row) -> VenueOrder:
        return self.parse_order(
            {
                "orderId": row.get("i"),
                "clientOrderId": row.get("c"),
                "symbol": row.get("s"),
                "side": row.get("S"),
                "type": row.get("ot", row.get("o")),
                "status": row.get("X"),
                "origQty": row.get("q"),
                "executedQty": row.get("z"),
                "avgPrice": row.get("ap"),
                "price": row.get("p"),
                "stopPrice": row.get("sp"),
                "reduceOnly": row.get("R"),
                "positionSide": row.get("ps"),
                "updateTime": row.get("T"),
            }
        )

    def parse_fill_event(self, row: Row) -> VenueFill:
        # The commission and its asset are left out when there was none.
        fields = {"id": "t", "orderId": "i", "symbol": "s", "side": "S", "price": "L", "qty": "l", "maker": "m"}
        fields |= {"time": "T", "positionSide": "ps"}
        return self.parse_fill(
            {name: row.get(short) for name, short in fields.items()}
            | {"commission": row.get("n", "0"), "commissionAsset": row.get("N", "USDT")}
        )

    def parse_algo_event(self, row: Row, *, at_ms: Any) -> VenueOrder:
        fields = {"clientAlgoId": "caid", "algoId": "aid", "actualOrderId": "ai", "symbol": "s", "side": "S"}
        fields |= {"orderType": "o", "algoStatus": "X", "quantity": "q", "price": "p", "triggerPrice": "tp"}
        fields |= {"reduceOnly": "R", "positionSide": "ps", "activatePrice": "AP"}
        return self.parse_algo_order({name: row.get(short) for name, short in fields.items()} | {"updateTime": at_ms})

    def parse_position_event(self, row: Row) -> VenuePosition | None:
        fields = {"symbol": "s", "positionAmt": "pa", "entryPrice": "ep", "unRealizedProfit": "up"}
        fields |= {"positionSide": "ps", "updateTime": "at"}
        return self.parse_position({name: row.get(short) for name, short in fields.items()})

    def parse_balance_event(self, row: Row) -> Balance:
        """The stream tells the wallet and no more; what positions tie up, only the list of balances knows."""
        total = self.read.signed(row, "wb")
        free = max(self.read.signed(row, "cw"), ZERO)
        return Balance(asset=self.read.text(row, "a"), total=total, available=free, equity=total)

    # --- public prints ----------------------------------------------------------------------------------------------
    def parse_trade(self, row: Row) -> Trade:
        read = self.read
        return Trade(
            symbol=self.symbol(row, "s"),
            trade_id=read.identifier(row, "a"),
            price=read.positive(row, "p"),
            quantity=read.positive(row, "q"),
            # It says whether the buyer was the maker.
            side=Side.SELL if read.flag(row, "m") else Side.BUY,
            at_ms=read.integer(row, "T"),
        )

    def parse_book_top(self, row: Row) -> BookTop:
        read = self.read
        bid, ask = read.positive_or_none(row, "b"), read.positive_or_none(row, "a")
        return BookTop(
            symbol=self.symbol(row, "s"),
            bid=bid,
            bid_quantity=ZERO if bid is None else read.unsigned(row, "B"),
            ask=ask,
            ask_quantity=ZERO if ask is None else read.unsigned(row, "A"),
            at_ms=read.integer(row, "E"),
        )

    def parse_bar(self, row: Row) -> Candle:
        names = {"open_ms": "t", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
        return self.bar({name: row.get(short) for name, short in names.items()}, is_closed=self.read.flag(row, "x"))

    # --- funding and the key ----------------------------------------------------------------------------------------
    def parse_funding_rate(self, row: Row) -> FundingRate:
        read = self.read
        return FundingRate(
            symbol=self.symbol(row), rate=read.signed(row, "fundingRate"), at_ms=read.integer(row, "fundingTime")
        )

    def parse_funding_payment(self, row: Row) -> FundingPayment:
        read = self.read
        return FundingPayment(
            payment_id=read.identifier(row, "tranId"),
            symbol=self.symbol(row),
            amount=read.signed(row, "income"),
            asset=read.text(row, "asset"),
            at_ms=read.integer(row, "time"),
        )
