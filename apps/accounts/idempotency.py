"""Writes of idempotency keys: claim one, keep the answer, or give the key back when nothing was done."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import IdempotencyKey, User
from cts.domain.errors import DomainError

# A request at work for longer died with its process; the same key may then be tried again. Orders stay single even so:
# their client order id is derived from the key.
ABANDONED_AFTER = timedelta(seconds=90)
KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    body: Any


def idempotency_claim(user: User, *, key: str, scope: str, body: bytes) -> tuple[IdempotencyKey, Answer | None]:
    """The key for us to work under, or the answer it already led to.

    Raises:
        DomainError: `idempotency_key_reused` for another body, `request_in_flight` while the first is at work.
    """
    digest = hashlib.sha256(body).hexdigest()
    now = timezone.now()
    try:
        with transaction.atomic():
            claim = {"user": user, "key": key, "scope": scope, "digest": digest, "claimed_at": now}
            return IdempotencyKey.objects.create(**claim), None
    except IntegrityError:
        known = IdempotencyKey.objects.get(user=user, key=key, scope=scope)
    if known.digest != digest:
        raise DomainError("idempotency_key_reused", "This Idempotency-Key was used with another body; choose a new one")
    if known.status is not None:
        return known, Answer(status=known.status, body=known.response)
    abandoned = IdempotencyKey.objects.filter(pk=known.pk, status=None, claimed_at__lt=now - ABANDONED_AFTER)
    if abandoned.update(claimed_at=now) != 1:
        raise DomainError("request_in_flight", "The same request is at work; ask again in a few seconds")
    known.claimed_at = now
    return known, None


def idempotency_finish(claim: IdempotencyKey, *, status: int, body: Any) -> None:
    """Keep the answer; what is past its day goes."""
    own = IdempotencyKey.objects.filter(pk=claim.pk, claimed_at=claim.claimed_at)
    own.update(status=status, response=body)
    IdempotencyKey.objects.filter(user=claim.user, created_at__lt=timezone.now() - KEPT_FOR).delete()


def idempotency_release(claim: IdempotencyKey) -> None:
    """Nothing came of it: the key is free for another try."""
    IdempotencyKey.objects.filter(pk=claim.pk, claimed_at=claim.claimed_at, status=None).delete()
