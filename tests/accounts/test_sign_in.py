"""Signing in and out by session, at a bounded rate of guesses, each kept in the audit."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import AuditEntry, Role, User
from apps.accounts.services import audit_record, user_active_set, user_role_set, user_sign_in
from cts.domain.errors import DomainError
from cts.rates import client_address
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def attempt(client: Client, password: str = PASSWORD, *, name: str = "dana", address: str = "203.0.113.1") -> int:
    return client.post("/sign-in/", {"username": name, "password": password}, REMOTE_ADDR=address).status_code


def test_signing_in_opens_a_session_and_signing_out_ends_it(client: Client, dana: User) -> None:
    assert client.get("/api/v1/users/me/").status_code == 401
    assert attempt(client) == 302
    cookie = client.cookies["cts_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert client.get("/api/v1/users/me/").json()["username"] == "dana"
    assert client.post("/sign-out/").status_code == 302
    assert client.get("/api/v1/users/me/").status_code == 401


def test_signing_out_by_get_does_nothing(client: Client, dana: User) -> None:
    client.force_login(dana)
    assert client.get("/sign-out/").status_code == 405
    assert client.get("/api/v1/users/me/").status_code == 200


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(client: Client, dana: User) -> None:
    wrong = client.post("/sign-in/", {"username": "dana", "password": "no"})
    unknown = client.post("/sign-in/", {"username": "nobody", "password": "no"})
    assert wrong.status_code == unknown.status_code == 401
    assert "Name or password is wrong" in wrong.content.decode()
    assert "Name or password is wrong" in unknown.content.decode()


@time_machine.travel(NOON, tick=False)
def test_after_ten_failures_the_name_waits_even_with_the_right_password(client: Client, dana: User) -> None:
    failures = [attempt(client, "wrong", address=f"203.0.113.{number}") for number in range(10)]
    assert set(failures) == {401}
    assert attempt(client, address="203.0.113.99") == 429
    assert attempt(client, name="other", password="wrong", address="203.0.113.98") == 401


@time_machine.travel(NOON, tick=False)
def test_after_sixty_attempts_the_address_waits(client: Client, dana: User) -> None:
    for number in range(60):
        attempt(client, "wrong", name=f"name{number}")
    assert attempt(client) == 429
    assert attempt(client, address="203.0.113.2") == 302


def test_the_wait_ends(client: Client, dana: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for number in range(10):
            attempt(client, "wrong", address=f"203.0.113.{number}")
        assert attempt(client) == 429
        clock.shift(301)
        assert attempt(client) == 302


def test_the_api_and_the_page_share_one_count(client: Client, dana: User) -> None:
    with time_machine.travel(NOON, tick=False):
        for _ in range(10):
            attempt(client, "wrong")
        body = {"username": "dana", "password": PASSWORD}
        answer = client.post("/api/v1/auth/token/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")


def test_the_way_back_is_followed_only_within_the_product(client: Client, dana: User) -> None:
    assert client.post("/sign-in/?next=/api/docs/", {"username": "dana", "password": PASSWORD}).url == "/api/docs/"  # type: ignore[attr-defined]
    client.logout()
    away = client.post("/sign-in/", {"username": "dana", "password": PASSWORD, "next": "https://evil.example/"})
    assert "evil" not in away.url  # type: ignore[attr-defined]


def test_sign_in_needs_the_forms_own_token(dana: User) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "dana", "password": PASSWORD})
    assert answer.status_code == 403


def test_success_and_failure_are_audited_without_passwords(client: Client, dana: User) -> None:
    attempt(client, "guess-guess")
    attempt(client)
    client.post("/sign-out/")
    rows = list(AuditEntry.objects.order_by("id").values_list("action", "actor", "address"))[1:]
    assert rows == [
        ("user.sign_in_failed", "dana", "203.0.113.1"),
        ("user.signed_in", "dana", "203.0.113.1"),
        ("user.signed_out", "dana", "127.0.0.1"),
    ]
    assert "guess-guess" not in str(list(AuditEntry.objects.values()))


def test_a_deactivated_person_is_out_at_once(client: Client, dana: User) -> None:
    assert attempt(client) == 302
    user_active_set(dana, is_active=False, by=dana)
    assert client.get("/api/v1/users/me/").status_code == 401
    with pytest.raises(DomainError):
        user_sign_in(username="dana", password=PASSWORD, address=None)


def test_a_role_change_takes_the_admin_away_with_it(dana: User) -> None:
    user_role_set(dana, role=Role.ADMINISTRATOR, by=dana)
    user_role_set(dana, role=Role.VIEWER, by=dana)
    dana.refresh_from_db()
    assert (dana.is_staff, dana.is_superuser, dana.can_trade) == (False, False, False)


def test_the_audit_is_append_only(dana: User) -> None:
    entry = audit_record(user=dana, action="test.act", detail={"a": 1})
    entry.action = "test.other"
    with pytest.raises(TypeError):
        entry.save()
    with pytest.raises(TypeError):
        entry.delete()
    assert audit_record(user=None, action="test.act", actor="beat").actor == "beat"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "198.51.100.7", "127.0.0.1"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "10.9.9.9, 198.51.100.7", "198.51.100.7"),
        (2, "10.9.9.9, 198.51.100.7, 192.0.2.1", "198.51.100.7"),
        (1, "", "127.0.0.1"),
        (1, "<script>", None),
    ],
)
def test_only_our_own_proxies_are_believed(settings: Settings, proxies: int, forwarded: str, expected: str) -> None:
    settings.TRUSTED_PROXIES = proxies
    assert client_address({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}) == expected
