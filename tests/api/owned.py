"""What must hold for every list and detail of things with an owner; written once, run for each."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import User
from tests.conftest import Api, ConnectionFactory

Make = Callable[[User], Any]


class OwnedListTests:
    """Subclasses say where the list is and how to make a row for an owner."""

    path: ClassVar[str]
    serializer: ClassVar[type[Any]]

    @pytest.fixture
    def make(self, connection_factory: ConnectionFactory) -> Make:
        raise NotImplementedError

    def list_address(self, rows: list[Any]) -> str:
        return self.path

    def test_the_owner_sees_own_rows_and_only_those(self, api: Api, alice: User, charlie: User, make: Make) -> None:
        mine, theirs = make(alice), make(charlie)
        answer = api(alice).get(self.list_address([mine]))
        assert answer.status_code == 200
        assert set(answer.data) == {"results", "next", "previous"}
        assert mine.pk in [row["id"] for row in answer.data["results"]]
        assert theirs.pk not in [row["id"] for row in answer.data["results"]]

    def test_rows_have_the_fields_the_schema_tells(self, as_alice: APIClient, alice: User, make: Make) -> None:
        mine = make(alice)
        row = as_alice.get(self.list_address([mine])).data["results"][0]
        assert set(row) == set(self.serializer().fields)

    def test_nobody_unknown_sees_anything(self, api: Api, alice: User, make: Make) -> None:
        answer = api(None).get(self.list_address([make(alice)]))
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")

    def test_a_viewer_may_read(self, api: Api, viewer: User, make: Make) -> None:
        own = make(viewer)
        answer = api(viewer).get(self.list_address([own]))
        assert own.pk in [row["id"] for row in answer.data["results"]]

    def test_thirty_rows_cost_the_queries_of_three(self, as_alice: APIClient, alice: User, make: Make) -> None:
        rows = [make(alice) for _ in range(3)]
        few = self._queries(as_alice, rows)
        rows += [make(alice) for _ in range(27)]
        assert self._queries(as_alice, rows) == few

    def _queries(self, client: APIClient, rows: list[Any]) -> int:
        with CaptureQueriesContext(database) as captured:
            answer = client.get(self.list_address(rows))
        assert answer.status_code == 200
        assert len(answer.data["results"]) >= min(1, len(rows))
        return len(captured)


class OwnedResourceTests(OwnedListTests):
    """The same where each row has an address of its own."""

    def address(self, row: Any) -> str:
        return f"{self.path}{row.pk}/"

    def test_one_row_is_the_same_by_its_own_address(self, as_alice: APIClient, alice: User, make: Make) -> None:
        mine = make(alice)
        listed = next(r for r in as_alice.get(self.list_address([mine])).data["results"] if r["id"] == mine.pk)
        assert as_alice.get(self.address(mine)).data == listed

    def test_a_stranger_gets_the_same_404_as_for_nothing(self, as_charlie: APIClient, alice: User, make: Make) -> None:
        mine = make(alice)
        refused = as_charlie.get(self.address(mine))
        absent = as_charlie.get(f"{self.path}999999/")
        assert refused.status_code == absent.status_code == 404
        assert {**refused.json(), "request_id": ""} == {**absent.json(), "request_id": ""}
