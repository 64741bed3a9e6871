"""A connection as asked for: checked field by field, tried out where that is wanted, not stored."""

from dataclasses import dataclass
from typing import Any

from apps.accounts.access import trading_check
from apps.accounts.models import User
from apps.exchanges.connection_check import connection_try
from apps.exchanges.connection_rules import (
    SECRETS,
    changes_checked,
    credentials_checked,
    leverage_check,
    venue_checked,
)
from apps.exchanges.connectors.base import Credentials
from apps.exchanges.connectors.spec import ExchangeSpec
from apps.exchanges.models import Connection
from apps.exchanges.selectors import spec_for
from cts.domain import types


@dataclass(frozen=True)
class Draft:
    """A connection as asked for, checked and not stored. No credentials: a new paper account is to be opened."""

    connection: Connection
    spec: ExchangeSpec
    credentials: Credentials | None


def drafted(
    owner: User,
    *,
    name: str,
    exchange: str,
    environment: str,
    market: str,
    secrets: dict[str, str],
    options: dict[str, Any],
) -> Draft:
    trading_check(owner)
    spec = spec_for(exchange, market)
    venue = venue_checked(spec, environment=environment)
    values = changes_checked({"name": name, **options}, spec=spec, venue=venue)
    fixed = {"owner": owner, "exchange": exchange, "environment": environment, "market": market}
    connection = Connection(**fixed, **values)
    leverage_check(connection, spec=spec)
    is_paper_new = environment == types.Environment.PAPER and not any(secrets.values())
    return Draft(connection, spec, None if is_paper_new else credentials_checked(spec, secrets))


def connection_try_out(owner: User, *, name: str = "Try-out", **given: Any) -> tuple[bool, list[dict[str, Any]]]:
    """Whether a connection of these terms would work, line by line, before anything is stored. Nothing is set or placed.

    Raises:
        DomainError: the field at fault.
    """
    secrets = {field: given.pop(field, "") for field in SECRETS}
    venue = {field: given.pop(field) for field in ("exchange", "environment")}
    market = given.pop("market", types.Market.LINEAR)
    draft = drafted(owner, name=name or "Try-out", market=market, secrets=secrets, options=given, **venue)
    return connection_try(draft.connection, credentials=draft.credentials)
