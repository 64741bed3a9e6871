"""What Binance's account stream spells in single letters, and its fundings, in our types."""

from abc import ABC
from typing import Any

from apps.exchanges.connectors.binance.rows import BinanceRows
from apps.exchanges.connectors.parsing import ZERO, Row
from cts.domain.types import Balance, VenueFill, VenueOrder, VenuePosition
from cts.domain.venue import FundingPayment, FundingRate


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
