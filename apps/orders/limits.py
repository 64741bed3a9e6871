"""Risk limits of a connection: changed by name, checked for range, never past what is sane."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.exchanges.models import Connection
from apps.exchanges.services import facts_changed
from apps.orders.models import RiskLimits
from cts.domain.errors import DomainError

_RATIOS = {
    "max_position_notional_ratio": (0.0, 100.0),
    "max_total_notional_ratio": (0.0, 1000.0),
    "max_daily_loss_ratio": (0.0, 1.0),
    "max_drawdown_ratio": (0.0, 1.0),
    "max_price_deviation_ratio": (0.0, 1.0),
    "max_price_age_s": (0.1, 600.0),
    "min_free_margin_ratio": (0.0, 1.0),
}
_NOT_SETTINGS = {"id", "connection", "version", "created_at", "updated_at"}
_FIELDS = {field.name: field for field in RiskLimits._meta.concrete_fields if field.name not in _NOT_SETTINGS}


@transaction.atomic
def risk_limits_update(connection: Connection, *, changes: dict[str, Any]) -> RiskLimits:
    """Set the limits given.

    Raises:
        DomainError: `unknown_field` or `invalid`, with the field.
    """
    facts_changed(connection.pk)
    RiskLimits.objects.get_or_create(connection=connection)
    row = RiskLimits.objects.select_for_update().get(connection=connection)
    for name, value in changes.items():
        _field_set(row, name, value)
    row.save_next(*changes)
    return row


def _field_set(row: RiskLimits, name: str, value: Any) -> None:
    if name not in _FIELDS:
        raise DomainError("unknown_field", f"There is no limit called {name}", field=name)
    try:
        setattr(row, name, _FIELDS[name].clean(value, row))
    except ValidationError as error:
        raise DomainError("invalid", " ".join(error.messages), field=name) from None
    low, high = _RATIOS.get(name, (0.0, float("inf")))
    number = getattr(row, name)
    if isinstance(number, int | float) and not low <= number <= high:
        raise DomainError("invalid", f"Choose between {low:g} and {high:g}", field=name)
    if name == "target_positions" and not 20 <= number <= 300:
        raise DomainError("invalid", "Choose between 20 and 300", field=name)
