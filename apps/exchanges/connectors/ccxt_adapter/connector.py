"""Any exchange of ccxt behind the interface of our own connectors. Community-grade: what ccxt says of a venue is believed."""

from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Any

from apps.exchanges.connectors.base import StreamEvents
from apps.exchanges.connectors.ccxt_adapter.account_poll import AccountPoll
from apps.exchanges.connectors.ccxt_adapter.orders import CcxtOrders
from apps.exchanges.connectors.ccxt_adapter.polling import PollingStream, TickerPoll
from apps.exchanges.connectors.ccxt_adapter.spec import POLL_S
from apps.exchanges.connectors.ccxt_adapter.trades import trades_between
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.spec import Capability, Intent
from apps.exchanges.connectors.stream import Stream
from cts.domain.errors import OrderNotFound, Rejected, Unsupported
from cts.domain.types import (
    Balance,
    Candle,
    Instrument,
    MarginMode,
    PositionMode,
    Ticker,
    VenueFill,
    VenuePosition,
)
from cts.domain.venue import Channel, FundingPayment, FundingRate

TICKERS_S = 1.0
LOOSE_MAX = 10


class CcxtConnector(CcxtOrders):
    _mode_set: PositionMode | None = None

    # --- market -----------------------------------------------------------------------------------------------------
    def server_time_ms(self) -> int:
        if self.has("fetchTime"):
            return int(self.call(self.client.fetch_time, is_signed=False))
        # Without a call for it, the date on any fresh answer.
        self.load(is_fresh=True)
        told = (self.client.last_response_headers or {}).get("Date")
        return int(parsedate_to_datetime(told).timestamp() * 1000) if told else self.now_ms()

    def instruments(self) -> list[Instrument]:
        found = self.read_rows(list(self.load(is_fresh=True).values()), self.parse_instrument)
        if not found:
            raise Unsupported(f"{self.spec.label} lists no {self.spec.market} symbols", exchange=self.spec.name)
        return found

    def tickers(self, symbols: Iterable[str] | None = None) -> list[Ticker]:
        wanted = None if symbols is None else sorted(set(symbols))
        for symbol in wanted or ():
            self.market_of(symbol)
        rows = self._ticker_rows(wanted)
        if any(not row.get("bid") for row in rows) and self.has("fetchBidsAsks"):
            tops = self.call(self.client.fetch_bids_asks, wanted, is_signed=False)
            rows = [row | {side: tops.get(row["symbol"], {}).get(side) for side in ("bid", "ask")} for row in rows]
        tickers = self.read_rows(rows, self.parse_ticker)
        return [ticker for ticker in tickers if wanted is None or ticker.symbol in wanted]

    def _ticker_rows(self, wanted: list[str] | None) -> list[Row]:
        listed = self.load()
        if self.has("fetchTickers"):
            told = self.call(self.client.fetch_tickers, wanted, is_signed=False)
            return self.read.all_rows(list(told.values()), "tickers")
        return [self.call(self.client.fetch_ticker, symbol, is_signed=False) for symbol in wanted or listed]

    def candles(self, symbol: str, *, timeframe_s: int, since_ms: int | None = None, limit: int = 500) -> list[Candle]:
        word = self.spec.timeframes.get(timeframe_s)
        if word is None:
            raise Rejected(f"{self.spec.label} has no candles of {timeframe_s} s", exchange=self.spec.name)
        self.market_of(symbol)
        frame_ms, now = timeframe_s * 1000, self.now_ms()
        start = now - now % frame_ms - (limit - 1) * frame_ms if since_ms is None else since_ms
        found: dict[int, Candle] = {}
        for left in range(limit, 0, -self.spec.candles_max):
            if start > now:
                break
            count = min(left, self.spec.candles_max)
            rows = self.call(self.client.fetch_ohlcv, symbol, word, start, count, is_signed=False)
            for row in self.read.columns(rows, "candles", names=("open_ms", "open", "high", "low", "close", "volume")):
                candle = self._candle(row, frame_ms=frame_ms, now_ms=now)
                found[candle.open_ms] = candle
            start += count * frame_ms
        return [found[open_ms] for open_ms in sorted(found) if open_ms <= now][:limit]

    def _candle(self, row: Row, *, frame_ms: int, now_ms: int) -> Candle:
        open_, high, low, close = (float(self.read.positive(row, name)) for name in ("open", "high", "low", "close"))
        if not low <= min(open_, close) <= max(open_, close) <= high:
            self.read.refuse("high", "not the highest")
        open_ms = self.read.integer(row, "open_ms")
        volume = float(self.read.unsigned_or_none(row, "volume") or 0)
        return Candle(open_ms, open_, high, low, close, volume, open_ms + frame_ms <= now_ms)

    def funding_rates(self, symbol: str, *, since_ms: int | None = None, limit: int = 100) -> list[FundingRate]:
        self.require(Capability.FUNDING_HISTORY)
        self.market_of(symbol)
        told = self.call(self.client.fetch_funding_rate_history, symbol, since_ms, limit, is_signed=False)
        rates = self.read_rows(told, self.parse_funding_rate)
        return sorted(rates, key=lambda rate: rate.at_ms)[-limit:]

    # --- account ----------------------------------------------------------------------------------------------------
    def balances(self) -> list[Balance]:
        told = self.call(self.client.fetch_balance)
        totals = self.read.mapping(told, "total")
        found = [self.parse_balance(asset, self.read.mapping(told, asset)) for asset in totals]
        return [balance for balance in found if balance is not None]

    def positions(self) -> list[VenuePosition]:
        if not self._is_linear:
            return []
        self.load()
        return self.read_rows(self.call(self.client.fetch_positions), self.parse_position)

    def set_leverage(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> None:
        self.require(Capability.LEVERAGE)
        self.market_of(symbol)
        is_told = self.knows("set_leverage", "arginMode")
        params = {"marginMode": str(margin_mode)} if is_told else {}
        self.call(self.client.set_leverage, leverage, symbol, params, intent=Intent.SETTING)

    def set_margin_mode(self, symbol: str, *, margin_mode: MarginMode, leverage: int) -> None:
        if not self.spec.can(Capability.MARGIN_MODE):
            self.require(Capability.LEVERAGE)
            return  # it goes with the leverage
        self.market_of(symbol)
        self.call(
            self.client.set_margin_mode, str(margin_mode), symbol, self._margin_params(leverage), intent=Intent.SETTING
        )

    def _margin_params(self, leverage: int) -> dict[str, Any]:
        return {"leverage": leverage} if self.knows("set_margin_mode", "'leverage'") else {}

    def position_mode(self) -> PositionMode:
        """As the venue tells it; where it doesn't, as it was set here, or as what is held shows it."""
        self.load()
        if self.has("fetchPositionMode"):
            is_hedged = self.read.flag(self.call(self.client.fetch_position_mode), "hedged")
        elif self._mode_set is not None:
            return self._mode_set
        else:
            rows = self.read.all_rows(self.call(self.client.fetch_positions), "positions")
            is_hedged = any(row.get("hedged") is True for row in rows)
        return PositionMode.HEDGE if is_hedged else PositionMode.ONE_WAY

    def set_position_mode(self, mode: PositionMode) -> None:
        self.require(Capability.POSITION_MODE_SET)
        self.load()
        self.call(self.client.set_position_mode, mode is PositionMode.HEDGE, intent=Intent.SETTING)
        self._hedged, self._mode_set = mode is PositionMode.HEDGE, mode

    def fills(self, symbol: str, *, since_ms: int | None = None, venue_order_id: str = "") -> list[VenueFill]:
        self.market_of(symbol)
        fills = self._fills_read(trades_between(self, symbol, since_ms=since_ms))
        return [fill for fill in fills if venue_order_id in ("", fill.venue_order_id)]

    def fills_of_all(self, *, since_ms: int) -> list[VenueFill]:
        """Of venues that tell them without a symbol."""
        self.load()
        return self._fills_read(trades_between(self, None, since_ms=since_ms))

    def _fills_read(self, rows: list[Row]) -> list[VenueFill]:
        """Few venues name our order on an execution: of those that may be ours, the order is asked for first."""
        fills = self.read_rows(rows, self.parse_fill)
        for symbol in {fill.symbol for fill in fills if not fill.client_order_id}:
            for known in self.memory.loose(symbol)[-LOOSE_MAX:]:
                is_conditional = bool(known.order_type and known.order_type.is_conditional)
                try:
                    self.order(symbol, client_order_id=known.client_order_id, is_conditional=is_conditional)
                except OrderNotFound:
                    continue
            fills = self.read_rows(rows, self.parse_fill)
        return sorted(fills, key=lambda fill: fill.executed_ms)

    def funding_payments(self, *, since_ms: int | None = None) -> list[FundingPayment]:
        self.require(Capability.FUNDING_PAYMENTS)
        self.load()
        told = self.call(self.client.fetch_funding_history, None, since_ms)
        return sorted(self.read_rows(told, self.parse_funding_payment), key=lambda payment: payment.at_ms)

    # --- streams ----------------------------------------------------------------------------------------------------
    def public_stream(
        self,
        symbols: Iterable[str],
        events: StreamEvents,
        *,
        channels: Iterable[Channel] = (Channel.TICKERS,),
        timeframe_s: int = 60,
    ) -> Stream:
        self.channels_checked(channels, timeframe_s=timeframe_s)
        poll = TickerPoll(self, events)
        poll.add(symbols)
        return PollingStream(poll, events=events, name=f"{self.spec.name}-public", interval_s=TICKERS_S)

    def private_stream(self, events: StreamEvents) -> Stream:
        poll = AccountPoll(self, events)
        return PollingStream(poll, events=events, name=f"{self.spec.name}-private", interval_s=POLL_S)
