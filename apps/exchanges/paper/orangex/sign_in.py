"""OrangeX's sign-in: a key's words for a token, which the calls then carry."""

import hmac
import secrets
from typing import TYPE_CHECKING

import msgspec

from apps.exchanges.paper.face import Call, Member
from apps.exchanges.paper.orangex.errors import BAD_PARAMS, UNAUTHENTIC, OrangeXError
from apps.exchanges.paper.orangex.rows import Row

if TYPE_CHECKING:
    from apps.exchanges.paper.orangex.face import OrangeXFace

LIFE_S = 43_199
# As the venue writes it, the last word included. A key made for trading has no right to move coins away.
SCOPE = "account:read trade:read_write wallet:read block_trade:undefined"
SIGNED_WITHIN_MS = 60_000


class Token(msgspec.Struct, kw_only=True):
    member: Member
    refresh_token: str
    ends_ms: int


class Tokens:
    """In memory only: whoever comes back after a restart signs in again."""

    def __init__(self) -> None:
        self._by_access: dict[str, Token] = {}
        self._by_refresh: dict[str, Token] = {}

    def issue(self, member: Member, *, now_ms: int) -> Row:
        access, refresh = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
        token = Token(member=member, refresh_token=refresh, ends_ms=now_ms + LIFE_S * 1000)
        self._by_access[access] = self._by_refresh[refresh] = token
        return {
            "access_token": access,
            "token_type": "bearer",
            "refresh_token": refresh,
            "expires_in": LIFE_S,
            "scope": SCOPE,
        }

    def member_of(self, access: str, *, now_ms: int) -> Member:
        token = self._by_access.get(access)
        if token is None or token.ends_ms <= now_ms:
            raise OrangeXError(*UNAUTHENTIC)
        return token.member

    def refreshed(self, refresh: str) -> Member:
        """Good once."""
        token = self._by_refresh.pop(refresh, None)
        if token is None:
            raise OrangeXError(*UNAUTHENTIC)
        return token.member

    def revoke_all(self) -> None:
        self._by_access.clear()


def auth(face: "OrangeXFace", call: Call) -> Row:
    """Three ways: the secret itself, a signature made with it, or the other token of a former sign-in."""
    kind = call.params.get("grant_type", "")
    if kind == "refresh_token":
        return face.tokens.issue(face.tokens.refreshed(call.params.get("refresh_token", "")), now_ms=call.now_ms)
    if kind not in ("client_credentials", "client_signature"):
        raise OrangeXError(*BAD_PARAMS)
    member = face.members.get(call.params.get("client_id", ""))
    if member is None:
        raise OrangeXError(*UNAUTHENTIC)
    if kind == "client_credentials":
        wanted, given = member.api_secret, call.params.get("client_secret", "")
    else:
        wanted, given = _signature(member, call), call.params.get("signature", "")
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise OrangeXError(*UNAUTHENTIC)
    return face.tokens.issue(member, now_ms=call.now_ms)


def _signature(member: Member, call: Call) -> str:
    """The digest in hexadecimal, in hexadecimal once more."""
    stamp, nonce = call.params.get("timestamp", ""), call.params.get("nonce", "")
    if not stamp.isdigit() or len(stamp) > 15 or abs(int(stamp) - call.now_ms) > SIGNED_WITHIN_MS:
        raise OrangeXError(*UNAUTHENTIC)
    return member.signature(f"{member.api_key}\n{stamp}\n{nonce}\n").encode().hex()
