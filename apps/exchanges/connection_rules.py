"""What a connection's fields may hold. Reads instruments, writes nothing; every refusal names the field."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.exchanges.connectors.base import Credentials
from apps.exchanges.connectors.spec import Capability, ExchangeSpec
from apps.exchanges.models import Connection, SymbolMode
from apps.exchanges.selectors import Venue, instruments_list
from cts.domain.errors import DomainError
from cts.domain.types import MarginMode, Market, PositionMode

MAX_SYMBOLS = 200
MAX_LEVERAGE = 20
"""For a connection without risk limits of its own; the same as their default."""
SECRETS = ("api_key", "api_secret", "passphrase")
# Changing one of these under a run that trades would make its next order another order than the one it reckoned.
FIXED_WHILE_ARMED = frozenset({"margin_mode", "position_mode", "leverage", *SECRETS})
# A change of one of these may leave the leverage above what is allowed.
LEVERAGE_FIELDS = frozenset({"leverage", "symbol_mode", "symbols", "forced_symbols"})
_SYMBOL = {
    Market.LINEAR: re.compile(r"[A-Z0-9]{1,20}/USDT:USDT"),
    Market.SPOT: re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{1,10}"),
}


def changes_checked(changes: dict[str, Any], *, spec: ExchangeSpec, venue: Venue) -> dict[str, Any]:
    """The changes in the types the model holds.

    Raises:
        DomainError: the first field at fault.
    """
    checks = _checks(spec, venue)
    for field in changes:
        if field not in checks:
            raise DomainError("unknown_field", f"{field} can't be set on a connection", field=field)
    return {field: checks[field](field, value) for field, value in changes.items()}


def credentials_checked(spec: ExchangeSpec, given: dict[str, str]) -> Credentials:
    for field in spec.credential_fields:
        if not given.get(field, ""):
            raise DomainError("required", f"{spec.label} needs the {field.replace('_', ' ')}", field=field)
    for field, value in given.items():
        if not isinstance(value, str) or len(value) > 512 or not value.isascii() or not value.isprintable():
            raise DomainError("invalid_secret", "Only printable ASCII, at most 512 characters", field=field)
    return Credentials(**{field: value.strip() for field, value in given.items()})


def venue_checked(spec: ExchangeSpec, *, environment: str) -> Venue:
    if environment not in spec.market_environments:
        offered = ", ".join(spec.market_environments)
        raise DomainError("invalid_choice", f"{spec.label} has {offered}", field="environment")
    return spec.name, environment, spec.market


def name_free_check(name: str, *, owner_id: int, connection_id: int | None = None) -> None:
    others = Connection.objects.filter(owner_id=owner_id, name=name)
    if others.exclude(pk=connection_id or 0).exists():
        raise DomainError("name_taken", f"You have a connection named {name!r} already", field="name")


def leverage_limit(connection: Connection, *, spec: ExchangeSpec) -> int:
    """The most its risk limits and the venue allow, whatever the symbol."""
    # By the reverse relation: limits belong to the app of orders, which is above this one.
    limits = getattr(connection, "risk_limits", None)
    return min(spec.max_leverage, MAX_LEVERAGE if limits is None else limits.max_leverage)


def leverage_check(connection: Connection, *, spec: ExchangeSpec) -> None:
    """Refuse more leverage than its limits allow, or than the venue does for one of its symbols, as last synced."""
    allowed = leverage_limit(connection, spec=spec)
    if connection.leverage > allowed:
        raise DomainError(
            "leverage_too_high", f"At most {allowed}: the risk limits allow no more leverage", field="leverage"
        )
    chosen = connection.symbols if connection.symbol_mode == SymbolMode.MAIN else []
    exchange, environment, market = connection.venue
    listed = instruments_list(exchange=exchange, environment=environment, market=market)
    strictest = (
        listed.filter(symbol__in=[*chosen, *connection.forced_symbols], max_leverage__lt=connection.leverage)
        .order_by("max_leverage")
        .first()
    )
    if strictest is not None:
        detail = f"At most {strictest.max_leverage}: {spec.label} allows no more on {strictest.symbol}"
        raise DomainError("leverage_too_high", detail, field="leverage")


def _checks(spec: ExchangeSpec, venue: Venue) -> dict[str, Callable[[str, Any], Any]]:
    symbols = _symbols_of(venue)
    return {
        "name": _name,
        "margin_mode": _choice([*MarginMode]),
        "position_mode": _choice([*PositionMode] if spec.can(Capability.HEDGE) else [PositionMode.ONE_WAY]),
        "leverage": _whole(1, spec.max_leverage),
        "volume_factor_live": _factor,
        "volume_factor_preset": _factor,
        "symbol_mode": _choice(SymbolMode.values),
        "symbols": symbols,
        "forced_symbols": symbols,
        "top_count": _whole(1, 100),
        "is_enabled": _switch,
        "is_active": _switch,
    }


def _name(field: str, value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not 1 <= len(text) <= 64 or not text.isprintable():
        raise DomainError("invalid_name", "Give it a name of 1 to 64 characters", field=field)
    return text


def _choice(offered: list[Any]) -> Callable[[str, Any], str]:
    def check(field: str, value: Any) -> str:
        if value not in offered:
            raise DomainError("invalid_choice", f"Choose one of {', '.join(map(str, offered))}", field=field)
        return str(value)

    return check


def _whole(low: int, high: int) -> Callable[[str, Any], int]:
    def check(field: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise DomainError("out_of_range", f"A whole number from {low} to {high}", field=field)
        return value

    return check


def _switch(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise DomainError("invalid_switch", "True or false", field=field)
    return value


def _factor(field: str, value: Any) -> Decimal:
    try:
        factor = Decimal(str(value))
    except InvalidOperation:
        factor = Decimal("NaN")
    if not factor.is_finite() or not Decimal("0.1") <= factor <= 10 or factor % Decimal("0.1"):
        raise DomainError("out_of_range", "From 0.1 to 10 in steps of 0.1", field=field)
    return factor


def _symbols_of(venue: Venue) -> Callable[[str, Any], list[str]]:
    exchange, environment, market = venue
    spelling = _SYMBOL[Market(market)]

    def check(field: str, value: Any) -> list[str]:
        if not isinstance(value, list) or len(value) > MAX_SYMBOLS:
            raise DomainError("invalid_symbols", f"A list of at most {MAX_SYMBOLS} symbols", field=field)
        for symbol in value:
            if not isinstance(symbol, str) or not spelling.fullmatch(symbol):
                raise DomainError("invalid_symbols", f"{symbol!r} is not spelled like BTC/USDT:USDT", field=field)
        listed = instruments_list(exchange=exchange, environment=environment, market=market)
        names = set(listed.filter(symbol__in=value).values_list("symbol", flat=True))
        if listed.exists() and (absent := [symbol for symbol in value if symbol not in names]):
            raise DomainError("unknown_symbol", f"{exchange} {environment} does not list {absent[0]}", field=field)
        return list(dict.fromkeys(value))

    return check
