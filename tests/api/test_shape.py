"""The shape every answer of the API has: problems, pages, limits, versions."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts.access import NotFound
from cts.domain import errors
from cts.problems import problem_of
from tests.conftest import Api, ConnectionFactory

pytestmark = pytest.mark.django_db
MEMBERS = {"type", "title", "status", "detail", "code", "errors", "request_id"}
CONNECTIONS = "/api/v1/connections/"


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) == MEMBERS
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == answer["X-Request-Id"]
    return body


def test_an_unknown_address_is_a_problem_in_json(client: Client) -> None:
    assert_problem(client.get("/api/v1/nowhere/"), 404, "not_found")
    assert_problem(client.get("/api/nowhere"), 404, "not_found")


def test_nobody_is_told_to_sign_in(client: Client) -> None:
    answer = client.get(CONNECTIONS)
    assert_problem(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_wrong_method_names_the_right_ones(as_alice: APIClient) -> None:
    answer = as_alice.put(CONNECTIONS, {}, format="json")
    assert_problem(answer, 405, "method_not_allowed")
    assert "GET" in answer["Allow"]


def test_a_wrong_media_type_is_refused(as_alice: APIClient) -> None:
    assert_problem(as_alice.post(CONNECTIONS, "a=1", content_type="text/plain"), 415, "unsupported_media_type")


@pytest.mark.parametrize("body", ["{", "[", '{"name": NaN}', "[" * 100_000, '"\\'])
def test_malformed_json_is_a_400(as_alice: APIClient, body: str) -> None:
    assert_problem(as_alice.post(CONNECTIONS, body, content_type="application/json"), 400, "parse_error")


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "7"])
def test_json_of_another_kind_is_a_400(as_alice: APIClient, body: str) -> None:
    assert_problem(as_alice.post(CONNECTIONS, body, content_type="application/json"), 400, "invalid")


def test_every_field_at_fault_is_named(as_alice: APIClient) -> None:
    body = {"name": "", "exchange": "bybit", "leverage": 0, "symbols": ["x" * 41], "is_enable": False}
    problem = assert_problem(as_alice.post(CONNECTIONS, body, format="json"), 400, "invalid")
    assert {row["field"] for row in problem["errors"]} == {"is_enable"}
    del body["is_enable"]
    problem = assert_problem(as_alice.post(CONNECTIONS, body, format="json"), 400, "invalid")
    assert {row["field"] for row in problem["errors"]} == {"name", "environment", "leverage", "symbols.0"}
    assert all(row["detail"] and row["code"] for row in problem["errors"])


def test_a_bug_of_ours_is_a_problem_without_its_insides(as_alice: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("api_secret=canary")

    monkeypatch.setattr("apps.exchanges.api.views.connections_for", broken)
    as_alice.raise_request_exception = False
    answer = as_alice.get(CONNECTIONS)
    assert_problem(answer, 500, "server_error")
    assert "canary" not in answer.content.decode()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound(), 404, "not_found"),
        (errors.DomainError("bad_step", "x", field="quantity"), 400, "bad_step"),
        (errors.DomainError("armed", "x"), 422, "armed"),
        (errors.DomainError("name_taken", "x", field="name"), 409, "name_taken"),
        (errors.DomainError("version_conflict", "x"), 412, "version_conflict"),
        (errors.DomainError("read_only", "x"), 403, "read_only"),
        (errors.AuthFailed("bad key", exchange="bybit"), 502, "venue_auth_failed"),
        (errors.Rejected("too small", exchange="bybit"), 422, "venue_rejected"),
        (errors.OrderNotFound("none"), 422, "venue_rejected"),
        (errors.RateLimited("slow down"), 429, "venue_rate_limited"),
        (errors.Unavailable("down"), 503, "venue_unavailable"),
        (errors.AmbiguousResult("lost"), 502, "venue_outcome_unknown"),
        (errors.PayloadError("price"), 502, "venue_answer_unreadable"),
    ],
)
def test_what_each_error_means_in_http(error: Exception, status: int, code: str) -> None:
    problem = problem_of(error)
    assert problem is not None
    assert (problem.status, problem.code) == (status, code)
    assert set(problem.body()) == MEMBERS


def test_the_venues_wait_is_passed_on() -> None:
    problem = problem_of(errors.RateLimited("slow", retry_at=datetime.now(UTC) + timedelta(seconds=30)))
    assert problem is not None
    assert 29 <= int(problem.headers["Retry-After"]) <= 31


def test_a_venues_words_pass_without_its_secrets() -> None:
    problem = problem_of(errors.AuthFailed("api_key=CANARY is unknown"))
    assert problem is not None
    assert "CANARY" not in json.dumps(problem.body())


def test_pages_follow_each_other_without_gap_or_repeat(
    as_alice: APIClient, connection_factory: ConnectionFactory
) -> None:
    made = [connection_factory().pk for _ in range(7)]
    seen: list[int] = []
    address: str | None = f"{CONNECTIONS}?page_size=3&ordering=id"
    while address:
        page = as_alice.get(address).data
        seen += [row["id"] for row in page["results"]]
        connection_factory()
        address = page["next"] if len(seen) < 7 else None
    assert seen[:7] == made


def test_pages_go_back_again(as_alice: APIClient, connection_factory: ConnectionFactory) -> None:
    for _ in range(5):
        connection_factory()
    first = as_alice.get(f"{CONNECTIONS}?page_size=2&ordering=name").data
    second = as_alice.get(first["next"]).data
    assert as_alice.get(second["previous"]).data["results"] == first["results"]


def cursor(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "query",
    [
        "ordering=credentials",
        "ordering=--id",
        "ordering=owner__password",
        "page_size=0",
        "page_size=501",
        "page_size=abc",
        "page_size=%D9%A3",
        "cursor=%%%",
        "cursor=é",
        f"cursor={cursor('p=notanumber')}",
        f"cursor={cursor('p=2020-99-99')}&ordering=created_at",
        f"cursor={cursor('o=-5')}",
        f"cursor={cursor('garbage')}",
        "is_enabled=&environment=moon",
    ],
)
def test_a_query_we_do_not_understand_is_a_400(
    as_alice: APIClient, connection_factory: ConnectionFactory, query: str
) -> None:
    connection_factory()
    assert_problem(as_alice.get(f"{CONNECTIONS}?{query}"), 400, "invalid")


@pytest.mark.parametrize(
    ("address", "field"),
    [
        (f"{CONNECTIONS}?is_enable=true", "is_enable"),
        (f"{CONNECTIONS}?page_size=5&limit=5", "limit"),
        (f"{CONNECTIONS}?is_enabled=maybe", "is_enabled"),
        (f"{CONNECTIONS}?is_enabled=1", "is_enabled"),
        ("/api/v1/orders/?is_open=2", "is_open"),
        ("/api/v1/orders/?conection=1", "conection"),
        ("/api/v1/orders/?connection=99999999999999999999", "connection"),
        ("/api/v1/orders/?connection=-1", "connection"),
        ("/api/v1/fills/?order=9223372036854775808", "order"),
        ("/api/v1/positions/?is_open=yes", "is_open"),
        ("/api/v1/lines/?study=99999999999999999999", "study"),
        ("/api/v1/instruments/?is_trading=x", "is_trading"),
    ],
)
def test_a_filter_half_understood_is_refused_by_its_name(as_alice: APIClient, address: str, field: str) -> None:
    problem = assert_problem(as_alice.get(address), 400, "invalid")
    assert [row["field"] for row in problem["errors"]] == [field]


@pytest.mark.parametrize("query", ["is_enabled=true&is_active=True", "is_enabled=false", "format=json", "ordering=-id"])
def test_known_parameters_are_understood(
    as_alice: APIClient, connection_factory: ConnectionFactory, query: str
) -> None:
    connection_factory()
    answer = as_alice.get(f"{CONNECTIONS}?{query}")
    assert answer.status_code == 200
    assert len(answer.data["results"]) == (0 if "false" in query else 1)


@pytest.mark.parametrize("path", [CONNECTIONS, "/api/v1/auth/token/"])
def test_a_body_too_large_is_a_413(as_alice: APIClient, caplog: pytest.LogCaptureFixture, path: str) -> None:
    body = '{"name": "' + "x" * 3_000_000 + '"}'
    assert_problem(as_alice.post(path, body, content_type="application/json"), 413, "too_large")
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(
    "path", ["/connections/999/", "/live/999/", "/positions/999/story/", "/live/9999999999999999999999/"]
)
def test_a_page_of_nothing_is_a_404(client: Client, alice: Any, path: str) -> None:
    client.force_login(alice)
    assert client.get(path).status_code == 404
    assert client.get(path, headers={"HX-Request": "true"}).status_code == 404


def test_a_caller_past_the_limit_is_told_to_wait(api: Api, alice: Any, settings: Settings) -> None:
    settings.API_RATES = {"user": 5, "token": 3, "address": 1000}
    first, second = api(alice), api(alice)
    statuses = [first.get("/api/v1/users/me/").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert [second.get("/api/v1/users/me/").status_code for _ in range(2)] == [200, 429]
    refused = second.get("/api/v1/users/me/")
    assert_problem(refused, 429, "throttled")
    assert 1 <= int(refused["Retry-After"]) <= 60


def test_an_address_past_the_limit_is_told_to_wait(client: Client, settings: Settings) -> None:
    settings.API_RATES = {"user": 100, "token": 100, "address": 2}
    body = {"username": "x", "password": "y"}
    statuses = [client.post("/api/v1/auth/token/", body, content_type="application/json").status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


def test_an_update_of_an_old_version_is_refused(as_alice: APIClient, connection_factory: ConnectionFactory) -> None:
    address = f"{CONNECTIONS}{connection_factory().pk}/"
    tag = as_alice.get(address)["ETag"]
    changed = as_alice.patch(address, {"leverage": 7}, format="json", headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed["ETag"] != tag
    stale = as_alice.patch(address, {"leverage": 9}, format="json", headers={"If-Match": tag})
    assert_problem(stale, 412, "version_conflict")
    assert as_alice.get(address).data["leverage"] == 7


def test_a_session_needs_its_csrf_token_to_write(alice: Any, connection_factory: ConnectionFactory) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    address = f"{CONNECTIONS}{connection_factory().pk}/disable/"
    assert_problem(browser.post(address, content_type="application/json"), 403, "permission_denied")
    assert browser.get(CONNECTIONS).status_code == 200
