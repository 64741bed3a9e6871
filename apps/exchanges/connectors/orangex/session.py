"""Signing in: one access token per account of this process, renewed before it ends. Secrets and tokens never show."""

import threading
import time
from collections.abc import Callable
from enum import StrEnum
from hashlib import sha256
from secrets import token_hex

import msgspec

from apps.exchanges.connectors.base import Credentials
from apps.exchanges.connectors.orangex.memory import Placed
from apps.exchanges.connectors.orangex.shapes import READ
from apps.exchanges.connectors.parsing import Row
from apps.exchanges.connectors.signing import Signer
from cts.domain.errors import AuthFailed, RateLimited, Unavailable

SIGN_IN_GAP_S = 30.0
RENEW_BEFORE_S = 600.0
Ask = Callable[[dict[str, str]], Row]


class SignIn(StrEnum):
    """How the first token is asked for. The signature keeps the secret at home, but nobody has yet seen it accepted."""

    CREDENTIALS = "client_credentials"
    SIGNATURE = "client_signature"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """Times are of the monotonic clock."""

    access_token: str
    refresh_token: str
    scope: str
    renew_at: float
    ends_at: float

    def __repr__(self) -> str:
        return f"Grant({self.scope})"


def client_signature(signer: Signer, *, client_id: str, timestamp: str, nonce: str) -> str:
    """The digest in hexadecimal, and the text of that in hexadecimal once more."""
    return signer.hex(f"{client_id}\n{timestamp}\n{nonce}\n".encode()).encode().hex()


class Session:
    """One account at one address, for all its connectors and threads."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        sign_in: SignIn = SignIn.CREDENTIALS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.placed = Placed()
        self._credentials = credentials
        self._signer = Signer(credentials.api_secret)
        self._sign_in = sign_in
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._local = threading.local()
        self._grant: Grant | None = None
        self._failure: AuthFailed | None = None
        self._asked_at: float | None = None
        self._is_early_used = False

    def bearer(self) -> str:
        """The header for a call, remembered as what this thread sent last; empty before the first sign-in."""
        token = self._local.sent = self._grant.access_token if self._grant else ""
        return f"bearer {token}"

    def ensure(self, ask: Ask) -> Grant:
        """A token that lasts. `ask` sends one request for one and gives the result.

        Raises:
            AuthFailed, Unavailable.
        """
        grant = self._grant
        if grant is not None and self._monotonic() < grant.renew_at:
            return grant
        with self._lock:
            if self._grant is not grant and self._grant is not None:
                return self._grant  # another thread was quicker
            is_alive = grant is not None and self._monotonic() < grant.ends_at
            if grant is not None and is_alive and self._is_too_soon():
                return grant
            try:
                return self._renew(ask)
            except (Unavailable, RateLimited):
                if grant is None or not is_alive:
                    raise
                return grant

    def renew_refused(self, ask: Ask, token: str | None = None) -> None:
        """The venue refused this token, or the one this thread sent last: get another, unless that has been done."""
        sent = getattr(self._local, "sent", "") if token is None else token
        with self._lock:
            if self._grant is None or self._grant.access_token == sent:
                self._renew(ask)

    def _is_too_soon(self) -> bool:
        return self._asked_at is not None and self._monotonic() - self._asked_at < SIGN_IN_GAP_S

    def _renew(self, ask: Ask) -> Grant:
        if self._is_too_soon():
            return self._renewed_early(ask)
        try:
            grant = self._refreshed(ask, self._grant) or self._granted(ask(self._words()))
        except AuthFailed as refused:
            self._grant, self._failure, self._asked_at = None, refused, self._monotonic()
            raise
        self._grant, self._failure, self._asked_at = grant, None, self._monotonic()
        self._is_early_used = False
        return grant

    def _renewed_early(self, ask: Ask) -> Grant:
        """Signing in again and again gets an account blocked: a fresh token that is refused is refreshed, and that once."""
        if self._failure is not None:
            raise self._failure
        grant = None if self._is_early_used else self._refreshed(ask, self._grant)
        self._is_early_used = True
        if grant is None:
            raise Unavailable(f"The token was refused; the next sign-in is {SIGN_IN_GAP_S:.0f} s after the last")
        self._grant, self._asked_at = grant, self._monotonic()
        return grant

    def _refreshed(self, ask: Ask, old: Grant | None) -> Grant | None:
        """By the old grant's own token, which needs no secret; None where the venue won't."""
        if old is None or not old.refresh_token:
            return None
        try:
            return self._granted(ask({"grant_type": "refresh_token", "refresh_token": old.refresh_token}))
        except AuthFailed:
            return None

    def _words(self) -> dict[str, str]:
        words = {"grant_type": self._sign_in.value, "client_id": self._credentials.api_key}
        if self._sign_in is SignIn.CREDENTIALS:
            return words | {"client_secret": self._credentials.api_secret}
        timestamp, nonce = str(time.time_ns() // 1_000_000), token_hex(8)
        signature = client_signature(self._signer, client_id=words["client_id"], timestamp=timestamp, nonce=nonce)
        return words | {"timestamp": timestamp, "nonce": nonce, "signature": signature}

    def _granted(self, row: Row) -> Grant:
        now, life_s = self._monotonic(), READ.integer(row, "expires_in")
        return Grant(
            access_token=_token(row, "access_token"),
            refresh_token=_token(row, "refresh_token") if row.get("refresh_token") else "",
            scope=READ.text(row, "scope"),
            renew_at=now + life_s - min(RENEW_BEFORE_S, life_s / 2),
            ends_at=now + life_s,
        )


def _token(row: Row, field: str) -> str:
    """Not by the reader, whose refusal would show what it refused."""
    value = row.get(field)
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        READ.refuse(field, None)
    return value


_LOCK = threading.Lock()
_SESSIONS: dict[str, Session] = {}


def session_of(address: str, credentials: Credentials) -> Session:
    """The session of this account in this process. A wrong secret has one of its own, and so gains nothing."""
    proof = Signer(credentials.api_secret).hex(f"{address}\n{credentials.api_key}".encode())
    with _LOCK:
        return _SESSIONS.setdefault(sha256(proof.encode()).hexdigest(), Session(credentials))


def sessions_forget() -> None:
    """As in a fresh process."""
    with _LOCK:
        _SESSIONS.clear()
