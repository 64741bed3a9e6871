"""The ledger's decimals keep every digit and compare as numbers on whichever database runs the suite."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.exchanges.models import Instrument
from cts.domain.units import decimal_text

pytestmark = pytest.mark.django_db


def instrument(**changes: object) -> Instrument:
    rules: dict[str, object] = {
        "exchange": "bybit",
        "environment": "paper",
        "market": "linear",
        "symbol": "BTC/USDT:USDT",
        "venue_symbol": "BTCUSDT",
        "base": "BTC",
        "quote": "USDT",
        "tick_size": Decimal("0.10"),
        "lot_step": Decimal("0.001"),
        "min_quantity": Decimal("0.001"),
        "synced_at": timezone.now(),
    }
    return Instrument.objects.create(**{**rules, **changes})


@pytest.mark.parametrize(
    "text", ["12345678901234567890.123456789012345678", "0.000000000000000001", "-7", "0", "100000"]
)
def test_every_digit_survives(text: str) -> None:
    row = instrument(min_notional=Decimal(text))
    row.refresh_from_db()
    assert decimal_text(row.min_notional or Decimal(0)) == text


def test_digits_beyond_the_last_are_rounded_once() -> None:
    row = instrument(min_notional=Decimal("12345678901234567890.1234567890123456789"))
    row.refresh_from_db()
    assert row.min_notional == Decimal("12345678901234567890.123456789012345679")


def test_trailing_zeros_and_exponents_read_back_plain() -> None:
    row = instrument(min_quantity=Decimal("1E+3"), max_quantity=Decimal("2.5000"))
    row.refresh_from_db()
    assert (str(row.min_quantity), str(row.max_quantity)) == ("1000", "2.5")


def test_order_comparisons_are_numeric_not_alphabetic() -> None:
    instrument(symbol="A", min_quantity=Decimal(9))
    instrument(symbol="B", min_quantity=Decimal(10))
    above = Instrument.objects.filter(min_quantity__gt=Decimal("9.5")).values_list("symbol", flat=True)
    assert list(above) == ["B"]
    below = Instrument.objects.filter(min_quantity__lte=Decimal("9.0")).values_list("symbol", flat=True)
    assert list(below) == ["A"]


def test_equality_ignores_trailing_zeros() -> None:
    instrument(min_quantity=Decimal("2.50"))
    assert Instrument.objects.filter(min_quantity=Decimal("2.5")).exists()


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+20")])
def test_a_number_the_ledger_cannot_hold_is_refused(value: Decimal) -> None:
    with pytest.raises(ValidationError):
        instrument(min_notional=value)


def test_a_check_constraint_on_a_decimal_is_kept_by_the_database() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        instrument(tick_size=Decimal(0))
    with pytest.raises(IntegrityError), transaction.atomic():
        instrument(tick_size=Decimal("-0.1"))
