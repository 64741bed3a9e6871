"""Faults on request: which request or event goes wrong next, how, and how often."""

import itertools
import random

import msgspec

REQUEST_KINDS = frozenset(
    {
        "timeout_after_accept", "timeout_before_accept", "refuse", "close_after_accept", "half_json", "delay",
        "error_500", "error_502", "error_503", "rate_limit_429", "ban", "timestamp_error",
    }
)  # fmt: skip
EVENT_KINDS = frozenset({"duplicate", "drop_event", "late", "reorder"})
# Done at once, not armed: cut the sockets, mute them, shift the venue's clock.
IMMEDIATE_KINDS = frozenset({"drop_socket", "silence", "clock_skew"})
KINDS = REQUEST_KINDS | EVENT_KINDS | IMMEDIATE_KINDS


class Fault(msgspec.Struct, kw_only=True):
    """`count` None is for ever. `path` is a prefix after the venue's slug; events match by kind alone."""

    kind: str
    exchange: str = ""
    path: str = ""
    method: str = ""
    count: int | None = 1
    probability: float = 1.0
    seed: int = 0
    seconds: float = 0.0
    retry_after_s: int | None = None
    is_accepted: bool = False
    times: int = 2
    skew_ms: int = 0
    id: int = 0
    hits: int = 0


class Faults:
    def __init__(self) -> None:
        self.armed: list[Fault] = []
        self._ids = itertools.count(1)
        self._dice: dict[int, random.Random] = {}

    def add(self, fault: Fault) -> Fault:
        if fault.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
        fault.id = next(self._ids)
        self._dice[fault.id] = random.Random(fault.seed)  # noqa: S311 - repeatable on purpose
        if fault.kind not in IMMEDIATE_KINDS:
            self.armed.append(fault)
        return fault

    def clear(self) -> None:
        self.armed.clear()
        self._dice.clear()

    def for_request(self, *, exchange: str, method: str, path: str) -> Fault | None:
        for fault in self.armed:
            is_meant = (
                fault.kind in REQUEST_KINDS
                and fault.exchange in ("", exchange)
                and fault.method in ("", method)
                and path.startswith(fault.path)
            )
            if is_meant and self._strikes(fault):
                return fault
        return None

    def for_event(self, *, exchange: str) -> Fault | None:
        for fault in self.armed:
            if fault.kind in EVENT_KINDS and fault.exchange in ("", exchange) and self._strikes(fault):
                return fault
        return None

    def _strikes(self, fault: Fault) -> bool:
        if fault.probability < 1.0 and self._dice[fault.id].random() >= fault.probability:
            return False
        fault.hits += 1
        if fault.count is not None and fault.hits >= fault.count:
            self.armed.remove(fault)
        return True
