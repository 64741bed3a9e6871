"""Percent to ratio and back, steps to ratio, floats to the ledger's decimals. The only place that converts."""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

HUNDRED = Decimal(100)


def ratio_from_pct(pct: float) -> float:
    """0.1 (percent) -> 0.001."""
    return pct / 100.0


def pct_from_ratio(ratio: float) -> float:
    return ratio * 100.0


def decimal_from_float(value: float) -> Decimal:
    """Shortest decimal that reads back as `value`; the only door from float64 into the ledger."""
    return Decimal(repr(value))


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Largest multiple of `step` not above `value`, for quantities."""
    return (value / step).to_integral_value(rounding=ROUND_DOWN) * step


def round_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Nearest multiple of `step`, for prices."""
    return (value / step).to_integral_value(rounding=ROUND_HALF_UP) * step


def decimal_text(value: Decimal) -> str:
    """Plain notation without trailing zeros or exponent: the one spelling on the wire and in rows."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text
