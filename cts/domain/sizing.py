"""How much to trade, every step of the sum kept. The border between float ratios and the ledger's decimals."""

from decimal import ROUND_UP, Context, Decimal

import msgspec

from cts.domain.types import Instrument
from cts.domain.units import decimal_from_float, decimal_text, floor_to_step

SIZING_MODES = ("risk", "cost")
_TOLD = Context(prec=8)


class Step(msgspec.Struct, frozen=True):
    """A line of the sum, in the words of the page."""

    name: str
    label: str
    value: Decimal


class SizingInput(msgspec.Struct, frozen=True, kw_only=True):
    equity: Decimal
    price: Decimal
    leverage: int
    mode: str = "risk"
    volume_factor: Decimal = Decimal(1)
    adjust_ratio: float = 1.0
    target_positions: int = 50
    position_cost_ratio: float = 0.001
    enforce_minimum: bool = True


class Sizing(msgspec.Struct, frozen=True, kw_only=True):
    """`quantity` is on the lot step; zero when `refusal` says why nothing can be traded."""

    steps: list[Step]
    quantity: Decimal
    notional: Decimal
    margin: Decimal
    is_raised: bool = False
    refusal: str = ""


def size(given: SizingInput, *, instrument: Instrument, is_market: bool = True) -> Sizing:
    """Notional by the mode, divided by the price, floored to the lot, raised to the venue's minimum where allowed, cut to
    its maximum, which is lower for what fills at market.
    """
    ratio = decimal_from_float(given.adjust_ratio)
    wanted = _notional(given, ratio=ratio)
    raw = wanted / given.price
    floored = floor_to_step(raw, instrument.lot_step)
    minimum = minimum_quantity(instrument, price=given.price)
    steps = [
        Step("equity", "Equity", given.equity),
        Step("volume_factor", "Volume factor", given.volume_factor),
        Step("adjust_ratio", "Adjustment", ratio),
        _share(given),
        Step("wanted_notional", "Position value wanted", wanted),
        Step("price", "Price", given.price),
        Step("raw_quantity", "Quantity before rounding", raw),
        Step("floored_quantity", "Rounded down to the lot step", floored),
        Step("minimum_quantity", "Smallest the venue takes", minimum),
    ]
    most = instrument.largest_quantity(is_market=is_market)
    return _settle(given, steps=steps, asked=raw, floored=floored, minimum=minimum, most=most, instrument=instrument)


def size_given(
    quantity: Decimal,
    *,
    price: Decimal,
    leverage: int,
    instrument: Instrument,
    is_minimum_waived: bool = False,
    held: Decimal | None = None,
    is_market: bool = True,
) -> Sizing:
    """The sum of a quantity somebody chose: floored to the lot, never raised, and no more than is `held`.

    What only reduces may be any lot.
    """
    floored = floor_to_step(quantity if held is None else min(quantity, held), instrument.lot_step)
    minimum = instrument.lot_step if is_minimum_waived else minimum_quantity(instrument, price=price)
    steps = [
        Step("asked_quantity", "Quantity asked for", quantity),
        *([] if held is None else [Step("held_quantity", "Held on that side", held)]),
        Step("price", "Price", price),
        Step("floored_quantity", "Rounded down to the lot step", floored),
        Step("minimum_quantity", "Smallest the venue takes", minimum),
    ]
    given = SizingInput(equity=Decimal(0), price=price, leverage=leverage, enforce_minimum=False)
    most = instrument.largest_quantity(is_market=is_market)
    return _settle(
        given, steps=steps, asked=quantity, floored=floored, minimum=minimum, most=most, instrument=instrument
    )


def minimum_quantity(instrument: Instrument, *, price: Decimal) -> Decimal:
    """The smallest quantity on the lot step that meets both of the venue's minimums."""
    by_notional = Decimal(0) if instrument.min_notional is None else instrument.min_notional / price
    least = max(instrument.min_quantity, by_notional)
    return (least / instrument.lot_step).to_integral_value(rounding=ROUND_UP) * instrument.lot_step


def _notional(given: SizingInput, *, ratio: Decimal) -> Decimal:
    scaled = given.equity * given.volume_factor * ratio
    if given.mode == "cost":
        return scaled * decimal_from_float(given.position_cost_ratio)
    return scaled / given.target_positions


def _share(given: SizingInput) -> Step:
    if given.mode == "cost":
        return Step("position_cost_ratio", "Position cost", decimal_from_float(given.position_cost_ratio))
    return Step("target_positions", "Divided by target positions", Decimal(given.target_positions))


def _settle(
    given: SizingInput,
    *,
    steps: list[Step],
    asked: Decimal,
    floored: Decimal,
    minimum: Decimal,
    most: Decimal | None,
    instrument: Instrument,
) -> Sizing:
    quantity, is_raised, refusal = floored, False, ""
    if floored < minimum:
        is_raised = given.enforce_minimum
        quantity = minimum if is_raised else Decimal(0)
        refusal = (
            ""
            if is_raised
            else _too_small(asked, floored=floored, minimum=minimum, price=given.price, instrument=instrument)
        )
    label = "Raised to the minimum" if is_raised else "Quantity"
    if most is not None and quantity > most:
        quantity, label = floor_to_step(most, instrument.lot_step), "Cut to the most the venue takes in one such order"
    notional = quantity * given.price
    margin = notional / given.leverage
    steps = [
        *steps,
        Step("quantity", label, quantity),
        Step("notional", "Position value", notional),
        Step("leverage", "Leverage", Decimal(given.leverage)),
        Step("margin", "Margin", margin),
    ]
    return Sizing(
        steps=steps, quantity=quantity, notional=notional, margin=margin, is_raised=is_raised, refusal=refusal
    )


def _too_small(asked: Decimal, *, floored: Decimal, minimum: Decimal, price: Decimal, instrument: Instrument) -> str:
    """Which of the venue's two minimums it misses: a quantity in base units, or a value in money."""
    base, least = instrument.base, decimal_text(minimum)
    if minimum <= max(instrument.min_quantity, instrument.lot_step):
        return f"{_told(asked)} {base} asked for; the venue takes at least {least} {base}"
    quantity = floored or asked
    worth, needed = _told(quantity * price), decimal_text(instrument.min_notional or Decimal(0))
    return (
        f"{_told(quantity)} {base} is worth {worth} {instrument.quote}, "
        f"at least {needed} {instrument.quote} is needed: {least} {base} at this price"
    )


def _told(value: Decimal) -> str:
    return decimal_text(_TOLD.plus(value))
