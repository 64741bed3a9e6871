"""Field types and row bases the apps share. No queries, no rules of the business."""

import secrets
from datetime import datetime
from decimal import Context, Decimal
from enum import StrEnum
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from cts.domain.units import decimal_text

MAX_DIGITS = 38
DECIMAL_PLACES = 18
_SMALLEST = Decimal(1).scaleb(-DECIMAL_PLACES)
_EXACT = Context(prec=2 * MAX_DIGITS)


def enum_choices(kind: type[StrEnum]) -> list[tuple[str, str]]:
    """Django choices of a domain enum: value and a readable label."""
    return [(member.value, member.value.replace("_", " ").capitalize()) for member in kind]


class ExactDecimalField(models.DecimalField):  # type: ignore[type-arg]
    """A decimal kept to its last digit on both databases: numeric(38,18) on PostgreSQL, text on SQLite.

    SQLite's own decimal column is a float of 15 digits, which a ledger can't live with. Values come back without
    trailing zeros, so that equality, hashes and JSON agree whichever database holds them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = MAX_DIGITS
        kwargs["decimal_places"] = DECIMAL_PLACES
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, list(args), kwargs

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return "text" if connection.vendor == "sqlite" else f"numeric({MAX_DIGITS}, {DECIMAL_PLACES})"

    def get_internal_type(self) -> str:
        # Not "DecimalField": Django's SQLite converter for that name goes through a float.
        return "ExactDecimalField"

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        if value is None or hasattr(value, "as_sql"):
            return value
        exact = self._fit(value)
        return decimal_text(exact) if connection.vendor == "sqlite" else exact

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        return self.get_db_prep_value(value, connection)

    def from_db_value(self, value: Any, expression: object, connection: BaseDatabaseWrapper) -> Decimal | None:
        if value is None:
            return None
        # SQLite's text has been written without trailing zeros.
        return Decimal(value) if isinstance(value, str) else Decimal(decimal_text(Decimal(value)))

    def _fit(self, value: Any) -> Decimal:
        exact: Decimal | None = self.to_python(value)
        if exact is None or not exact.is_finite():
            raise ValidationError(f"{self.name}: {value!r} is not a finite decimal")
        if exact.adjusted() >= MAX_DIGITS - DECIMAL_PLACES:
            raise ValidationError(
                f"{self.name}: {value!r} has more than {MAX_DIGITS - DECIMAL_PLACES} digits before the point"
            )
        return exact.quantize(_SMALLEST, context=_EXACT) if -int(exact.as_tuple().exponent) > DECIMAL_PLACES else exact


class _NumericOnSQLite:
    """Order comparisons of the text column by number, not by letter."""

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        left, left_params = self.process_lhs(compiler, connection)  # type: ignore[attr-defined]
        right, right_params = self.process_rhs(compiler, connection)  # type: ignore[attr-defined]
        operator = connection.operators[self.lookup_name].replace("%s", f"CAST({right} AS REAL)")  # type: ignore[attr-defined]
        return f"CAST({left} AS REAL) {operator}", (*left_params, *right_params)


for _lookup in (GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual):
    ExactDecimalField.register_lookup(type(_lookup.__name__, (_NumericOnSQLite, _lookup), {}))


class VersionedModel(models.Model):
    """A row whose every change bumps `version`, so that pages apply pushes in order and updates can be conditional."""

    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def save_next(self, *fields: str) -> None:
        """Write `fields` and the next version. Call inside a transaction that holds the row."""
        self.version += 1
        self.save(update_fields=[*fields, "version", "updated_at"])


class LedgerModel(models.Model):
    """An append-only row: written once, never changed or deleted by the product."""

    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None and not self._state.adding:
            raise TypeError(f"{type(self).__name__} is append-only")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(f"{type(self).__name__} is append-only")


def random_mark() -> int:
    """A name for a state of things that no other state will ever bear."""
    return secrets.randbits(62)


def iso(value: datetime | None) -> str | None:
    """The one spelling of a time in rows and JSON: UTC ISO 8601 with Z."""
    return None if value is None else value.isoformat().replace("+00:00", "Z")
