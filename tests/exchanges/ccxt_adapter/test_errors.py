"""Every class of ccxt's has a decided meaning; what may have been done is never told as not done."""

import ccxt
import pytest

from apps.exchanges.connectors.ccxt_adapter.errors import VERDICTS, Verdict, error_for, verdict_of
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
from tests.exchanges.ccxt_adapter.conftest import spec_of

KINDS = sorted(
    {kind for kind in vars(ccxt).values() if isinstance(kind, type) and issubclass(kind, ccxt.BaseError)},
    key=lambda kind: kind.__name__,
)
LOST, REFUSED = (AmbiguousResult, Unavailable), (Rejected, Rejected)
# What each is on placing, and on reading.
MEANING: dict[Verdict, tuple[type[ExchangeError], type[ExchangeError]]] = {
    Verdict.LOST: LOST,
    Verdict.UNDONE: (Unavailable, Unavailable),
    Verdict.CLOCK: (Unavailable, Unavailable),
    Verdict.REFUSED: REFUSED,
    Verdict.UNSUPPORTED: (Unsupported, Unsupported),
    Verdict.GONE: (OrderNotFound, OrderNotFound),
    Verdict.TWICE: (AmbiguousResult, Rejected),
    Verdict.SAME: REFUSED,
    Verdict.PENDING: LOST,
    Verdict.AUTH: (AuthFailed, AuthFailed),
    Verdict.LIMIT: (RateLimited, RateLimited),
}


@pytest.fixture(scope="module")
def spec() -> ExchangeSpec:
    return spec_of("bybit")


def told(spec: ExchangeSpec, error: Exception, intent: Intent, *, is_sent: bool = True) -> ExchangeError | None:
    return error_for(spec, error, intent=intent, is_sent=is_sent, headers={}, secrets=("KEY123", "SECRET456"))


def test_the_tree_is_whole() -> None:
    assert {kind.__name__ for kind in KINDS} == set(VERDICTS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_class_is_one_of_our_five(spec: ExchangeSpec, kind: type[Exception]) -> None:
    place, read = MEANING[VERDICTS[kind.__name__]]
    assert type(told(spec, kind("no"), Intent.PLACE)) is place
    assert type(told(spec, kind("no"), Intent.READ)) is read


@pytest.mark.parametrize("kind", [k for k in KINDS if issubclass(k, ccxt.NetworkError)], ids=lambda kind: kind.__name__)
def test_a_network_error_on_placing_is_ambiguous_unless_the_venue_refused_it(
    spec: ExchangeSpec, kind: type[Exception]
) -> None:
    known = {"DDoSProtection": RateLimited, "RateLimitExceeded": RateLimited, "InvalidNonce": Unavailable}
    assert type(told(spec, kind("x"), Intent.PLACE)) is known.get(kind.__name__, AmbiguousResult)


def test_what_ccxt_stumbles_over_is_ambiguous_once_something_was_sent(spec: ExchangeSpec) -> None:
    for stumble in (KeyError("result"), TypeError("None"), ccxt.ExchangeError("?")):
        assert type(told(spec, stumble, Intent.PLACE)) is AmbiguousResult
        assert type(told(spec, stumble, Intent.PLACE, is_sent=False)) is Rejected
        assert type(told(spec, stumble, Intent.CANCEL)) is Unavailable


def test_a_class_not_yet_known_is_what_its_base_is() -> None:
    made = type("OrderTooClever", (ccxt.InvalidOrder,), {})
    assert verdict_of(made("x")) is Verdict.REFUSED
    assert verdict_of(ValueError()) is Verdict.LOST


def test_already_so_is_success_for_settings_and_pending_for_cancels(spec: ExchangeSpec) -> None:
    assert told(spec, ccxt.NoChange("x"), Intent.SETTING) is None
    assert told(spec, ccxt.BadRequest("leverage not modified"), Intent.SETTING) is None
    assert told(spec, ccxt.CancelPending("x"), Intent.CANCEL) is None
    assert type(told(spec, ccxt.BadRequest("leverage too high"), Intent.SETTING)) is Rejected


def test_a_duplicate_id_under_any_class_is_ambiguous(spec: ExchangeSpec) -> None:
    assert type(told(spec, ccxt.InvalidOrder("OrderLinkedID is duplicate"), Intent.PLACE)) is AmbiguousResult


def test_the_text_shows_no_query_and_no_key(spec: ExchangeSpec) -> None:
    text = 'bybit GET https://x.example/v1/order?api_key=KEY123&signature=abcdef 401 {"k":"SECRET456"}'
    shown = str(told(spec, ccxt.AuthenticationError(text), Intent.READ))
    assert "https://x.example/v1/order" in shown
    assert not any(word in shown for word in ("KEY123", "abcdef", "SECRET456"))


def test_retry_after_is_kept(spec: ExchangeSpec) -> None:
    headers = {"Retry-After": "40"}
    limited = error_for(
        spec, ccxt.RateLimitExceeded("x"), intent=Intent.READ, is_sent=True, headers=headers, secrets=()
    )
    assert isinstance(limited, RateLimited)
    assert limited.retry_at is not None
