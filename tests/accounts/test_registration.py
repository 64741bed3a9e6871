"""Opening an account: who may, with which name and password, and what is kept of it."""

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import AuditEntry, Role, User
from apps.accounts.services import user_register
from cts.domain.errors import DomainError
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def refusal(**changes: str) -> DomainError:
    with pytest.raises(DomainError) as refused:
        user_register(**{"username": "erin", "password": PASSWORD, **changes})  # type: ignore[arg-type]
    return refused.value


def test_a_new_account_trades_and_keeps_its_password_as_bcrypt() -> None:
    user = user_register(username="erin", password=PASSWORD, email="Erin@Example.org")
    assert (user.role, user.can_trade, user.is_staff, user.email) == (Role.TRADER, True, False, "erin@example.org")
    assert user.password.startswith("bcrypt_sha256$")
    assert PASSWORD not in user.password
    assert user.check_password(PASSWORD)


def test_an_administrator_enters_the_admin() -> None:
    user = user_register(username="root", password=PASSWORD, role=Role.ADMINISTRATOR)
    assert user.is_staff
    assert user.is_superuser


def test_names_that_differ_in_case_alone_are_one_name() -> None:
    user_register(username="erin", password=PASSWORD)
    assert refusal(username="ERIN").code == "name_taken"


@pytest.mark.parametrize("name", ["", "   ", "with space", "semi;colon", "x" * 151])
def test_a_malformed_name_is_refused_by_field(name: str) -> None:
    assert refusal(username=name).field == "username"


@pytest.mark.parametrize("password", ["short", "1234567890123", "password123", "erin-erin-erin"])
def test_a_weak_password_is_refused_by_field(password: str) -> None:
    assert refusal(password=password, username="erin-erin").field == "password"


def test_registration_is_audited_without_the_password() -> None:
    user = user_register(username="erin", password=PASSWORD, address="203.0.113.9")
    entry = AuditEntry.objects.get(action="user.registered")
    assert (entry.user, entry.entity_id, entry.address) == (user, str(user.pk), "203.0.113.9")
    assert PASSWORD not in str(entry.__dict__)


def test_the_page_signs_the_new_account_in(client: Client) -> None:
    body = {"username": "erin", "email": "", "password": PASSWORD, "password_again": PASSWORD}
    assert client.post("/register/", body).status_code == 302
    assert client.get("/api/v1/users/me/").json()["username"] == "erin"


def test_differing_passwords_open_no_account(client: Client) -> None:
    body = {"username": "erin", "password": PASSWORD, "password_again": PASSWORD + "x"}
    answer = client.post("/register/", body)
    assert answer.status_code == 400
    assert "differ" in answer.content.decode()
    assert not User.objects.exists()


def test_a_refusal_of_the_rules_is_shown_at_its_field(client: Client) -> None:
    body = {"username": "erin", "password": "1234567890123", "password_again": "1234567890123"}
    answer = client.post("/register/", body)
    assert answer.status_code == 400
    assert "entirely numeric" in answer.content.decode()


def test_closed_registration_opens_no_account(client: Client, settings: Settings) -> None:
    settings.REGISTRATION_OPEN = False
    body = {"username": "erin", "password": PASSWORD, "password_again": PASSWORD}
    assert client.get("/register/").status_code == 403
    assert client.post("/register/", body).status_code == 403
    assert not User.objects.exists()


def test_one_address_opens_a_bounded_number_of_accounts(client: Client) -> None:
    for number in range(21):
        body = {"username": f"erin{number}", "password": PASSWORD, "password_again": PASSWORD}
        answer = client.post("/register/", body)
        client.logout()
    assert answer.status_code == 429
    assert User.objects.count() == 20
