"""OKX's verbs of the account: balances, positions, leverage, modes, the rights of the key, what funding moved."""

from abc import ABC

from apps.exchanges.connectors.okx import spec as calls
from apps.exchanges.connectors.okx.batches import OkxBatches
from apps.exchanges.connectors.okx.trade import RECENT_MS
from apps.exchanges.connectors.okx.words import LEG_WORDS, MARGIN_WORDS, MODE_WORDS, MODES
from apps.exchanges.connectors.parsing import ZERO, Row
from cts.domain.types import Balance, MarginMode, PositionMode, VenuePosition
from cts.domain.venue import FundingPayment, KeyRights

WEEK_MS = 7 * 86_400_000 - 600_000
FUNDING_BILLS = "8"


class OkxAccount(OkxBatches, ABC):
    def balances(self) -> list[Balance]:
        return [
            self.parse_balance(coin)
            for account in self._data(calls.BALANCES)
            for coin in self.read.rows(account, "details")
        ]

    def positions(self) -> list[VenuePosition]:
        rows = [row for row in self._data(calls.POSITIONS, self.in_market) if self.symbol_or_none(row, "instId")]
        return [leg for leg in map(self.parse_position, rows) if leg is not None]

    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None:
        params = {"instId": self.venue_symbol(symbol), "lever": str(leverage), "mgnMode": MARGIN_WORDS[margin_mode]}
        if margin_mode is MarginMode.CROSS or not self._hedged:
            self.call(calls.LEVERAGE, params)
            return
        # Isolated legs have a leverage each.
        for word in LEG_WORDS.values():
            self.call(calls.LEVERAGE, params | {"posSide": word})

    def set_margin_mode(self, symbol: str, *, margin_mode: MarginMode, leverage: int) -> None:
        """Nothing is sent: every order says under which mode it trades."""
        self._margin_mode = margin_mode

    def _config(self) -> Row:
        rows = self._data(calls.CONFIG)
        return rows[0] if rows else self.read.refuse("data", rows)

    def position_mode(self) -> PositionMode:
        return self.read.choice(self._config(), "posMode", MODES)

    def set_position_mode(self, mode: PositionMode) -> None:
        self.call(calls.POSITION_MODE, {"posMode": MODE_WORDS[mode]})
        self._hedged = mode is PositionMode.HEDGE

    def key_rights(self) -> KeyRights:
        row = self._config()
        rights = self.read.text(row, "perm").split(",")
        return KeyRights(
            can_trade="trade" in rights,
            can_withdraw="withdraw" in rights,
            is_address_bound=bool(self.read.text_or_empty(row, "ip")),
        )

    def funding_payments(self, *, since_ms: int | None = None) -> list[FundingPayment]:
        start = self.now_ms() - RECENT_MS if since_ms is None else since_ms
        call = calls.BILLS if start >= self.now_ms() - WEEK_MS else calls.BILLS_OLD
        params = self.in_market | {"type": FUNDING_BILLS, "begin": str(max(start, 0))}
        rows = self._pages(call, params, cursor="billId")
        return [self._payment(row) for row in reversed(rows) if self.symbol_or_none(row, "instId")]

    def _payment(self, row: Row) -> FundingPayment:
        read = self.read
        return FundingPayment(
            payment_id=read.identifier(row, "billId"),
            symbol=self.symbol(row, "instId"),
            # Of an isolated position it moves the position's margin, not the balance.
            amount=read.signed(row, "balChg") or read.signed_or_none(row, "posBalChg") or ZERO,
            asset=read.text(row, "ccy"),
            at_ms=read.integer(row, "ts"),
        )
