"""A write that trades, sent twice under one key, is done once."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.idempotency import ABANDONED_AFTER, KEPT_FOR, idempotency_claim, idempotency_finish
from apps.accounts.models import AuditEntry, IdempotencyKey, User
from apps.exchanges.models import Connection, Instrument
from apps.orders.models import Order
from tests.conftest import Api

pytestmark = pytest.mark.django_db
PATH = "/api/v1/orders/"


def ticket(connection: Connection, **changes: object) -> dict[str, object]:
    """Denied for want of a balance: stored and answered like any other, without a venue."""
    body = {"connection": connection.pk, "symbol": "BTC/USDT:USDT", "position_side": "long"}
    return {**body, "order_type": "limit", "price": "100", "quantity": "1", **changes}


def send(client: APIClient, body: dict[str, object], key: str | None = "k-1") -> Any:
    return client.post(PATH, body, format="json", headers={"Idempotency-Key": key} if key else {})


def test_the_same_again_is_the_same_answer_and_one_order(
    as_alice: APIClient, connection: Connection, instrument: Instrument
) -> None:
    first, second = send(as_alice, ticket(connection)), send(as_alice, ticket(connection))
    assert first.status_code == second.status_code == 201, first.content
    assert first.json() == second.json()
    assert (first.get("Idempotency-Replayed"), second.get("Idempotency-Replayed")) == (None, "true")
    assert Order.objects.count() == 1
    assert AuditEntry.objects.filter(action="order.placed").count() == 1


def test_another_key_is_another_order(as_alice: APIClient, connection: Connection, instrument: Instrument) -> None:
    assert send(as_alice, ticket(connection), "a").json()["id"] != send(as_alice, ticket(connection), "b").json()["id"]


def test_another_body_under_the_same_key_is_a_conflict(
    as_alice: APIClient, connection: Connection, instrument: Instrument
) -> None:
    send(as_alice, ticket(connection))
    answer = send(as_alice, ticket(connection, quantity="2"))
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert Order.objects.count() == 1


def test_two_people_may_choose_the_same_key(
    api: Api, alice: User, charlie: User, connection: Connection, instrument: Instrument
) -> None:
    assert send(api(alice), ticket(connection)).status_code == 201
    assert send(api(charlie), ticket(connection)).status_code == 404


def test_an_order_without_a_key_is_refused(as_alice: APIClient, connection: Connection, instrument: Instrument) -> None:
    answer = send(as_alice, ticket(connection), key=None)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    assert not Order.objects.exists()


@pytest.mark.parametrize("key", ["x" * 65, "with space", "ключ", "a\tb"])
def test_a_malformed_key_is_refused(
    as_alice: APIClient, connection: Connection, instrument: Instrument, key: str
) -> None:
    answer = as_alice.post(PATH, ticket(connection), format="json", HTTP_IDEMPOTENCY_KEY=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")


def test_a_refused_body_leaves_the_key_free(
    as_alice: APIClient, connection: Connection, instrument: Instrument
) -> None:
    assert send(as_alice, ticket(connection, quantity="-1")).status_code == 400
    assert send(as_alice, ticket(connection)).status_code == 201


def test_the_order_stays_one_even_when_its_answer_was_lost(
    as_alice: APIClient, connection: Connection, instrument: Instrument
) -> None:
    """As after a crash between the order and the answer: the key is taken up again and finds the same order."""
    first = send(as_alice, ticket(connection)).json()
    IdempotencyKey.objects.update(status=None, response=None, claimed_at=timezone.now() - ABANDONED_AFTER * 2)
    assert send(as_alice, ticket(connection)).json()["id"] == first["id"]
    assert Order.objects.count() == 1


def test_while_the_first_is_at_work_the_second_is_told_to_wait(
    as_alice: APIClient, connection: Connection, instrument: Instrument
) -> None:
    send(as_alice, ticket(connection))
    IdempotencyKey.objects.update(status=None, response=None)
    answer = send(as_alice, ticket(connection))
    assert (answer.status_code, answer.json()["code"]) == (409, "request_in_flight")


def test_keys_past_their_day_are_forgotten(alice: User) -> None:
    old, _ = idempotency_claim(alice, key="old", scope="POST /x", body=b"1")
    IdempotencyKey.objects.filter(pk=old.pk).update(created_at=timezone.now() - KEPT_FOR - timedelta(hours=1))
    new, _ = idempotency_claim(alice, key="new", scope="POST /x", body=b"1")
    idempotency_finish(new, status=200, body={})
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["new"]


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_done(api: Api, alice: User, connection: Connection, instrument: Instrument) -> None:
    clients = [api(alice) for _ in range(5)]
    statuses: list[int] = []
    start = threading.Barrier(len(clients))

    def shoot(client: APIClient) -> None:
        start.wait()
        try:
            statuses.append(send(client, ticket(connection)).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=shoot, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert Order.objects.count() == 1
