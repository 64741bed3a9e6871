"""How a connector over HTTP calls: budgets, the venue's clock, signing again, safe repeats, answers to errors."""

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, NamedTuple

from apps.exchanges.connectors.base import Connector, Credentials, Target
from apps.exchanges.connectors.clock import VenueClock
from apps.exchanges.connectors.errors import ResignNeeded, classify, error_for, held_up_check, told_until_ms
from apps.exchanges.connectors.parsing import Reader
from apps.exchanges.connectors.patience import patience
from apps.exchanges.connectors.signing import Signer
from apps.exchanges.connectors.spec import Call, ErrorClass, Intent
from apps.exchanges.connectors.throttle import Budget, Limiter
from apps.exchanges.connectors.transport import Prepared, Response, Transport
from cts.domain.errors import AmbiguousResult, AuthFailed, ExchangeError, PayloadError, RateLimited, Unavailable
from cts.domain.types import PositionMode

ATTEMPTS = 3
BACK_OFF_S = 0.2
BUDGET_WAIT_MAX_S = 5.0


class Addresses(NamedTuple):
    """Where this connector connects: REST base, each websocket channel with its alternatives, headers of every request,
    and the venue's other REST hosts by name.
    """

    rest: str
    ws: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    hosts: Mapping[str, str] = {}


