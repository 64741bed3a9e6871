"""Every check before an order, each with its number, its limit and a sentence a trader understands."""

from decimal import Decimal

import msgspec

from cts.domain.types import PositionSide
from cts.domain.units import decimal_text, pct_from_ratio

ZERO = Decimal(0)
EMERGENCY_STOPPED = "Entries are held since the emergency stop; arm the connection to let them in again"
# Exits nobody's rules decided: they say nothing about how well the rules do.
OUTSIDE_EXITS = frozenset({"emergency", "manual", "external"})


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What may be risked; the defaults are those of a connection without limits of its own."""

    max_positions: int = 50
    max_positions_per_side: int = 3
    max_position_notional_ratio: float = 0.5
    max_total_notional_ratio: float = 5.0
    max_leverage: int = 20
    max_daily_loss_ratio: float = 0.05
    max_drawdown_ratio: float = 0.20
    max_losing_streak: int = 8
    max_orders_per_minute: int = 60
    max_price_deviation_ratio: float = 0.02
    max_price_age_s: float = 3.0
    min_free_margin_ratio: float = 0.10
    stop_guard_count: int = 4


class Lock(msgspec.Struct, frozen=True):
    """Entries closed for a while, by rule or by hand."""

    reason_code: str
    reason: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand at the moment of the order. Money in the settle asset; None where nothing is known."""

    equity: Decimal | None
    available: Decimal | None
    peak_equity: Decimal | None
    open_positions: int = 0
    positions_per_side: int = 0
    total_notional: Decimal = ZERO
    day_pnl: Decimal = ZERO
    losing_streak: int = 0
    stops_in_window: int = 0
    orders_last_minute: int = 0
    last_price: Decimal | None = None
    price_age_s: float | None = None
    locks: tuple[Lock, ...] = ()
    is_halted: bool = False
    is_stopped: bool = False
    is_armed: bool = True
    unknown_orders: int = 0
    opposite_quantity: Decimal = ZERO
    is_one_way: bool = False
    is_trading: bool = True


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The order about to be placed. `worst_notional` counts planned adds too."""

    symbol: str
    side: PositionSide
    price: Decimal
    notional: Decimal
    margin: Decimal
    leverage: int
    max_venue_leverage: int
    is_reduce_only: bool = False
    worst_notional: Decimal | None = None


class Check(msgspec.Struct, frozen=True):
    code: str
    is_passed: bool
    value: str
    limit: str
    sentence: str


class Verdict(msgspec.Struct, frozen=True):
    checks: list[Check]

    @property
    def is_allowed(self) -> bool:
        return all(check.is_passed for check in self.checks)

    @property
    def refusal(self) -> Check | None:
        """The first check that failed: the reason given."""
        return next((check for check in self.checks if not check.is_passed), None)


def check(facts: Facts, *, limits: Limits, request: Request) -> Verdict:
    """All checks, also after one has failed, so that the trader sees everything at once.

    What only reduces passes everything but price sanity: getting out must never wait for a rule about getting in.
    """
    if request.is_reduce_only:
        return Verdict(_price_checks(facts, limits, request, is_age_checked=False))
    return Verdict(
        [
            *_gates(facts, request),
            *_counts(facts, limits),
            *_sizes(facts, limits, request),
            *_losses(facts, limits),
            *_price_checks(facts, limits, request, is_age_checked=True),
        ]
    )


def _gates(facts: Facts, request: Request) -> list[Check]:
    unknown, opposite = facts.unknown_orders, facts.opposite_quantity
    other = "short" if request.side is PositionSide.LONG else "long"
    has_opposite = facts.is_one_way and opposite > 0
    lock = next(iter(facts.locks), None)
    return [
        Check("halted", not facts.is_halted, _yes(facts.is_halted), "no", "The HALT file stops all new orders"),
        Check("emergency_stop", not facts.is_stopped, _yes(facts.is_stopped), "no", EMERGENCY_STOPPED),
        Check("armed", facts.is_armed, _yes(facts.is_armed), "yes", "The connection must be enabled and armed"),
        Check(
            "trading", facts.is_trading, _yes(facts.is_trading), "yes", f"The venue must be trading {request.symbol}"
        ),
        Check(
            "unknown_order",
            unknown == 0,
            str(unknown),
            "0",
            f"{unknown} order(s) of {request.symbol} have an unknown outcome; no new exposure until that is known"
            if unknown
            else f"Every order of {request.symbol} has a known outcome",
        ),
        Check(
            "opposite_side",
            not has_opposite,
            decimal_text(opposite),
            "0" if facts.is_one_way else "-",
            f"The account is in one-way mode and holds {decimal_text(opposite)} {other}; close that first"
            if has_opposite
            else "Nothing is held on the other side that this would net against",
        ),
        Check(
            lock.reason_code if lock else "entry_lock",
            lock is None,
            str(len(facts.locks)),
            "0",
            lock.reason if lock else "No lock on entries",
        ),
    ]


def _counts(facts: Facts, limits: Limits) -> list[Check]:
    return [
        below("positions", facts.open_positions, limits.max_positions, "open positions on this connection"),
        below(
            "positions_per_side",
            facts.positions_per_side,
            limits.max_positions_per_side,
            "open positions on this symbol and side",
        ),
        below("orders_per_minute", facts.orders_last_minute, limits.max_orders_per_minute, "orders in the last minute"),
    ]


def _sizes(facts: Facts, limits: Limits, request: Request) -> list[Check]:
    if facts.equity is None or facts.equity <= 0:
        return [Check("equity", False, "unknown", "> 0", "The account's equity isn't known or is not above zero")]
    equity, available = facts.equity, facts.available if facts.available is not None else ZERO
    worst = request.worst_notional if request.worst_notional is not None else request.notional
    free = float((available - request.margin) / equity)
    leverage_limit = min(limits.max_leverage, request.max_venue_leverage)
    return [
        at_most("position_notional", float(worst / equity), limits.max_position_notional_ratio, "position value"),
        at_most(
            "total_notional",
            float((facts.total_notional + worst) / equity),
            limits.max_total_notional_ratio,
            "all positions together",
        ),
        Check(
            "leverage",
            request.leverage <= leverage_limit,
            str(request.leverage),
            str(leverage_limit),
            f"Leverage {request.leverage} of at most {leverage_limit}",
        ),
        Check(
            "free_margin",
            free >= limits.min_free_margin_ratio,
            pct(free),
            pct(limits.min_free_margin_ratio),
            f"{pct(free)} of equity stays free after this order; at least {pct(limits.min_free_margin_ratio)} must",
        ),
    ]


def _losses(facts: Facts, limits: Limits) -> list[Check]:
    equity = facts.equity or ZERO
    loss, drawdown = day_loss_ratio(facts), drawdown_ratio(facts)
    locks = {lock.reason_code for lock in facts.locks}
    return [
        Check(
            "daily_loss",
            equity > 0 and loss < limits.max_daily_loss_ratio,
            pct(loss),
            pct(limits.max_daily_loss_ratio),
            f"Lost {pct(loss)} since 00:00 UTC; from {pct(limits.max_daily_loss_ratio)} no entries until tomorrow",
        ),
        loss_check(
            "drawdown", drawdown, limits.max_drawdown_ratio, "Equity is {} below its peak; at {} everything stops"
        ),
        Check(
            "losing_streak",
            "losing_streak" not in locks,
            str(facts.losing_streak),
            str(limits.max_losing_streak),
            f"{facts.losing_streak} losing positions in a row; at {limits.max_losing_streak} entries pause",
        ),
        Check(
            "stop_guard",
            "stop_guard" not in locks,
            str(facts.stops_in_window),
            str(limits.stop_guard_count),
            f"{facts.stops_in_window} stops lately; at {limits.stop_guard_count} entries pause",
        ),
    ]


def _price_checks(facts: Facts, limits: Limits, request: Request, *, is_age_checked: bool) -> list[Check]:
    if facts.last_price is None or facts.last_price <= 0:
        # Without a price nothing can be entered; getting out goes by the venue's own price.
        return [Check("price", not is_age_checked, "none", "-", f"No price of {request.symbol} is known")]
    away = float(abs(request.price - facts.last_price) / facts.last_price)
    deviation = Check(
        "price_deviation",
        away <= limits.max_price_deviation_ratio,
        pct(away),
        pct(limits.max_price_deviation_ratio),
        f"{pct(away)} away from the last price; at most {pct(limits.max_price_deviation_ratio)} is allowed",
    )
    if not is_age_checked:
        return [deviation]
    age = facts.price_age_s if facts.price_age_s is not None else float("inf")
    fresh = Check(
        "price_age",
        age <= limits.max_price_age_s,
        f"{age:.1f} s",
        f"{limits.max_price_age_s:g} s",
        f"The last price is {age:.1f} s old; it may be {limits.max_price_age_s:g} s",
    )
    return [deviation, fresh]


def day_loss_ratio(facts: Facts) -> float:
    return loss_ratio(equity=facts.equity, day_pnl=facts.day_pnl)


def drawdown_ratio(facts: Facts) -> float:
    return fall_ratio(equity=facts.equity, peak=facts.peak_equity)


def loss_ratio(*, equity: Decimal | None, day_pnl: Decimal) -> float:
    """Loss of the day as a share of what the day began with; 0 on a day in profit."""
    start = (equity or ZERO) - day_pnl
    return max(0.0, float(-day_pnl / start)) if start > 0 else 0.0


def fall_ratio(*, equity: Decimal | None, peak: Decimal | None) -> float:
    """How far equity lies below its peak, as a share of it; 0 where either isn't known."""
    if equity is None or peak is None or peak <= 0:
        return 0.0
    return max(0.0, float(1 - equity / peak))


def below(code: str, value: int, limit: int, what: str) -> Check:
    return Check(code, value < limit, str(value), str(limit), f"{value} {what}; the limit is {limit}")


def loss_check(code: str, value: float, limit: float, told: str) -> Check:
    """Passed below the limit; `told` has a place for what was lost and one for the limit."""
    return Check(code, value < limit, pct(value), pct(limit), told.format(pct(value), pct(limit)))


def at_most(code: str, value: float, limit: float, what: str) -> Check:
    sentence = f"With this order {what} would be {value:.2f} times equity; the limit is {limit:g}"
    return Check(code, value <= limit, f"{value:.4f}", f"{limit:g}", sentence)


def pct(ratio: float) -> str:
    return f"{pct_from_ratio(ratio):.2f} %"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
