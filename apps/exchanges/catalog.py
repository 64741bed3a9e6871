"""Instruments of a venue: synced, with every change of a rule kept."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.exchanges.factory import public_connector
from apps.exchanges.models import Instrument, InstrumentChange
from apps.exchanges.selectors import instruments_forget
from cts.domain import types
from cts.domain.units import decimal_text

_RULES = (
    *("venue_symbol", "base", "quote", "settle", "tick_size", "lot_step", "min_quantity", "max_quantity"),
    *(
        "max_market_quantity",
        "min_notional",
        "contract_size",
        "max_leverage",
        "maker_fee_rate",
        "taker_fee_rate",
        "is_trading",
    ),
)


@dataclass(frozen=True)
class SyncCount:
    listed: int
    added: int
    changed: int
    delisted: int


def instruments_sync(*, exchange: str, environment: str, market: str) -> SyncCount:
    """Ask the venue for its list, then store it in one transaction. What is listed no more stops trading, and stays."""
    told = public_connector(exchange, environment, market).instruments()
    return _instruments_store((exchange, environment, market), told)


@transaction.atomic
def _instruments_store(venue: tuple[str, str, str], told: list[types.Instrument]) -> SyncCount:
    exchange, environment, market = venue
    kept = Instrument.objects.select_for_update().filter(exchange=exchange, environment=environment, market=market)
    rows = {row.symbol: row for row in kept}
    now = timezone.now()
    new = [
        Instrument(
            exchange=exchange,
            environment=environment,
            market=market,
            symbol=value.symbol,
            synced_at=now,
            **_rules(value),
        )
        for value in told
        if value.symbol not in rows
    ]
    Instrument.objects.bulk_create(new)
    changed = sum(_rules_change(rows[value.symbol], _rules(value)) for value in told if value.symbol in rows)
    gone = [row for symbol, row in rows.items() if symbol not in {value.symbol for value in told} and row.is_trading]
    for row in gone:
        _rules_change(row, {"is_trading": False})
    kept.update(synced_at=now)
    transaction.on_commit(instruments_forget)
    return SyncCount(listed=len(told), added=len(new), changed=changed, delisted=len(gone))


def _rules(value: types.Instrument) -> dict[str, Any]:
    return {name: getattr(value, name) for name in _RULES}


def _rules_change(row: Instrument, rules: dict[str, Any]) -> bool:
    # A fee the public list doesn't tell is not a fee that went away.
    different = {
        name: value
        for name, value in rules.items()
        if getattr(row, name) != value and not (value is None and name.endswith("_fee_rate"))
    }
    if not different:
        return False
    changes = {name: [_plain(getattr(row, name)), _plain(value)] for name, value in different.items()}
    for name, value in different.items():
        setattr(row, name, value)
    row.save_next(*different)
    InstrumentChange.objects.create(instrument=row, changes=changes)
    return True


def _plain(value: object) -> object:
    return decimal_text(value) if isinstance(value, Decimal) else value
