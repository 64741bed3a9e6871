"""Who may run: taken once, renewed by the holder alone, fenced after a taking, freed by a death on this machine."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from apps.exchanges.leases import (
    lease_epoch_is_current,
    lease_is_live,
    lease_release,
    lease_renew,
    lease_take,
    owner_name,
)
from apps.exchanges.models import Lease


def _expire(name: str) -> None:
    Lease.objects.filter(name=name).update(expires_at=timezone.now() - timedelta(seconds=1))


def _current(name: str, epoch: int) -> bool:
    with transaction.atomic():
        return lease_epoch_is_current(name, epoch)


@pytest.mark.django_db
def test_a_held_lease_is_refused_to_others() -> None:
    first = lease_take("run:1", owner=owner_name())
    assert first is not None
    assert first.epoch == 1
    assert lease_take("run:1", owner=owner_name()) is None


@pytest.mark.django_db
def test_every_taking_bumps_the_epoch_and_fences_the_one_before() -> None:
    first = lease_take("run:1", owner=owner_name())
    assert first is not None
    _expire("run:1")
    second = lease_take("run:1", owner=owner_name())
    assert second is not None
    assert second.epoch == 2
    assert not lease_renew(first)
    assert not _current("run:1", 1)
    assert _current("run:1", 2)


@pytest.mark.django_db
def test_an_expired_lease_is_not_current_until_renewed() -> None:
    lease = lease_take("run:1", owner=owner_name())
    assert lease is not None
    _expire("run:1")
    assert not _current("run:1", lease.epoch)
    assert lease_renew(lease)
    assert _current("run:1", lease.epoch)


@pytest.mark.django_db
def test_release_by_the_fenced_holder_leaves_the_new_holder_alone() -> None:
    first = lease_take("run:1", owner=owner_name())
    assert first is not None
    _expire("run:1")
    second = lease_take("run:1", owner=owner_name())
    assert second is not None
    lease_release(first)
    assert _current("run:1", second.epoch)
    lease_release(second)
    assert not lease_is_live("run:1")
    assert not _current("run:1", second.epoch)


@pytest.mark.django_db
def test_the_lease_of_a_dead_process_of_this_machine_is_free_at_once() -> None:
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    mine = owner_name()
    host, _, rest = mine.partition(":")
    dead = f"{host}:{int(child.stdout)}:{rest.partition(':')[2]}"
    Lease.objects.create(name="run:1", owner=dead, epoch=7, expires_at=timezone.now() + timedelta(hours=1))
    assert not lease_is_live("run:1")
    taken = lease_take("run:1", owner=mine)
    assert taken is not None
    assert taken.epoch == 8


@pytest.mark.django_db
def test_the_lease_of_another_machine_is_waited_out() -> None:
    Lease.objects.create(name="run:1", owner="elsewhere:1:x", epoch=7, expires_at=timezone.now() + timedelta(hours=1))
    assert lease_is_live("run:1")
    assert lease_take("run:1", owner=owner_name()) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_who_take_at_once_one_gets_it() -> None:
    start, won = threading.Barrier(8), []

    def take() -> None:
        start.wait()
        if lease_take("run:1", owner=owner_name()) is not None:
            won.append(1)
        connections.close_all()

    _in_threads(take, 8)
    assert len(won) == 1
    assert Lease.objects.get(name="run:1").epoch == 1


def _in_threads(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
