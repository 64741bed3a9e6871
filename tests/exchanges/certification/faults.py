"""What can go wrong with one request, and what each kind of call makes of it."""

from dataclasses import dataclass

from cts.domain.errors import AmbiguousResult, ExchangeError, RateLimited, Unavailable

LATE_S = 2.0


@dataclass(frozen=True)
class Fault:
    """What is armed, whether the venue has taken the request all the same, and what placing then raises."""

    kind: str
    is_taken: bool
    place: type[ExchangeError] | None
    options: dict[str, object]
    # What a call that may be repeated raises; None: it gets through in the end. A time-out is all the time it had.
    repeated: type[ExchangeError] | None = None


FAULTS: dict[str, Fault] = {
    "connection closed before acceptance": Fault("refuse", False, AmbiguousResult, {}),
    "connection closed after acceptance": Fault("close_after_accept", True, AmbiguousResult, {}),
    "no answer, not accepted": Fault("timeout_before_accept", False, AmbiguousResult, {"seconds": LATE_S}, Unavailable),
    "no answer, accepted": Fault("timeout_after_accept", True, AmbiguousResult, {"seconds": LATE_S}, Unavailable),
    "answer late": Fault("delay", True, None, {"seconds": 0.2}),
    "answer cut in half": Fault("half_json", True, AmbiguousResult, {}),
    "500, not accepted": Fault("error_500", False, AmbiguousResult, {}),
    "500, accepted": Fault("error_500", True, AmbiguousResult, {"is_accepted": True}),
    "502": Fault("error_502", True, AmbiguousResult, {"is_accepted": True}),
    "503": Fault("error_503", True, AmbiguousResult, {"is_accepted": True}),
    "rate limit, with a time to wait": Fault("rate_limit_429", False, RateLimited, {"retry_after_s": 1}, RateLimited),
    "rate limit, without one": Fault("rate_limit_429", False, RateLimited, {}, RateLimited),
    "ban": Fault("ban", False, RateLimited, {}, RateLimited),
    "timestamp refused": Fault("timestamp_error", True, None, {}),
}
CLOCK, KEY = "clock 30 s ahead or behind", "key refused"
ROWS = [*(f"{kind}: {name}" for kind in ("place", "read", "cancel", "setting") for name in FAULTS), CLOCK, KEY]