class CallingConnector(Connector, ABC):
    """A venue adds how it signs and how it words an answer."""

    read: ClassVar[Reader]
    time_call: ClassVar[Call]
    time_params: ClassVar[Mapping[str, Any]] = {}
    time_field: ClassVar[str]
    # Whether every good reply tells the venue's time: then hardly anybody need ask for it.
    tells_time: ClassVar[bool] = False

    def __init__(
        self,
        *,
        credentials: Credentials | None,
        target: Target,
        addresses: Addresses,
        transport: Transport,
        limiter: Limiter,
        clock: VenueClock,
        hosts: Mapping[str, Transport] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.target = target
        self.clock = clock
        self.addresses = addresses
        self._transport = transport
        self._hosts = hosts or {}
        self._sleep = sleep
        self._hedged = target.position_mode is PositionMode.HEDGE
        self._key = _checked_key(credentials)
        self._signer = Signer(credentials.api_secret) if credentials else None
        account = sha256(self._key.encode()).hexdigest()[:16] if credentials else "public"
        self._budget = Budget(
            limiter,
            rules=self.spec.rate_rules,
            ip_key=f"{self.spec.name}:{addresses.rest}:ip:",
            account_key=f"{self.spec.name}:{addresses.rest}:{account}:",
            max_wait_s=BUDGET_WAIT_MAX_S,
            sleep=sleep,
        )

    # --- what a venue adds ------------------------------------------------------------------------------------------
    @abstractmethod
    def _prepare(self, call: Call, params: Mapping[str, Any]) -> Prepared:
        """The request as bytes, signed where the call is."""

    @abstractmethod
    def _verdict(self, payload: Any, response: Response) -> tuple[str, str]:
        """The venue's code and message; an empty code is success."""

    def _note_limits(self, call: Call, headers: Mapping[str, str]) -> None:
        """What the headers tell of budgets."""

    def _note_reply_time(self, payload: Any, *, asked_at: float) -> None:
        """What the reply tells of the venue's clock, where it does."""

    # --- calling ----------------------------------------------------------------------------------------------------
    def call(
        self,
        call: Call,
        params: Mapping[str, Any] | None = None,
        *,
        is_urgent: bool = False,
        send_by: float | None = None,
    ) -> Any:
        """Reads, cancels and settings are repeated when that can help; placing never is."""
        attempts = 1 if call.intent is Intent.PLACE else ATTEMPTS
        is_urgent = is_urgent or call.intent is Intent.CANCEL
        started = time.monotonic()
        for attempt in range(1, attempts + 1):
            try:
                return self._call_once(call, params or {}, is_urgent=is_urgent, send_by=send_by)
            except ExchangeError as error:
                error.exchange = self.spec.name
                is_late = time.monotonic() - started > self.target.timeout_s
                if attempt == attempts or is_late or not _may_pass(error):
                    raise
            self._sleep(random.uniform(0, BACK_OFF_S * 2**attempt))  # noqa: S311
        raise AssertionError("unreachable")

    def _call_once(self, call: Call, params: Mapping[str, Any], *, is_urgent: bool, send_by: float | None) -> Any:
        try:
            return self._answer(call, params, is_urgent=is_urgent, send_by=send_by)
        except ResignNeeded:
            self._ready_to_resign()
        try:
            return self._answer(call, params, is_urgent=is_urgent, send_by=send_by)
        except ResignNeeded as refused:
            raise refused.final from None

    def _answer(self, call: Call, params: Mapping[str, Any], *, is_urgent: bool, send_by: float | None = None) -> Any:
        if call.is_signed:
            self._ready_to_sign(call)
        self._budget.spend(call.costs, is_urgent=is_urgent)
        prepared = self._prepare(call, params)
        transport = self._hosts[call.host] if call.host else self._transport
        # After signing: a process held up from here on sends a signature the venue takes for too old.
        held_up_check(send_by, exchange=self.spec.name)
        asked_at = self.clock.moment()
        response = transport.send(prepared, is_write=call.intent is Intent.PLACE)
        self._note_limits(call, response.headers)
        payload = self._result(call, response)
        # The clock, which waits for the call for the time, is told nothing in between.
        if call is not self.time_call:
            self._note_reply_time(payload, asked_at=asked_at)
        return payload

    def _ready_to_sign(self, call: Call) -> None:
        if self._signer is None:
            raise AuthFailed(f"{self.spec.label}: this call needs an API key", exchange=self.spec.name)
        # An order doesn't wait for a fresher sample when there is one.
        if not self.clock.is_synced or (call.intent is Intent.READ and self.clock.is_stale):
            self.clock.sync(self._time_once, times=1 if self.tells_time else 2)

    def _ready_to_resign(self) -> None:
        """What was refused was the time of the signature; a venue with tokens renews those."""
        self.clock.sync(self._time_once, is_forced=True)

    def _result(self, call: Call, response: Response) -> Any:
        try:
            payload = self.read.decode(response.body)
            code, message = self._verdict(payload, response)
        except PayloadError as unreadable:
            if response.status < 300:
                if call.intent is Intent.PLACE:
                    raise AmbiguousResult(unreadable.message, exchange=self.spec.name) from None
                raise
            payload, code, message = None, "", response.body[:200].decode("utf-8", "replace")
        if not code and response.status < 300:
            return payload
        refused = self._refusal(call, response, code=code, message=message)
        if refused is None:
            return payload
        raise refused

    def _refusal(self, call: Call, response: Response, *, code: str, message: str) -> Exception | None:
        """None where the venue only says that it already is as asked."""
        error_class = classify(self.spec, code=code, message=message, http_status=response.status)
        if error_class is ErrorClass.OK_STATE:
            return None
        error = error_for(
            self.spec,
            error_class,
            code=code,
            message=message,
            http_status=response.status,
            intent=call.intent,
            retry_at=self._retry_at(response.headers) or self._told_at(message),
        )
        if isinstance(error, RateLimited) and error.retry_at is not None:
            left_s = max((error.retry_at - datetime.now(UTC)).total_seconds(), 0.0)
            self._budget.block(call.costs, is_ban=error.is_ban, for_s=left_s)
        return ResignNeeded(error) if error_class is ErrorClass.RESIGN else error

    def item_error(self, call: Call, *, code: str, message: str) -> ExchangeError | None:
        """What the venue said of one order of a batch; None where it already is as asked."""
        error_class = classify(self.spec, code=code, message=message, http_status=200)
        if error_class is ErrorClass.OK_STATE:
            return None
        return error_for(
            self.spec,
            error_class,
            code=code,
            message=message,
            http_status=200,
            intent=call.intent,
            retry_at=self._told_at(message),
        )

    def _retry_at(self, headers: Mapping[str, str]) -> datetime | None:
        seconds = headers.get("retry-after", "")
        return datetime.now(UTC) + timedelta(seconds=int(seconds)) if seconds.isdigit() else None

    def _told_at(self, message: str) -> datetime | None:
        """A moment named by the venue is one of its clock; ours may be set to any other."""
        told_ms = told_until_ms(message)
        if told_ms is None or not self.clock.is_synced:
            return None
        return datetime.now(UTC) + timedelta(milliseconds=told_ms - self.clock.now_ms())

    # --- time -------------------------------------------------------------------------------------------------------
    def server_time_ms(self) -> int:
        if self.tells_time and not self.clock.is_stale:
            return self.clock.now_ms()
        return self.read.integer(self.call(self.time_call, self.time_params), self.time_field)

    def _time_once(self) -> int:
        """For the clock: without repeats, whose pauses would be taken for the way to the venue."""
        try:
            return self._time_asked()
        except ResignNeeded as refused:
            # Whoever asks for the time has nothing better to sign with.
            raise refused.final from None

    def _time_asked(self) -> int:
        return self.read.integer(self._answer(self.time_call, self.time_params, is_urgent=True), self.time_field)

    def now_ms(self) -> int:
        if not self.clock.is_synced:
            self.clock.sync(self._time_once)
        return self.clock.now_ms()

    def close(self) -> None:
        for transport in (self._transport, *self._hosts.values()):
            transport.close()


def _may_pass(error: ExchangeError) -> bool:
    """A body cut short may be whole next time; one with a field we can't read won't read better.

    A limit the venue tells of closes our budget until then: who has the patience waits there.
    """
    if isinstance(error, RateLimited):
        return patience() is not None
    return isinstance(error, Unavailable) and (not isinstance(error, PayloadError) or error.field == "body")


def _checked_key(credentials: Credentials | None) -> str:
    if credentials is None:
        return ""
    for name in ("api_key", "api_secret", "passphrase"):
        value = getattr(credentials, name)
        if not value.isascii() or not value.isprintable() or (name != "passphrase" and not value):
            raise AuthFailed(f"The {name.replace('_', ' ')} has characters no venue issues")
    return credentials.api_key
