"""Who is calling and how often: one counter per caller and window, shared by all processes through the cache."""

import ipaddress
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

ASK_AGAIN_S = 5.0
"""A cache that did not answer is left alone so long: waiting for it at every request would hold up every page."""


@dataclass(frozen=True, kw_only=True)
class RateUsage:
    count: int
    limit: int
    left_s: int

    @property
    def is_spent(self) -> bool:
        return self.count >= self.limit

    @property
    def is_exceeded(self) -> bool:
        return self.count > self.limit


class _Outage:
    """Whether the cache was down a moment ago, in this process. Set and read by any thread."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def is_on(self) -> bool:
        return time.monotonic() < self._until

    def begin(self) -> None:
        self._until = time.monotonic() + ASK_AGAIN_S

    def end(self) -> None:
        self._until = 0.0


outage = _Outage()


def rate_usage(group: str, value: str, *, rate: str, is_counted: bool) -> RateUsage:
    """How much of `rate` ("10/5m") `value` has used in this window, this call included when `is_counted`.

    With the cache down nobody is held up: whoever wants to close a position must still get through.
    """
    unknown = RateUsage(count=0, limit=1, left_s=0)
    if outage.is_on:
        return unknown
    try:
        usage = get_usage(None, group=group, key=lambda _group, _request: value, rate=rate, increment=is_counted)
    except (RedisError, OSError):
        outage.begin()
        log.warning("rate_unknown", extra={"group": group}, exc_info=True)
        return unknown
    return RateUsage(count=usage["count"], limit=usage["limit"], left_s=max(1, usage["time_left"]))


def client_address(meta: Mapping[str, Any]) -> str | None:
    """The caller's address: of the socket, or what the outermost of our own proxies saw.

    Entries left of that were written by the caller and prove nothing.
    """
    candidates = [part.strip() for part in str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",") if part.strip()]
    hops = settings.TRUSTED_PROXIES
    address = candidates[-hops] if 0 < hops <= len(candidates) else str(meta.get("REMOTE_ADDR", ""))
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None
