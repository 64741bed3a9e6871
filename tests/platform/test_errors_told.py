"""What fails stands in the log once, with its ids: a line for what had to be expected, a traceback for a bug of ours."""

import logging

import pytest
import redis
from celery import shared_task
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.exchanges.runs import LeasedRun
from cts.celery import app

ERRORS: dict[str, Exception] = {
    "bug": KeyError("price"),
    "database": OperationalError("server closed the connection"),
    "redis": redis.ConnectionError("password=CANARY"),
    "absent": Http404("no such page"),
    "forbidden": PermissionDenied("no"),
}


def page(request: HttpRequest, kind: str) -> HttpResponse:
    raise ERRORS[kind]


class Endpoint(APIView):
    def get(self, request: Request, kind: str) -> None:
        raise ERRORS[kind]


urlpatterns = [path("page/<kind>", page), path("api/v1/<kind>", Endpoint.as_view())]
handler500 = "cts.problems.server_error"


@pytest.fixture
def visitor(settings: Settings, django_user_model: type[User]) -> Client:
    settings.ROOT_URLCONF = __name__
    client = Client(raise_request_exception=False)
    client.force_login(django_user_model.objects.create(username="dana"))
    return client


def worse_than_info(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "status", "level"),
    [
        ("/page/bug", 500, "ERROR"),
        ("/page/database", 500, "WARNING"),
        ("/api/v1/bug", 500, "ERROR"),
        ("/api/v1/database", 503, "WARNING"),
        ("/api/v1/redis", 503, "WARNING"),
    ],
)
def test_a_request_that_fails_on_our_side_is_told_once(
    visitor: Client, caplog: pytest.LogCaptureFixture, address: str, status: int, level: str
) -> None:
    answer = visitor.get(address)
    (record,) = worse_than_info(caplog)
    assert (answer.status_code, record.getMessage(), record.levelname) == (status, "request_failed", level)
    told = record.__dict__
    assert (told["path"], told["method"], told["status"]) == (address, "GET", status)
    assert told["user"] == User.objects.get().pk or address.startswith("/page/")
    assert (record.exc_info is not None) == (level == "ERROR")


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "status"), [("absent", 404), ("forbidden", 403)])
def test_what_the_caller_did_wrong_is_no_failure(
    visitor: Client, caplog: pytest.LogCaptureFixture, kind: str, status: int
) -> None:
    assert visitor.get(f"/page/{kind}").status_code == status
    assert [record.name for record in worse_than_info(caplog)] == ["django.request"]


@shared_task(name="tests.failing")  # type: ignore[untyped-decorator]
def failing(kind: str) -> None:
    raise ERRORS[kind]


@pytest.mark.parametrize(("kind", "level"), [("bug", "ERROR"), ("database", "WARNING")])
def test_a_task_that_fails_is_told_once_with_its_name(caplog: pytest.LogCaptureFixture, kind: str, level: str) -> None:
    assert app.tasks["tests.failing"].apply(args=(kind,)).failed()
    (record,) = worse_than_info(caplog)
    told = record.__dict__
    assert (record.getMessage(), record.levelname, told["task_name"]) == ("task_failed", level, "tests.failing")
    assert told["task"]


class Failing(LeasedRun):
    def __init__(self, kind: str) -> None:
        super().__init__("run:failing")
        self.kind = kind

    def step(self) -> None:
        raise ERRORS[self.kind]

    def on_failure(self, error: Exception, *, failures: int) -> float | None:
        return None if failures >= 3 else 0.0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("kind", "level", "tracebacks"), [("bug", "ERROR", 1), ("database", "WARNING", 0)])
def test_a_run_that_fails_again_and_again_shows_a_bugs_traceback_once(
    caplog: pytest.LogCaptureFixture, kind: str, level: str, tracebacks: int
) -> None:
    Failing(kind).run()
    records = [record for record in worse_than_info(caplog) if record.getMessage() == "run_failed"]
    assert [record.levelname for record in records] == [level] * 3
    assert sum(record.exc_info is not None for record in records) == tracebacks
    assert {record.__dict__["lease"] for record in records} == {"run:failing"}
    assert [record.__dict__["failures"] for record in records] == [1, 2, 3]
