"""Writes of connections and balances. Keys enter here in plain and leave sealed; nothing here logs them."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from apps.accounts.access import trading_check
from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.exchanges.catalog import instruments_sync
from apps.exchanges.connection_check import connection_check
from apps.exchanges.connection_rules import (
    FIXED_WHILE_ARMED,
    LEVERAGE_FIELDS,
    SECRETS,
    changes_checked,
    credentials_checked,
    leverage_check,
    name_free_check,
)
from apps.exchanges.connectors.base import Credentials
from apps.exchanges.contact import (
    balances_record,
    connection_failed,
    connection_pushed,
    connection_seen,
    facts_changed,
)
from apps.exchanges.crypto import credentials_seal, credentials_unseal, current_key_id, envelope_key_id
from apps.exchanges.drafts import connection_try_out, drafted
from apps.exchanges.factory import connector_forget
from apps.exchanges.feeds import feed_want
from apps.exchanges.models import Connection, ConnectionTest
from apps.exchanges.paper_account import paper_account_open, paper_credentials
from apps.exchanges.selectors import spec_for
from apps.exchanges.state import ConnectionStateManager
from apps.exchanges.trading import market_check
from cts.domain import types
from cts.domain.errors import DomainError
from cts.realtime import event, push_on_commit

__all__ = [
    "balances_record",
    "connection_arm",
    "connection_create",
    "connection_delete",
    "connection_disarm",
    "connection_failed",
    "connection_seen",
    "connection_stop_entries",
    "connection_test",
    "connection_try_out",
    "connection_update",
    "connections_reseal",
    "facts_changed",
    "feed_want",
    "instruments_sync",
]

_ARMED = {"live": "is_live_armed", "preset": "is_preset_armed"}


def connection_create(
    *,
    owner: User,
    name: str,
    exchange: str,
    environment: str,
    market: str = types.Market.LINEAR,
    api_key: str = "",
    api_secret: str = "",
    passphrase: str = "",
    **options: Any,
) -> Connection:
    """A new connection, not yet tested nor armed. On paper without keys, an account is opened for it.

    Raises:
        DomainError: the field at fault, or `paper_unavailable`.
    """
    draft = drafted(
        owner,
        name=name,
        exchange=exchange,
        environment=environment,
        market=market,
        secrets={"api_key": api_key, "api_secret": api_secret, "passphrase": passphrase},
        options=options,
    )
    name_free_check(draft.connection.name, owner_id=owner.pk)
    credentials = draft.credentials
    if credentials is None:
        credentials = credentials_checked(draft.spec, paper_credentials(draft.spec))
        paper_account_open(draft.spec, credentials=credentials, position_mode=draft.connection.position_mode)
    return _connection_insert(draft.connection, credentials=credentials)


def _connection_insert(connection: Connection, *, credentials: Credentials) -> Connection:
    connection.credentials, connection.key_hint = b"", credentials.api_key[-4:]
    try:
        with transaction.atomic():
            connection.save()
            # The row's id is part of what is sealed, so it has to exist first.
            connection.credentials = credentials_seal(credentials, connection_id=connection.pk)
            connection.save(update_fields=["credentials"])
            _changed(connection, user=connection.owner, action="connection.created")
    except IntegrityError:
        raise DomainError("name_taken", "You have a connection of that name already", field="name") from None
    return connection


@transaction.atomic
def connection_update(connection: Connection, *, user: User | None, changes: dict[str, Any]) -> Connection:
    """Change what may be changed; new keys need a new test; disabling disarms.

    Raises:
        DomainError: the field at fault, or `armed` for what can't change under a run that trades.
    """
    if user is not None:
        trading_check(user)
    row = _locked(connection)
    spec = spec_for(row.exchange, row.market)
    secrets = {field: changes[field] for field in SECRETS if changes.get(field)}
    plain = {field: value for field, value in changes.items() if field not in SECRETS}
    values = changes_checked(plain, spec=spec, venue=row.venue)
    different = {field: value for field, value in values.items() if getattr(row, field) != value}
    if "name" in different:
        name_free_check(different["name"], owner_id=row.owner_id, connection_id=row.pk)
    if (row.is_live_armed or row.is_preset_armed) and (fixed := FIXED_WHILE_ARMED & (different.keys() | secrets)):
        raise DomainError("armed", "Disarm the connection before you change this", field=min(fixed))
    for field, value in different.items():
        setattr(row, field, value)
    if LEVERAGE_FIELDS & different.keys():
        leverage_check(row, spec=spec)
    if secrets:
        _keys_replace(row, secrets=secrets)
        different |= dict.fromkeys(("credentials", "key_hint", "is_test_passed"))
    if not (row.is_enabled and row.is_active):
        row.is_live_armed = row.is_preset_armed = False
    row.save_next(*different, "is_live_armed", "is_preset_armed")
    _changed(row, user=user, action="connection.updated", detail={"fields": sorted(changes)})
    return _copied(row, to=connection)


def _keys_replace(row: Connection, *, secrets: dict[str, str]) -> None:
    spec = spec_for(row.exchange, row.market)
    old = credentials_unseal(row.credentials, connection_id=row.pk)
    kept = {"passphrase": old.passphrase} if "passphrase" in spec.credential_fields else {}
    credentials = credentials_checked(spec, {**kept, **secrets})
    row.credentials = credentials_seal(credentials, connection_id=row.pk)
    row.key_hint = credentials.api_key[-4:]
    row.is_test_passed = None


def connection_delete(connection: Connection, *, user: User | None) -> None:
    """Only what has never traded: the ledger of a connection outlives our wish to forget it.

    Raises:
        DomainError: `armed` or `has_history`.
    """
    if user is not None:
        trading_check(user)
    if connection.is_live_armed or connection.is_preset_armed:
        raise DomainError("armed", "Disarm the connection before you delete it")
    pk = connection.pk
    try:
        with transaction.atomic():
            audit_record(user=user, action="connection.deleted", entity="connection", entity_id=pk)
            push_on_commit(f"user.{connection.owner_id}", event("connection", {"id": pk, "is_deleted": True}))
            connection.delete()
    except ProtectedError:
        raise DomainError(
            "has_history", "It has orders or positions, which are kept for ever; disable it instead"
        ) from None
    connector_forget(pk)
    ConnectionStateManager().forget(pk)


@transaction.atomic
def connection_arm(connection: Connection, *, user: User | None, origin: str = "live") -> Connection:
    """Let the engine (or presets) send orders.

    Raises:
        DomainError: `not_enabled`, `not_active`, `not_tested`, `spot_is_watched`.
    """
    if user is not None:
        trading_check(user)
    field = _armed_field(origin)
    row = _locked(connection)
    if not row.is_enabled:
        raise DomainError("not_enabled", "Enable the connection before you arm it")
    if not row.is_active:
        raise DomainError("not_active", "Make the connection active before you arm it")
    if not row.is_test_passed:
        raise DomainError("not_tested", "Test the connection before you arm it; its last test must have passed")
    market_check(row)
    if row.entries_stopped_at is not None:
        row.entries_stopped_at = None
        row.save_next("entries_stopped_at")
    return _armed_set(row, field, value=True, user=user, to=connection)


@transaction.atomic
def connection_disarm(
    connection: Connection, *, user: User | None, origin: str = "live", actor: str = ""
) -> Connection:
    row = _locked(connection)
    return _armed_set(row, _armed_field(origin), value=False, user=user, to=connection, actor=actor)


@transaction.atomic
def connection_stop_entries(connection: Connection, *, user: User | None, actor: str = "") -> Connection:
    """Disarm, and let nobody in, by hand neither, until the connection is armed again.

    It holds the connection, as whoever makes an order does: none is made past it.
    """
    row = _locked(connection)
    row.entries_stopped_at = timezone.now()
    row.save_next("entries_stopped_at")
    for field in _ARMED.values():
        _armed_set(row, field, value=False, user=user, to=connection, actor=actor)
    connection_pushed(row)
    return _copied(row, to=connection)


def _armed_field(origin: str) -> str:
    if origin not in _ARMED:
        raise DomainError("invalid_choice", f"Choose one of {', '.join(_ARMED)}", field="origin")
    return _ARMED[origin]


def _armed_set(
    row: Connection, field: str, *, value: bool, user: User | None, to: Connection, actor: str = ""
) -> Connection:
    if getattr(row, field) != value:
        setattr(row, field, value)
        row.save_next(field)
        verb = "armed" if value else "disarmed"
        origin = "live" if field == "is_live_armed" else "preset"
        _changed(row, user=user, action=f"connection.{verb}", detail={"origin": origin}, actor=actor)
    return _copied(row, to=to)


def connection_test(connection: Connection, *, user: User | None = None) -> ConnectionTest:
    """Ask the venue everything trading needs, line by line, and keep the answers. No transaction is open meanwhile."""
    is_ok, lines = connection_check(connection)
    with transaction.atomic():
        row = _locked(connection)
        test = ConnectionTest.objects.create(connection=row, is_ok=is_ok, lines=lines)
        row.last_test_at, row.is_test_passed = test.created_at, is_ok
        if is_ok:
            row.last_seen_at, row.last_error = test.created_at, ""
        else:
            row.last_error = next(f"{line['step']}: {line['detail']}" for line in lines if not line["is_ok"])
            row.last_error_at = test.created_at
            row.is_live_armed = row.is_preset_armed = False
        row.save_next(
            *("last_test_at", "is_test_passed", "last_seen_at", "last_error", "last_error_at"),
            *("is_live_armed", "is_preset_armed"),
        )
        _changed(row, user=user, action="connection.tested", detail={"is_ok": is_ok})
    _copied(row, to=connection)
    return test


@transaction.atomic
def connections_reseal() -> int:
    """Seal every connection's keys with the current encryption key; returns how many weren't."""
    stale = [
        row
        for row in Connection.objects.select_for_update().order_by("pk")
        if envelope_key_id(bytes(row.credentials)) != current_key_id()
    ]
    for row in stale:
        plain = credentials_unseal(row.credentials, connection_id=row.pk)
        row.credentials = credentials_seal(plain, connection_id=row.pk)
        row.save_next("credentials")
    if stale:
        audit_record(user=None, actor="keys_rotate", action="connections.resealed", detail={"count": len(stale)})
    return len(stale)


def _locked(connection: Connection) -> Connection:
    """The row as it is now, held until the transaction ends.

    Raises:
        DomainError: `gone`.
    """
    row = Connection.objects.select_for_update(of=("self",)).select_related("owner").filter(pk=connection.pk).first()
    if row is None:
        raise DomainError("gone", "This connection was deleted meanwhile")
    return row


def _changed(
    row: Connection, *, user: User | None, action: str, detail: dict[str, Any] | None = None, actor: str = ""
) -> None:
    audit_record(user=user, actor=actor, action=action, entity="connection", entity_id=row.pk, detail=detail)
    connection_pushed(row)


def _copied(row: Connection, *, to: Connection) -> Connection:
    """The caller's instance, brought up to date."""
    for field in row._meta.concrete_fields:
        setattr(to, field.attname, getattr(row, field.attname))
    return to
