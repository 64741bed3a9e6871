"""The admin: administrators only, every page answers, ledgers can't be changed, no secret anywhere, acts are services'."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEntry, Role, User
from apps.accounts.tokens import tokens_issue
from apps.engine.models import Engine
from apps.exchanges.connectors.base import Credentials
from apps.exchanges.models import Connection
from apps.monitoring.models import LogRecord
from apps.orders.models import EquityPeak
from tests.api.rows import Maker
from tests.conftest import ConnectionFactory

pytestmark = pytest.mark.django_db
PAGES = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def desk(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


@pytest.fixture
def everything(connection_factory: ConnectionFactory, alice: User) -> dict[str, Any]:
    """At least a row in most tables, and secrets in those that have them."""
    canary = Credentials(api_key="KEYCANARY1234567", api_secret="SECRETCANARY1234567")
    connection = connection_factory(credentials=canary)
    maker = Maker(connection_factory)
    rows = [maker.order_event(alice), maker.fill(alice), maker.position(alice), maker.discrepancy(alice)]
    rows += [maker.engine_event(alice), maker.line(alice), connection]
    tokens_issue(alice)
    return {type(row).__name__: row for row in rows}


def address(model: Any, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model._meta.label)
def test_every_list_and_row_answers_without_a_secret(desk: Client, everything: dict[str, Any], model: Any) -> None:
    listed = desk.get(address(model, "changelist"), {"q": "x"} if admin.site._registry[model].search_fields else {})
    assert listed.status_code == 200
    listed = desk.get(address(model, "changelist"))
    pages = listed.content
    if row := model._default_manager.first():
        shown = desk.get(address(model, "change", row.pk))
        assert shown.status_code == 200
        pages += shown.content
    # A token's whole first part: three letters of it turn up in a form's random token by chance.
    for secret in (b"CANARY", b"bcrypt_sha256$", b"eyJhbGciOi"):
        assert secret not in pages


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model._meta.label)
def test_rows_are_neither_changed_nor_deleted_by_hand(desk: Client, everything: dict[str, Any], model: Any) -> None:
    page = admin.site._registry[model]
    if model is not User:
        assert desk.get(address(model, "add")).status_code == 403
    if (row := model._default_manager.first()) is None:
        return
    assert desk.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    if model is not User:
        assert desk.post(address(model, "change", row.pk), {}).status_code == 403
        assert page.get_readonly_fields(None, row)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", [Role.TRADER, Role.VIEWER])
def test_others_are_kept_out(client: Client, user_factory: Any, role: Role) -> None:
    client.force_login(user_factory("otto", role))
    assert client.get("/admin/").status_code == 302
    assert client.get(address(AuditEntry, "changelist")).status_code == 302


def test_the_first_page_shows_health_and_engines(desk: Client, everything: dict[str, Any]) -> None:
    page = desk.get("/admin/").content.decode()
    assert "database" in page
    assert "engine_workers" in page
    assert str(everything["EngineEvent"].engine.connection) in page


def act(desk: Client, model: Any, action: str, *rows: Any, **extra: str) -> Any:
    body = {"action": action, "_selected_action": [row.pk for row in rows], **extra}
    return desk.post(address(model, "changelist"), body, follow=True)


def test_a_person_is_added_by_the_service(desk: Client) -> None:
    body = {"username": "frida", "email": "", "role": "viewer", "new_password": "correct horse battery"}
    assert desk.post(address(User, "add"), body).status_code == 302
    frida = User.objects.get(username="frida")
    assert (frida.role, frida.check_password("correct horse battery")) == ("viewer", True)
    assert AuditEntry.objects.filter(action="user.registered", entity_id=str(frida.pk)).exists()


def test_a_weak_password_is_refused_in_words(desk: Client) -> None:
    body = {"username": "frida", "email": "", "role": "viewer", "new_password": "12345"}
    answer = desk.post(address(User, "add"), body, follow=True)
    assert "too short" in answer.content.decode()
    assert not User.objects.filter(username="frida").exists()


def test_a_role_is_changed_with_all_that_goes_with_it(desk: Client, alice: User, administrator: User) -> None:
    assert desk.post(address(User, "change", alice.pk), {"role": "administrator", "is_active": "on"}).status_code == 302
    alice.refresh_from_db()
    assert (alice.role, alice.is_staff) == ("administrator", True)
    assert AuditEntry.objects.get(action="user.role_set").user == administrator


def test_people_are_locked_out_and_let_in(desk: Client, alice: User) -> None:
    act(desk, User, "deactivate", alice)
    alice.refresh_from_db()
    assert not alice.is_active
    act(desk, User, "activate", alice)
    alice.refresh_from_db()
    assert alice.is_active


def test_a_connection_is_disarmed_and_disabled(
    desk: Client, connection_factory: ConnectionFactory, administrator: User
) -> None:
    armed = connection_factory(is_live_armed=True, is_preset_armed=True)
    act(desk, Connection, "disarm", armed)
    armed.refresh_from_db()
    assert (armed.is_live_armed, armed.is_preset_armed) == (False, False)
    act(desk, Connection, "disable", armed)
    armed.refresh_from_db()
    assert not armed.is_enabled
    assert AuditEntry.objects.get(action="connection.updated").user == administrator


def test_engines_obey_the_actions(desk: Client, connection: Connection) -> None:
    engine = Engine.objects.create(connection=connection)
    act(desk, Engine, "start", engine)
    engine.refresh_from_db()
    assert engine.desired == "running"
    act(desk, Engine, "stop", engine)
    engine.refresh_from_db()
    assert engine.desired == "stopped"


def test_what_an_engine_refuses_is_said_and_the_others_go_on(
    desk: Client, connection_factory: ConnectionFactory
) -> None:
    off, on = connection_factory(is_enabled=False), connection_factory()
    engines = [Engine.objects.create(connection=each) for each in (off, on)]
    page = act(desk, Engine, "start", *engines).content.decode()
    assert "Enable the connection first" in page
    engines[1].refresh_from_db()
    assert engines[1].desired == "running"


def test_the_emergency_stop_asks_once_more(desk: Client, connection_factory: ConnectionFactory) -> None:
    armed = connection_factory(is_live_armed=True)
    engine = Engine.objects.create(connection=armed)
    page = act(desk, Engine, "emergency_stop", engine).content.decode()
    assert "is_confirmed" in page
    assert Connection.objects.get(pk=armed.pk).is_live_armed
    answer = act(desk, Engine, "emergency_stop", engine, is_confirmed="yes").content.decode()
    assert not Connection.objects.get(pk=armed.pk).is_live_armed
    # No venue answers here: what could not be done is said, and what could be is done all the same.
    assert "close positions" in answer


def test_the_list_of_log_lines_tells_why_and_the_browsers_icon_is_there(desk: Client) -> None:
    context = {"lease": "engine:5", "reason": "Unavailable: no road"}
    LogRecord.objects.create(at=datetime.now(UTC), level="warning", logger="runs", event="run_failed", context=context)
    page = desk.get(address(LogRecord, "changelist")).content.decode()
    assert "lease engine:5, reason Unavailable: no road" in page
    assert desk.get("/favicon.ico").headers["Location"].endswith("favicon.svg")


def test_decimals_and_times_are_shown_as_they_are_in_lists_and_on_pages(
    desk: Client, alice: User, connection_factory: ConnectionFactory
) -> None:
    peak = EquityPeak.objects.create(
        connection=connection_factory(owner=alice),
        asset="USDT",
        equity=Decimal("59.90"),
        at=datetime(2026, 3, 4, 15, 6, 7, tzinfo=UTC),
    )
    for where in ("/admin/orders/equitypeak/", f"/admin/orders/equitypeak/{peak.pk}/change/"):
        page = desk.get(where)
        assert page.status_code == 200
        assert "59.9" in page.content.decode()
        assert "59.90" not in page.content.decode()
        assert "2026-03-04 15:06:07" in page.content.decode()
