"""API tokens: short access, refresh that serves once, theft noticed, nothing of them at rest."""

import threading

import pytest
import time_machine
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from apps.accounts.models import AuditEntry, TokenFamily, User
from apps.accounts.services import user_active_set
from apps.accounts.tokens import TokenPair, access_token_read, tokens_issue, tokens_rotate
from cts.domain.errors import DomainError
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db
JSON = "application/json"


def me(access: str) -> int:
    return Client().get("/api/v1/users/me/", headers={"Authorization": f"Bearer {access}"}).status_code


def post(path: str, body: dict[str, str], access: str = "") -> tuple[int, dict[str, str]]:
    headers = {"Authorization": f"Bearer {access}"} if access else {}
    answer = Client().post(f"/api/v1/auth/token/{path}", body, content_type=JSON, headers=headers)
    return answer.status_code, answer.json() if answer.content else {}


def test_name_and_password_become_a_pair_that_opens_the_api(dana: User) -> None:
    status, pair = post("", {"username": "dana", "password": PASSWORD})
    assert (status, set(pair)) == (200, {"access", "refresh"})
    assert me(pair["access"]) == 200
    assert me(pair["refresh"]) == 401
    assert me("nonsense") == 401


def test_wrong_passwords_get_a_problem_not_a_token(dana: User) -> None:
    status, body = post("", {"username": "dana", "password": "wrong"})
    assert (status, body["code"]) == (401, "sign_in_failed")


def test_an_access_token_runs_out(dana: User) -> None:
    pair = tokens_issue(dana)
    with time_machine.travel(timezone.now().timestamp() + 16 * 60):
        assert me(pair.access) == 401


def test_a_refresh_token_serves_once(dana: User) -> None:
    first = tokens_issue(dana)
    status, second = post("refresh/", {"refresh": first.refresh})
    assert status == 200
    assert me(second["access"]) == 200
    status, body = post("refresh/", {"refresh": first.refresh})
    assert (status, body["code"]) == (401, "token_not_valid")


def test_using_a_refresh_token_twice_revokes_the_one_it_became(dana: User) -> None:
    first = tokens_issue(dana)
    second = tokens_rotate(first.refresh, address=None)
    with pytest.raises(DomainError):
        tokens_rotate(first.refresh, address="203.0.113.5")
    with pytest.raises(DomainError):
        tokens_rotate(second.refresh, address=None)
    entry = AuditEntry.objects.filter(action="token.reused").earliest("id")
    assert (entry.user, entry.address) == (dana, "203.0.113.5")


@pytest.mark.django_db(transaction=True)
def test_of_two_refreshes_at_once_one_wins(dana: User) -> None:
    pair = tokens_issue(dana)
    won: list[TokenPair] = []
    refused: list[str] = []
    start = threading.Barrier(4)

    def rotate() -> None:
        start.wait()
        try:
            won.append(tokens_rotate(pair.refresh, address=None))
        except DomainError as error:
            refused.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=rotate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), refused) == (1, ["token_not_valid"] * 3)


def test_a_revoked_refresh_token_serves_nobody(dana: User) -> None:
    pair, other = tokens_issue(dana), tokens_issue(dana)
    assert post("revoke/", {"refresh": pair.refresh}, pair.access)[0] == 204
    assert post("revoke/", {"refresh": pair.refresh}, other.access)[0] == 204
    assert post("refresh/", {"refresh": pair.refresh})[0] == 401


def test_revoking_ends_the_access_tokens_too_at_once_and_those_of_other_sign_ins_not(dana: User) -> None:
    other = tokens_issue(dana)
    first = tokens_issue(dana)
    second = tokens_rotate(first.refresh, address=None)
    assert (me(first.access), me(second.access)) == (200, 200)
    assert post("revoke/", {"refresh": second.refresh}, second.access)[0] == 204
    assert (me(first.access), me(second.access), me(other.access)) == (401, 401, 200)
    with pytest.raises(DomainError):
        access_token_read(first.access)


def test_a_used_refresh_token_of_a_sign_in_revokes_it_all_the_same(dana: User) -> None:
    first = tokens_issue(dana)
    second = tokens_rotate(first.refresh, address=None)
    assert post("revoke/", {"refresh": first.refresh}, second.access)[0] == 204
    assert me(second.access) == 401
    assert post("refresh/", {"refresh": second.refresh})[0] == 401


def test_a_theft_ends_every_access_token_of_its_owner_and_nobody_elses(
    dana: User, django_user_model: type[User]
) -> None:
    elsewhere, mallory = tokens_issue(dana), tokens_issue(django_user_model.objects.create(username="mallory"))
    first = tokens_issue(dana)
    second = tokens_rotate(first.refresh, address=None)
    assert post("refresh/", {"refresh": first.refresh})[0] == 401
    assert [me(pair.access) for pair in (first, second, elsewhere, mallory)] == [401, 401, 401, 200]


def test_a_token_of_no_known_sign_in_is_refused(dana: User) -> None:
    pair = tokens_issue(dana)
    TokenFamily.objects.all().delete()
    status, body = post("refresh/", {"refresh": pair.refresh})
    assert (status, body["code"], me(pair.access)) == (401, "token_not_valid", 401)


def test_asking_with_a_token_costs_one_query_for_who_it_is(dana: User) -> None:
    access = tokens_issue(dana).access
    with CaptureQueriesContext(connection) as queries:
        assert me(access) == 200
    assert len(queries) == 1


def test_nobody_revokes_another_persons_token(dana: User, django_user_model: type[User]) -> None:
    mallory = tokens_issue(django_user_model.objects.create(username="mallory"))
    victim = tokens_issue(dana)
    assert post("revoke/", {"refresh": victim.refresh}, mallory.access)[0] == 401
    assert post("refresh/", {"refresh": victim.refresh})[0] == 200


def test_a_deactivated_person_gets_no_new_pair(dana: User) -> None:
    pair = tokens_issue(dana)
    user_active_set(dana, is_active=False, by=dana)
    assert me(pair.access) == 401
    assert post("refresh/", {"refresh": pair.refresh})[0] == 401
    with pytest.raises(DomainError):
        access_token_read(pair.access)


def test_an_access_token_is_no_refresh_token(dana: User) -> None:
    assert post("refresh/", {"refresh": tokens_issue(dana).access})[0] == 401


def test_the_database_holds_no_token(dana: User) -> None:
    pair = tokens_rotate(tokens_issue(dana).refresh, address=None)
    rows = str(list(OutstandingToken.objects.values()))
    assert pair.refresh not in rows
    assert set(OutstandingToken.objects.values_list("token", flat=True)) == {""}
    assert pair.refresh not in repr(pair)
