"""The OpenAPI schema: complete, without warnings, true to what the API answers, and no input brings it down."""

import os
import re
from io import StringIO
from typing import Any

import pytest
import requests
import schemathesis
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, settings
from rest_framework.views import APIView
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from apps.accounts.models import User
from apps.accounts.tokens import tokens_issue
from apps.exchanges.models import Instrument
from cts.lists import RowList
from tests.api.rows import Maker
from tests.conftest import ConnectionFactory
from tests.test_architecture import api_views

pytestmark = pytest.mark.django_db
# Every boundary of every parameter, some two thousand requests, on demand: CTS_FUZZ=1.
PHASES = [Phase.explicit, Phase.generate] if os.environ.get("CTS_FUZZ") else [Phase.generate]
EXAMPLES = 50 if os.environ.get("CTS_FUZZ") else 5
# Shown when there is nobody behind the address the venue should be at; said in words, not a failure of ours.
VENUE_AWAY = {502, 503}


def schema() -> dict[str, Any]:
    drawn: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return drawn


def operations() -> list[dict[str, Any]]:
    return [operation for methods in schema()["paths"].values() for operation in methods.values()]


def test_the_schema_is_valid_and_without_warnings(settings: Any) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=StringIO())


def test_every_address_of_the_api_is_in_the_schema() -> None:
    shape = re.compile(r"\(\?P<(\w+)>[^/]*\)|<int:(\w+)>")
    ours = {
        "/api/v1/" + shape.sub(lambda m: f"{{{(m[1] or m[2]).replace('pk', 'id')}}}", here).rstrip("$")
        for here in api_views()
    }
    assert set(schema()["paths"]) == ours


def test_operation_ids_are_plain_words_and_no_two_alike() -> None:
    ids = [operation["operationId"] for operation in operations()]
    assert len(ids) == len(set(ids))
    assert [each for each in ids if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", each) or re.search(r"_\d+$", each)] == []


def test_every_operation_tells_its_problems() -> None:
    for operation in operations():
        assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]


def test_bodies_refuse_unknown_fields_in_the_schema_too() -> None:
    bodies = {name: body for name, body in schema()["components"]["schemas"].items() if name.endswith("Request")}
    assert bodies
    assert all(body["additionalProperties"] is False for body in bodies.values())


def test_the_schema_and_its_pages_are_open_and_load_nothing_from_elsewhere(client: Client) -> None:
    assert client.get("/api/schema/").status_code == 200
    page = client.get("/api/docs/").content.decode()
    assert "swagger-ui" in page
    assert re.findall(r"(?:src|href)=\"(https?:)?//", page) == []


def _lists() -> list[type[APIView]]:
    return [view for view in api_views().values() if issubclass(view, RowList)]


@pytest.mark.parametrize("view", _lists(), ids=lambda view: view.__name__)
def test_lists_may_be_ordered_by_indexed_columns_that_are_never_empty(view: type[RowList]) -> None:
    """A cursor can't stand between rows whose value is missing."""
    columns = [view.model._meta.get_field(name) for name in view.ordering_fields]
    assert [column.name for column in columns if column.null] == []


@pytest.fixture
def rows(alice: User, connection_factory: ConnectionFactory, instrument: Instrument) -> str:
    """Something behind every list; the token of its owner."""
    maker = Maker(connection_factory)
    for make in (
        *(maker.order_event, maker.fill, maker.position, maker.discrepancy),
        *(maker.funding_entry, maker.engine_event, maker.line, maker.portfolio),
    ):
        make(alice)
    return tokens_issue(alice).access


# The emergency stop takes its time with every venue that is away; tests of its own are with the engine.
fuzzed = schemathesis.openapi.from_dict(schema()).exclude(path_regex="emergency-stop")


@fuzzed.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=PHASES,
    suppress_health_check=list(HealthCheck),
)
def test_no_input_brings_an_operation_down(case: schemathesis.Case[Any], rows: str) -> None:
    answer = sent(case, token=rows)
    assert answer.status_code < 500 or answer.status_code in VENUE_AWAY, answer.content
    case.validate_response(answer, checks=[content_type_conformance, response_schema_conformance])


def sent(case: schemathesis.Case[Any], *, token: str) -> schemathesis.Response:
    """Through Django's own client, so that the request runs inside the test's transaction."""
    asked = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
    headers = {**asked.headers, "Authorization": f"Bearer {token}"}
    content_type = headers.pop("Content-Type", "application/json")
    client = Client(raise_request_exception=False)
    told = client.generic(
        str(asked.method), asked.path_url, asked.body or b"", content_type=content_type, headers=headers
    )
    headers_told = {name: [value] for name, value in told.headers.items()}
    return schemathesis.Response(
        status_code=told.status_code,
        headers=headers_told,
        content=told.content,
        request=asked,
        elapsed=0.0,
        verify=False,
    )
