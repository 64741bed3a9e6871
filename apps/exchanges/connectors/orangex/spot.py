"""OrangeX spot: the same calls for another currency of theirs. https://openapi-docs.orangex.com"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from apps.exchanges.connectors.orangex import spec as calls
from apps.exchanges.connectors.orangex.connector import OrangeXConnector
from apps.exchanges.connectors.orangex.spot_spec import SPOT_SPEC
from apps.exchanges.connectors.orangex.words import SPOT
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Call, Capability
from apps.exchanges.connectors.spot import BuysForQuote
from cts.domain.types import Balance, Instrument, OrderAck, OrderRequest, Ticker, VenueOrder

_SUFFIX = "-SPOT"


class OrangeXSpotConnector(BuysForQuote, OrangeXConnector):
    spec = SPOT_SPEC
    currency = SPOT

    # --- market -----------------------------------------------------------------------------------------------------
    def instruments(self) -> list[Instrument]:
        now = self.now_ms()
        return [
            self.parse_instrument(row)
            for row in self.rows(calls.INSTRUMENTS, {"currency": SPOT})
            if row.get("kind") == "spot" and self.read.integer(row, "creation_timestamp") <= now
        ]

    def parse_instrument(self, row: Row) -> Instrument:
        """Whichever way round the catalog has base and quote: the symbol tells which is which."""
        read, symbol = self.read, self.symbol(row, "instrument_name")
        base, _, quote = symbol.partition("/")
        return Instrument(
            symbol=symbol,
            venue_symbol=read.text(row, "instrument_name"),
            market=self.target.market,
            base=base,
            quote=quote,
            settle=quote,
            tick_size=read.positive(row, "tick_size"),
            lot_step=read.positive(row, "min_trade_amount"),
            min_quantity=read.positive(row, "min_qty"),
            min_notional=read.positive_or_none(row, "min_notional"),
            maker_fee_rate=read.signed_or_none(row, "maker_commission"),
            taker_fee_rate=read.signed_or_none(row, "taker_commission"),
            is_trading=read.flag(row, "is_active"),
        )

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else set(symbols)
        is_one = wanted is not None and len(wanted) == 1
        params = self.named(next(iter(wanted or ""))) if is_one else {"currency": SPOT}
        told = [self.parse_ticker(row) for row in self._ticker_rows(params)]
        return [ticker for ticker in told if wanted is None or ticker.symbol in wanted]

    def last_price(self, symbol: str) -> Decimal | None:
        rows = self._ticker_rows(self.named(symbol))
        return self.read.positive(rows[0], "last_price") if rows else None

    def _ticker_rows(self, params: dict[str, str]) -> list[Row]:
        """Of our quote. Tickers leave the ending of the name out."""
        rows = [self._full(row) for row in self.rows_of(calls.TICKERS, params)]
        return [row for row in rows if self.symbol_or_none(row, "instrument_name") is not None]

    def _full(self, row: Row) -> Row:
        name = self.read.text(row, "instrument_name")
        return row if name.endswith(_SUFFIX) else {**row, "instrument_name": name + _SUFFIX}

    def parse_ticker(self, row: Row | bytes, *, funding: tuple[Decimal, int] | None = None) -> Ticker:
        fields = row if isinstance(row, dict) else self.read.decode(row)
        return super().parse_ticker(self._full(fields))

    def _named_in_candles(self, symbol: str) -> dict[str, str]:
        """Bars leave the ending of the name out, too."""
        return {"instrument_name": self.venue_symbol(symbol).removesuffix(_SUFFIX)}

    # --- account ----------------------------------------------------------------------------------------------------
    def parse_assets(self, row: Row) -> list[Balance]:
        return [self.parse_balance(coin) for coin in self.read.rows(row, "details")]

    def parse_balance(self, row: Row) -> Balance:
        total = self.read.unsigned(row, "total")
        available = self.read.unsigned(row, "available")
        return Balance(asset=self.read.text(row, "coin_type"), total=total, available=available, equity=total)

    # --- orders -----------------------------------------------------------------------------------------------------
    def _order_call(self, request: OrderRequest) -> tuple[Call, dict[str, Any]]:
        call, params = super()._order_call(self.sent_as(request))
        del params["position_side"]
        return call, params

    def place(self, request: OrderRequest) -> OrderAck:
        """What is noted of it, to know it again without its name, is what is sent."""
        request = self.order_checked(request)
        self.venue_symbol(request.symbol)
        return super().place(self.sent_as(request))

    def best_prices(self, symbol: str) -> tuple[Decimal | None, Decimal]:
        rows = self._ticker_rows(self.named(symbol))
        row = rows[0] if rows else {}
        return self.read.positive_or_none(row, "best_bid_price"), self.read.positive(row, "best_ask_price")

    def parse_order(self, row: Row | bytes) -> VenueOrder:
        return self.asked_as(super().parse_order(row))

    def _called(self, order: VenueOrder, client_order_id: str) -> VenueOrder:
        return self.asked_as(super()._called(order, client_order_id))

    def order(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> VenueOrder:
        self._plain_only(is_conditional)
        return super().order(symbol, client_order_id=client_order_id, venue_order_id=venue_order_id)

    def cancel(
        self, symbol: str, *, client_order_id: str, venue_order_id: str = "", is_conditional: bool = False
    ) -> None:
        self._plain_only(is_conditional)
        super().cancel(symbol, client_order_id=client_order_id, venue_order_id=venue_order_id)

    def _plain_only(self, is_conditional: bool) -> None:
        if is_conditional:
            self.require(Capability.CONDITIONAL)
