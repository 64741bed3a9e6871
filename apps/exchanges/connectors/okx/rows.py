"""OKX's market, balances and positions in our types, from REST and the sockets alike. Sizes come in contracts and leave in base coins."""

import time
from abc import ABC, abstractmethod
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from apps.exchanges.connectors.okx.contracts import Contracts
from apps.exchanges.connectors.okx.shapes import POSITION, POSITION_WORDS, READ, TICKER
from apps.exchanges.connectors.okx.spec import SPEC, SWAPS, TIME
from apps.exchanges.connectors.okx.words import LEGS, MARGINS
from apps.exchanges.connectors.parsing import HUGE, TINY, ZERO, Row
from apps.exchanges.connectors.rest import RestConnector
from cts.domain.types import (
    Balance,
    Candle,
    Instrument,
    PositionSide,
    Tick,
    Ticker,
    VenuePosition,
)


class OkxRows(RestConnector, ABC):
    spec = SPEC
    read = READ
    time_call = TIME
    time_field = "ts"
    in_market = SWAPS
    candle_columns: tuple[str, ...] = ("open_ms", "open", "high", "low", "close", "contracts", "volume")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.contracts = Contracts(self.contracts_load)

    @abstractmethod
    def contracts_load(self) -> None: ...

    def _size_or_none(self, name: str) -> Decimal | None:
        """How many base coins a unit of size is; None of what isn't listed."""
        return self.contracts.size(name)

    def _size(self, name: str) -> Decimal:
        return self._size_or_none(name) or self.read.refuse("instId", name)

    def contract_size(self, row: Row) -> Decimal:
        return self._size(self.read.text(row, "instId"))

    def _listed_size(self, row: Row) -> Decimal:
        return self.read.positive(row, "ctVal") * self.read.positive(row, "ctMult")

    def parse_instrument(self, row: Row) -> Instrument:
        read = self.read
        symbol, name, size = self.symbol(row, "instId"), read.text(row, "instId"), self._listed_size(row)
        limit_max, market_max = (read.positive_or_none(row, field) for field in ("maxLmtSz", "maxMktSz"))
        instrument = Instrument(
            symbol=symbol,
            venue_symbol=name,
            market=self.target.market,
            base=read.text(row, "ctValCcy"),
            quote=read.text(row, "settleCcy"),
            settle=read.text(row, "settleCcy"),
            tick_size=read.positive(row, "tickSz"),
            lot_step=read.positive(row, "lotSz") * size,
            min_quantity=read.positive(row, "minSz") * size,
            # The smaller of the two holds for every kind of order.
            max_quantity=min(limit_max, market_max) * size if limit_max and market_max else None,
            contract_size=size,
            max_leverage=int(read.positive(row, "lever")),
            is_trading=read.text(row, "state") == "live",
        )
        self.contracts.learn(name, size)
        return instrument

    def parse_ticker(self, row: Row | bytes, *, mark: Row | None = None, funding: Row | None = None) -> Ticker:
        """Mark price and funding come from lists of their own. The turnover isn't told: it is valued at the last price."""
        r, read = TICKER.read(row), self.read
        last, bid, ask, before, volume = r.last, r.bidPx, r.askPx, r.open24h, r.volCcy24h
        try:
            is_sane = (
                ZERO < last < HUGE
                and ZERO <= bid < HUGE
                and ZERO <= ask < HUGE
                and (before is None or ZERO <= before < HUGE)
                and (volume is None or ZERO <= volume < HUGE)
            )
        except InvalidOperation:
            is_sane = False
        if not is_sane:
            TICKER.refuse(r, positive=("last",))
        return Ticker(
            symbol=self._symbols.get(r.instId) or self.symbol_named(r.instId, "instId"),
            last=last,
            bid=bid or None,
            ask=ask or None,
            mark=read.positive_or_none(mark, "markPx") if mark else None,
            funding_rate=read.signed_or_none(funding, "fundingRate") if funding else None,
            next_funding_ms=read.integer_or_none(funding, "fundingTime") if funding else None,
            volume_24h=volume,
            turnover_24h=None if volume is None else volume * last,
            change_24h_ratio=last / before - 1 if before else None,
            at_ms=r.ts,
        )

    def parse_balance(self, row: Row) -> Balance:
        read = self.read
        # Where the account's mode lets coins be margin, equity counts; else the coin's own balance.
        available = read.signed_or_none(row, "availEq")
        if available is None:
            available = read.signed(row, "availBal")
        return Balance(
            asset=read.text(row, "ccy"),
            total=read.signed(row, "cashBal"),
            available=max(available, ZERO),
            equity=read.signed(row, "eq"),
            unrealized_pnl=read.signed_or_none(row, "upl") or ZERO,
        )

    def parse_position(self, row: Row | bytes) -> VenuePosition | None:
        """Net amounts are signed; hedge legs are named."""
        r, read = POSITION.read(row), self.read
        amount = r.pos
        if not amount:
            return None
        entry = read.price_in(r.avgPx, "avgPx") or read.refuse("avgPx", r.avgPx)
        try:
            side = LEGS[r.posSide] or (PositionSide.LONG if amount > 0 else PositionSide.SHORT)
            mode = MARGINS[r.mgnMode] if r.mgnMode else None
            is_sane = TINY < amount < HUGE
        except (KeyError, InvalidOperation):
            is_sane = False
        if not is_sane:
            POSITION.refuse(r, words=POSITION_WORDS, signed=("pos",))
        return VenuePosition(
            symbol=self._symbols.get(r.instId) or self.symbol_named(r.instId, "instId"),
            side=side,
            quantity=abs(amount) * self._size(r.instId),
            entry_price=entry,
            leverage=read.price_in(r.lever, "lever"),
            margin_mode=mode,
            mark_price=read.price_in(r.markPx, "markPx"),
            unrealized_pnl=read.signed_in(r.upl, "upl"),
            liquidation_price=read.price_in(r.liqPx, "liqPx") if r.liqPx else None,
            at_ms=r.uTime,
        )

    def candle_told(self, row: Row, *, is_closed: bool) -> Candle:
        """A bar of the stream, which says itself whether it is finished."""
        return msgspec.structs.replace(self._candle(row, frame_ms=0, now_ms=0), is_closed=is_closed)


def tick_of(ticker: Ticker) -> Tick:
    last = float(ticker.last)
    bid = last if ticker.bid is None else float(ticker.bid)
    ask = last if ticker.ask is None else float(ticker.ask)
    return Tick(ticker.symbol, last, bid, ask, ticker.at_ms, time.monotonic_ns())
