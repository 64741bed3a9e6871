"""Leases: the right to be the one run of a name. Taken by compare-and-set, fenced by epoch, timed by the database."""

import hashlib
import os
import socket
import uuid
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from apps.exchanges.models import Lease


@lru_cache(maxsize=1)
def _host() -> str:
    """Names this machine, this boot and this pid namespace: a pid means something only inside all three."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    namespace = Path("/proc/self/ns/pid")
    marks = (
        boot.read_text().strip() if boot.exists() else "",
        os.readlink(namespace) if namespace.exists() else "",
    )
    digest = hashlib.blake2b("|".join(marks).encode(), digest_size=4).hexdigest()
    return f"{socket.gethostname().replace(':', '-')[:50]}.{digest}"


def owner_name() -> str:
    """A new owner for each run: two runs of one process must not pass for one another."""
    return f"{_host()}:{os.getpid()}:{uuid.uuid4().hex}"


def _is_dead(owner: str) -> bool:
    """Whether `owner` was a process of this machine that is gone; of other machines we know nothing."""
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if host != _host() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def lease_take(name: str, *, owner: str, ttl_s: float | None = None) -> Lease | None:
    """The lease under a new epoch, or None while somebody else holds it."""
    seen, _ = Lease.objects.get_or_create(name=name)
    free = Q(expires_at__isnull=True) | Q(expires_at__lte=Now())
    if seen.owner and _is_dead(seen.owner):
        free |= Q(owner=seen.owner)
    # The epoch we saw is part of the condition: of two who see the same free lease, one gets it.
    taken = Lease.objects.filter(free, pk=seen.pk, epoch=seen.epoch).update(
        owner=owner, epoch=F("epoch") + 1, heartbeat_at=Now(), expires_at=_expiry(ttl_s)
    )
    # Whoever was held up since may find that it has lapsed and been taken by another.
    return Lease.objects.filter(pk=seen.pk, owner=owner, epoch=seen.epoch + 1).first() if taken else None


def lease_renew(lease: Lease, *, ttl_s: float | None = None) -> bool:
    """False when somebody else has taken it since; then the run must end without touching anything."""
    return bool(_held(lease).update(heartbeat_at=Now(), expires_at=_expiry(ttl_s)))


def lease_release(lease: Lease) -> None:
    _held(lease).update(owner="", expires_at=None)


def lease_epoch_is_current(name: str, epoch: int) -> bool:
    """Whether the run of `epoch` may still act. Inside a transaction the answer holds until it ends: the row is locked."""
    current = Lease.objects.select_for_update().filter(name=name, epoch=epoch, expires_at__gt=Now())
    return current.values_list("pk", flat=True).first() is not None


def lease_is_live(name: str) -> bool:
    return name in leases_live([name])


def leases_live(names: list[str]) -> set[str]:
    """Those of `names` somebody holds now. A dead process of this machine holds nothing."""
    rows = Lease.objects.filter(name__in=names, expires_at__gt=Now()).values_list("name", "owner")
    return {name for name, owner in rows if not _is_dead(owner)}


def _held(lease: Lease) -> QuerySet[Lease]:
    return Lease.objects.filter(pk=lease.pk, owner=lease.owner, epoch=lease.epoch)


def _expiry(ttl_s: float | None) -> CombinedExpression:
    # The database's clock, not ours: machines that disagree about the time must still agree on who holds what.
    return Now() + timedelta(seconds=ttl_s or settings.LEASE_TTL_S)
