"""ccxt's exceptions to our five errors, by their names alone, so that ccxt needn't be there to read this."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from apps.exchanges.connectors.spec import ExchangeSpec, Intent
from cts.domain.errors import (
    AmbiguousResult,
    AuthFailed,
    ExchangeError,
    OrderNotFound,
    RateLimited,
    Rejected,
    Unavailable,
    Unsupported,
)


class Verdict(StrEnum):
    """What a class of ccxt's says of the request it was raised for."""

    LOST = "lost"  # nobody can tell whether it was done
    UNDONE = "undone"  # refused before anything was done; may be repeated
    CLOCK = "clock"  # the same, for its time or number
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"
    GONE = "gone"
    TWICE = "twice"  # an earlier one of the same id arrived
    SAME = "same"  # already as asked
    PENDING = "pending"  # a cancel that was taken and takes a while
    AUTH = "auth"
    LIMIT = "limit"


# A class that isn't here is what the nearest of its bases is.
VERDICTS: dict[str, Verdict] = {
    "BaseError": Verdict.LOST,
    # Raised as it is, it's an answer ccxt knows no class for: "internal error" as well as "no".
    "ExchangeError": Verdict.LOST,
    "AuthenticationError": Verdict.AUTH,
    "PermissionDenied": Verdict.AUTH,
    "AccountNotEnabled": Verdict.AUTH,
    "AccountSuspended": Verdict.AUTH,
    "RestrictedLocation": Verdict.AUTH,
    "ArgumentsRequired": Verdict.REFUSED,
    "BadRequest": Verdict.REFUSED,
    "BadSymbol": Verdict.REFUSED,
    "OperationRejected": Verdict.REFUSED,
    "NoChange": Verdict.SAME,
    "MarginModeAlreadySet": Verdict.SAME,
    "MarketClosed": Verdict.REFUSED,
    "ManualInteractionNeeded": Verdict.REFUSED,
    "InsufficientFunds": Verdict.REFUSED,
    "InvalidAddress": Verdict.REFUSED,
    "AddressPending": Verdict.REFUSED,
    "InvalidOrder": Verdict.REFUSED,
    "OrderNotFound": Verdict.GONE,
    "OrderNotCached": Verdict.GONE,
    "OrderImmediatelyFillable": Verdict.REFUSED,
    "OrderNotFillable": Verdict.REFUSED,
    "DuplicateOrderId": Verdict.TWICE,
    "ContractUnavailable": Verdict.REFUSED,
    "NotSupported": Verdict.UNSUPPORTED,
    "InvalidProxySettings": Verdict.UNDONE,
    "ExchangeClosedByUser": Verdict.LOST,
    "OperationFailed": Verdict.LOST,
    "NetworkError": Verdict.LOST,
    "DDoSProtection": Verdict.LIMIT,
    "RateLimitExceeded": Verdict.LIMIT,
    "ExchangeNotAvailable": Verdict.LOST,
    "OnMaintenance": Verdict.LOST,
    "InvalidNonce": Verdict.CLOCK,
    "ChecksumError": Verdict.LOST,
    "RequestTimeout": Verdict.LOST,
    "BadResponse": Verdict.LOST,
    "NullResponse": Verdict.LOST,
    "CancelPending": Verdict.PENDING,
    "UnsubscribeError": Verdict.LOST,
}
DONE = {Intent.SETTING: {Verdict.SAME}, Intent.CANCEL: {Verdict.PENDING}}

# Venues whose "already so" and "I had that one" ccxt files under plain refusals.
_SAME = re.compile(r"not modified|not changed|no need to change|no change|same (?:mode|leverage)", re.IGNORECASE)
_TWICE = re.compile(r"duplicate", re.IGNORECASE)
_QUERY = re.compile(r"(\w+://[^\s?\"']+)\?[^\s\"']*")
_CODE = re.compile(r'"(?:code|retCode|ret_code|err-code|errorCode|error_code|sCode)"\s*:\s*"?(-?\w{1,20})')
_PLAIN: dict[Verdict, type[ExchangeError]] = {
    Verdict.UNDONE: Unavailable,
    Verdict.CLOCK: Unavailable,
    Verdict.REFUSED: Rejected,
    Verdict.SAME: Rejected,
    Verdict.UNSUPPORTED: Unsupported,
    Verdict.GONE: OrderNotFound,
    Verdict.AUTH: AuthFailed,
}


def verdict_of(error: Exception) -> Verdict:
    """What isn't of ccxt's making (a KeyError in its parser, say) tells nothing."""
    return next((VERDICTS[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in VERDICTS), Verdict.LOST)


def error_for(
    spec: ExchangeSpec,
    error: Exception,
    *,
    intent: Intent,
    is_sent: bool,
    headers: Mapping[str, str],
    secrets: tuple[str, ...],
) -> ExchangeError | None:
    """None where the venue only says that it already is as asked. `is_sent`: whether any request left on this call."""
    verdict = _worded(verdict_of(error), str(error), intent=intent)
    if verdict in DONE.get(intent, ()):
        return None
    text = f"{spec.label}: {type(error).__name__}: {_readable(str(error), secrets)}"
    code = _CODE.search(str(error))
    venue_code = str(code[1]) if code else ""
    if verdict is Verdict.LIMIT:
        return RateLimited(text, retry_at=_retry_at(headers), exchange=spec.name, venue_code=venue_code)
    if verdict in (Verdict.TWICE, Verdict.PENDING, Verdict.LOST):
        return _uncertain(verdict, intent=intent, is_sent=is_sent)(text, exchange=spec.name, venue_code=venue_code)
    return _PLAIN[verdict](text, exchange=spec.name, venue_code=venue_code)


def _worded(verdict: Verdict, text: str, *, intent: Intent) -> Verdict:
    if intent is Intent.SETTING and verdict in (Verdict.REFUSED, Verdict.LOST) and _SAME.search(text):
        return Verdict.SAME
    return Verdict.TWICE if intent is Intent.PLACE and verdict is Verdict.REFUSED and _TWICE.search(text) else verdict


def _uncertain(verdict: Verdict, *, intent: Intent, is_sent: bool) -> type[ExchangeError]:
    if intent is not Intent.PLACE:
        return Rejected if verdict is Verdict.TWICE else Unavailable
    return AmbiguousResult if is_sent else Rejected


def _readable(text: str, secrets: tuple[str, ...]) -> str:
    """For people and logs: no query, which is signed, and nothing of the key."""
    text = _QUERY.sub(r"\1", text)
    for secret in secrets:
        text = text.replace(secret, "…")
    return text[:300]


def _retry_at(headers: Mapping[str, str]) -> datetime:
    told = headers.get("Retry-After", "")
    return datetime.now(UTC) + timedelta(seconds=min(int(told), 3600) if told.isdigit() else 5)
