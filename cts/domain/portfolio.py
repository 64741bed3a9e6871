"""Limits of several accounts together, what they hold against each other, and how they did."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from cts.domain.risk import Check, at_most, below, fall_ratio, loss_check, loss_ratio
from cts.domain.types import PositionSide

ZERO = Decimal(0)
# Hours of the windows results are told for: 4/12/24/48 hours, 7/30/90 days.
WINDOWS_H = (4, 12, 24, 48, 168, 720, 2160)


class GroupLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the accounts of a portfolio may risk together; None is no limit. The tighter of these and their own wins."""

    max_positions: int | None = None
    max_total_notional_ratio: float | None = None
    max_symbol_notional_ratio: float | None = None
    max_daily_loss_ratio: float | None = None
    max_drawdown_ratio: float | None = None

    @property
    def has_any(self) -> bool:
        return any(value is not None for value in msgspec.structs.asdict(self).values())


class GroupFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How the accounts stand together at the moment of an order, entries on their way counted as if they were filled.

    `symbol_notional` is what is held of the order's symbol and side. `equity` is None where one of them isn't known.
    """

    name: str
    equity: Decimal | None
    peak_equity: Decimal | None
    positions: int
    total_notional: Decimal
    symbol_notional: Decimal
    day_pnl: Decimal

    @property
    def day_loss_ratio(self) -> float:
        return loss_ratio(equity=self.equity, day_pnl=self.day_pnl)

    @property
    def drawdown_ratio(self) -> float:
        return fall_ratio(equity=self.equity, peak=self.peak_equity)


def group_checks(facts: GroupFacts, *, limits: GroupLimits, notional: Decimal, symbol: str) -> list[Check]:
    """A check for each limit there is, for an entry worth `notional`."""
    if not limits.has_any:
        return []
    whose = f"portfolio {facts.name}"
    if facts.equity is None or facts.equity <= 0:
        why = f"The equity of {whose} isn't known or is not above zero"
        return [Check("portfolio_equity", False, "unknown", "> 0", why)]
    equity = facts.equity
    found = []
    if limits.max_positions is not None:
        found.append(below("portfolio_positions", facts.positions, limits.max_positions, f"open positions in {whose}"))
    if limits.max_total_notional_ratio is not None:
        value = float((facts.total_notional + notional) / equity)
        found.append(at_most("portfolio_notional", value, limits.max_total_notional_ratio, f"all positions in {whose}"))
    if limits.max_symbol_notional_ratio is not None:
        value = float((facts.symbol_notional + notional) / equity)
        what = f"this side of {symbol} in {whose}"
        found.append(at_most("portfolio_symbol", value, limits.max_symbol_notional_ratio, what))
    if limits.max_daily_loss_ratio is not None:
        told = f"{whose} has lost {{}} since 00:00 UTC; from {{}} no entries until tomorrow"
        found.append(loss_check("portfolio_daily_loss", facts.day_loss_ratio, limits.max_daily_loss_ratio, told))
    if limits.max_drawdown_ratio is not None:
        told = f"{whose} is {{}} below its peak; at {{}} everything in it stops"
        found.append(loss_check("portfolio_drawdown", facts.drawdown_ratio, limits.max_drawdown_ratio, told))
    return found


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """What all accounts hold of a symbol, in its quote: long, short, and the difference that moves with the price."""

    symbol: str
    long: Decimal
    short: Decimal

    @property
    def net(self) -> Decimal:
        return self.long - self.short

    @property
    def gross(self) -> Decimal:
        return self.long + self.short


def exposures(held: Iterable[tuple[str, PositionSide, Decimal]]) -> list[Exposure]:
    """By symbol, the largest first, of (symbol, side, value)."""
    sums: dict[str, dict[PositionSide, Decimal]] = defaultdict(lambda: dict.fromkeys(PositionSide, ZERO))
    for symbol, side, value in held:
        sums[symbol][side] += value
    found = [
        Exposure(symbol=symbol, long=legs[PositionSide.LONG], short=legs[PositionSide.SHORT])
        for symbol, legs in sums.items()
    ]
    return sorted(found, key=lambda each: (-each.gross, each.symbol))


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """Results of closed positions, fees and funding in them. None where there is nothing to divide by yet."""

    trades: int
    wins: int
    net_pnl: Decimal
    fees: Decimal
    funding: Decimal
    won: Decimal
    lost: Decimal

    @property
    def win_rate(self) -> float | None:
        return self.wins / self.trades if self.trades else None

    @property
    def profit_factor(self) -> float | None:
        """Sum of gains over sum of losses."""
        return float(self.won / self.lost) if self.lost else None

    @property
    def expectancy(self) -> Decimal | None:
        """What a trade brought on average."""
        return self.net_pnl / self.trades if self.trades else None


def performance(results: Sequence[tuple[Decimal, Decimal, Decimal]]) -> Performance:
    """Of (net result, fees, funding) of each closed position."""
    nets = [net for net, _, _ in results]
    return Performance(
        trades=len(nets),
        wins=sum(net > 0 for net in nets),
        net_pnl=sum(nets, ZERO),
        fees=sum((fee for _, fee, _ in results), ZERO),
        funding=sum((funding for _, _, funding in results), ZERO),
        won=sum((net for net in nets if net > 0), ZERO),
        lost=-sum((net for net in nets if net < 0), ZERO),
    )


def deepest_fall_ratio(equities: Sequence[Decimal]) -> float:
    """The largest fall of the curve from a peak before it."""
    peak, deepest = ZERO, 0.0
    for equity in equities:
        peak = max(peak, equity)
        deepest = max(deepest, fall_ratio(equity=equity, peak=peak))
    return deepest
