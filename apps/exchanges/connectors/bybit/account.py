"""What every market of Bybit has: prices, the wallet, the rights of a key, and the sockets."""

from collections.abc import Iterable
from datetime import datetime

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.bybit import spec as calls
from apps.exchanges.connectors.bybit.orders import BybitOrders
from apps.exchanges.connectors.bybit.private import PrivateDialect
from apps.exchanges.connectors.bybit.stream import PublicDialect
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.stream import Stream
from cts.domain.types import Balance, Ticker
from cts.domain.venue import Channel, KeyRights


class BybitAccount(BybitOrders):
    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else set(symbols)
        only = {"symbol": self.venue_symbol(next(iter(wanted)))} if wanted and len(wanted) == 1 else {}
        payload = self.call(calls.TICKERS, self.in_category | only)
        rows = self.read.rows(self.read.mapping(payload, "result"), "list")
        at_ms = self.read.integer(payload, "time")
        return [
            self.parse_ticker(row, at_ms=at_ms)
            for row in rows
            if (symbol := self.symbol_or_none(row)) is not None and (wanted is None or symbol in wanted)
        ]

    def _candle_page(self, symbol: str, *, interval: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
        params = {"symbol": self.venue_symbol(symbol), "interval": interval}
        params |= {"start": str(start_ms), "end": str(end_ms), "limit": str(limit)}
        rows = self._result_of(calls.CANDLES, self.in_category | params).get("list")
        return self.read.columns(rows, "list", names=("open_ms", "open", "high", "low", "close", "volume"))

    def balances(self) -> list[Balance]:
        accounts = self.read.rows(self._result_of(calls.BALANCES, {"accountType": "UNIFIED"}), "list")
        return [self.parse_balance(coin, account) for account in accounts for coin in self.read.rows(account, "coin")]

    def key_rights(self) -> KeyRights:
        read, row = self.read, self._result_of(calls.KEY)
        rights = {name: words for name, words in read.mapping(row, "permissions").items() if isinstance(words, list)}
        is_read_only = read.integer(row, "readOnly") == 1
        return KeyRights(
            can_trade=not is_read_only and self.trade_right in rights.get(self.trade_group, []),
            can_withdraw=not is_read_only and "Withdraw" in rights.get("Wallet", []),
            is_address_bound="*" not in ips if isinstance(ips := row.get("ips"), list) else None,
            expires_ms=self._expiry(row),
        )

    def _expiry(self, row: Row) -> int | None:
        """Keys bound to an address don't end: no date, or one before any key was made."""
        told = self.read.text_or_empty(row, "expiredAt")
        if not told:
            return None
        try:
            expires_ms = int(datetime.fromisoformat(told).timestamp() * 1000)
        except ValueError:
            self.read.refuse("expiredAt", told)
        return expires_ms if expires_ms > 0 else None

    # --- streams ----------------------------------------------------------------------------------------------------
    def public_stream(
        self,
        symbols: Iterable[str],
        events: StreamEvents,
        *,
        channels: Iterable[Channel] = (Channel.TICKERS,),
        timeframe_s: int = 60,
    ) -> Stream:
        wanted = self.channels_checked(channels, timeframe_s=timeframe_s)
        dialect = PublicDialect(
            self, urls=self.addresses.ws["public"], events=events, channels=wanted, timeframe_s=timeframe_s
        )
        dialect.subscribe(symbols)
        return Stream([dialect], events=events, name="bybit-public")

    def private_stream(self, events: StreamEvents) -> Stream:
        dialect = PrivateDialect(self, urls=self.addresses.ws["private"], events=events)
        return Stream([dialect], events=events, name="bybit-private")
