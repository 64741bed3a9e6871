"""Risk limits of a connection: changed by name, checked for range, never past what is sane."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Field, Model

from apps.accounts.access import trading_check
from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.exchanges.models import Connection
from apps.exchanges.services import facts_changed
from apps.orders.models import LIMIT_FIELDS, RiskLimits
from cts.domain.errors import DomainError

MONTH_S = 2_592_000
# What each number may be, in the limit's own unit: a ratio (0.05 is 5 %), seconds, or a count.
BOUNDS: dict[str, tuple[float, float]] = {
    "target_positions": (20, 300),
    "max_positions": (0, 1000),
    "max_positions_per_side": (0, 100),
    "max_position_notional_ratio": (0, 100),
    "max_total_notional_ratio": (0, 1000),
    "max_leverage": (1, 125),
    "max_daily_loss_ratio": (0, 1),
    "max_drawdown_ratio": (0, 1),
    "max_losing_streak": (1, 1000),
    "losing_streak_pause_s": (0, MONTH_S),
    "max_orders_per_minute": (1, 1000),
    "max_price_deviation_ratio": (0, 1),
    "max_price_age_s": (0.1, 600),
    "min_free_margin_ratio": (0, 1),
    "stop_guard_count": (1, 1000),
    "stop_guard_window_s": (60, MONTH_S),
    "stop_guard_lock_s": (0, MONTH_S),
}


@transaction.atomic
def risk_limits_update(
    connection: Connection,
    *,
    user: User,
    changes: dict[str, Any],
    version: int | None = None,
    address: str | None = None,
) -> RiskLimits:
    """Set the limits given. With `version`, only if nobody changed them since they were read.

    Raises:
        DomainError: `read_only`, `version_conflict`, or `unknown_field` or `invalid` with the field.
    """
    trading_check(user)
    # It holds the connection, as `order_create` does: an order is checked by the old limits or by the new ones.
    facts_changed(connection.pk)
    row, _ = RiskLimits.objects.get_or_create(connection=connection)
    if version not in (None, row.version):
        raise DomainError("version_conflict", "The limits have changed since you read them; read them again")
    before = {name: getattr(row, name) for name in LIMIT_FIELDS}
    for name, value in changes.items():
        _field_set(row, name, value)
    changed = {name: [old, getattr(row, name)] for name, old in before.items() if getattr(row, name) != old}
    if changed:
        row.save_next(*changed)
        audit_record(
            user=user,
            action="risk_limits.changed",
            entity="connection",
            entity_id=connection.pk,
            detail=changed,
            address=address,
        )
    return row


def _field_set(row: RiskLimits, name: str, value: Any) -> None:
    setattr(row, name, limit_cleaned(name, value, row=row, fields=LIMIT_FIELDS, bounds=BOUNDS))


def limit_cleaned(
    name: str,
    value: Any,
    *,
    row: Model,
    fields: Mapping[str, "Field[Any, Any]"],
    bounds: Mapping[str, tuple[float, float]],
    otherwise: str = "",
) -> Any:
    """The value as its field keeps it; `otherwise` is what a refusal of the number says besides its bounds.

    Raises:
        DomainError: `unknown_field` or `invalid`, with the field.
    """
    if name not in fields:
        raise DomainError("unknown_field", f"There is no limit called {name}", field=name)
    try:
        number = fields[name].clean(value, row)
    except ValidationError as error:
        raise DomainError("invalid", " ".join(error.messages), field=name) from None
    low, high = bounds.get(name, (float("-inf"), float("inf")))
    if isinstance(number, int | float) and not low <= number <= high:
        raise DomainError("invalid", f"Choose between {low:g} and {high:g}{otherwise}", field=name)
    return number
