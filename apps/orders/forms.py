"""The form of a connection's risk limits: percent and minutes for people, ratios and seconds behind it."""

from decimal import Decimal
from typing import Any

from django import forms
from django.db import models

from apps.orders.limits import BOUNDS
from apps.orders.models import LIMIT_FIELDS, RiskLimits
from cts.domain.units import decimal_from_float, decimal_text

# One of the unit people read, in the unit the limit is kept in.
UNITS = {"%": Decimal("0.01"), "minutes": Decimal(60)}


class InUnit(forms.DecimalField):
    """A number shown in another unit than it is kept in: `unit` is one of the shown in the kept."""

    def __init__(self, *, unit: Decimal, is_whole: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unit, self.is_whole = unit, is_whole

    def prepare_value(self, value: Any) -> Any:
        # What was typed comes back as text, and as it was typed.
        if value is None or isinstance(value, str):
            return value
        return decimal_text(decimal_from_float(float(value)) / self.unit)

    def clean(self, value: Any) -> float | None:
        typed = super().clean(value)
        if typed is None:
            return None
        kept = typed * self.unit
        return int(kept) if self.is_whole else float(kept)


def limit_field(
    label: str,
    *,
    bounds: tuple[float, float],
    is_whole: bool,
    unit: str = "",
    help_text: str = "",
    required: bool = True,
) -> forms.Field:
    """A number between bounds given in the unit it is kept in, typed in the unit people read."""
    size = UNITS.get(unit, Decimal(1))
    low, high = (Decimal(decimal_text(Decimal(str(bound)) / size)) for bound in bounds)
    return InUnit(
        unit=size,
        is_whole=is_whole,
        label=f"{label}, {unit}" if unit else label,
        help_text=help_text,
        min_value=low,
        max_value=high,
        decimal_places=0 if is_whole else 4,
        required=required,
        widget=forms.NumberInput(attrs={"step": "1" if is_whole else "any"}),
    )


def _number(name: str, label: str, *, unit: str = "", help_text: str = "") -> forms.Field:
    is_whole = not isinstance(LIMIT_FIELDS[name], models.FloatField)
    return limit_field(label, bounds=BOUNDS[name], is_whole=is_whole, unit=unit, help_text=help_text)


class RiskLimitsForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)

    sizing_mode = forms.ChoiceField(label="Size of a position", choices=LIMIT_FIELDS["sizing_mode"].choices or [])
    target_positions = _number("target_positions", "Positions aimed at", help_text="Equity is divided by it: 20 to 300")
    enforce_min_volume = forms.BooleanField(
        label="Raise a size below the exchange's minimum to it, where the limits allow", required=False
    )

    max_positions = _number("max_positions", "Open positions, at most", help_text="0 lets nothing in")
    max_positions_per_side = _number("max_positions_per_side", "Of one symbol and side, at most")
    max_position_notional_ratio = _number(
        "max_position_notional_ratio", "Value of one position", unit="%", help_text="Of equity"
    )
    max_total_notional_ratio = _number(
        "max_total_notional_ratio", "Value of all positions", unit="%", help_text="Of equity"
    )
    max_leverage = _number("max_leverage", "Leverage, at most", help_text="Entries are denied above it")
    min_free_margin_ratio = _number(
        "min_free_margin_ratio", "Free margin kept", unit="%", help_text="Of equity, after an order"
    )

    max_daily_loss_ratio = _number(
        "max_daily_loss_ratio", "Loss of a day", unit="%", help_text="Then no entries until 00:00 UTC"
    )
    max_drawdown_ratio = _number(
        "max_drawdown_ratio", "Equity below its peak", unit="%", help_text="Then an emergency stop"
    )
    max_losing_streak = _number("max_losing_streak", "Losing positions in a row")
    losing_streak_pause_s = _number("losing_streak_pause_s", "Pause after them", unit="minutes")
    stop_guard_count = _number("stop_guard_count", "Stops on one symbol")
    stop_guard_window_s = _number("stop_guard_window_s", "Counted within", unit="minutes")
    stop_guard_lock_s = _number("stop_guard_lock_s", "Pause of that symbol", unit="minutes")

    max_orders_per_minute = _number("max_orders_per_minute", "Orders a minute, at most")
    max_price_deviation_ratio = _number(
        "max_price_deviation_ratio", "Distance from the last price", unit="%", help_text="Of an order's own price"
    )
    max_price_age_s = _number("max_price_age_s", "Age of the price", unit="seconds", help_text="Older: no entry")

    _SECTIONS = (
        ("Size", ("sizing_mode", "target_positions", "enforce_min_volume")),
        (
            "How much at once",
            (
                *("max_positions", "max_positions_per_side", "max_position_notional_ratio"),
                *("max_total_notional_ratio", "max_leverage", "min_free_margin_ratio"),
            ),
        ),
        (
            "When entries pause",
            (
                *("max_daily_loss_ratio", "max_drawdown_ratio", "max_losing_streak", "losing_streak_pause_s"),
                *("stop_guard_count", "stop_guard_window_s", "stop_guard_lock_s"),
            ),
        ),
        ("Each order", ("max_orders_per_minute", "max_price_deviation_ratio", "max_price_age_s")),
    )

    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [(title, [self[name] for name in names]) for title, names in self._SECTIONS]

    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in LIMIT_FIELDS}


def risk_limits_initial(limits: RiskLimits) -> dict[str, Any]:
    return {name: getattr(limits, name) for name in ("version", *LIMIT_FIELDS)}
