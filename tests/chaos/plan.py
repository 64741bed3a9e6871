"""What happens in a run, all of it from the seed: who trades where, what goes wrong, and when. No I/O."""

import random
from dataclasses import dataclass, field
from typing import Any

from cts.kill_points import KillPoint

VENUES = ("bybit", "binance", "bingx", "okx", "orangex", "pionex")
SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT")
SIDES = ("long", "short")
LASTS_S = 6.0
# Most runs are of two venues, so that more happens to each; every so many the six trade at once.
ALL_VENUES_EVERY = 10
# And every so many keep their ledger on PostgreSQL.
POSTGRES_EVERY = 4

# Of requests: what the venue does to the next one, or the next few, whatever they ask.
REQUEST_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "timeout_after_accept"},
    {"kind": "timeout_before_accept"},
    {"kind": "close_after_accept"},
    {"kind": "refuse"},
    {"kind": "half_json"},
    {"kind": "delay", "seconds": 0.7},
    {"kind": "error_500", "is_accepted": False},
    {"kind": "error_502", "is_accepted": True},
    {"kind": "error_503", "is_accepted": True},
    {"kind": "rate_limit_429"},
    {"kind": "rate_limit_429", "retry_after_s": 1},
    {"kind": "timestamp_error"},
)
# Of what the private and public streams tell.
EVENT_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "duplicate", "times": 3},
    {"kind": "drop_event"},
    {"kind": "late", "seconds": 0.6},
    {"kind": "reorder"},
)
AT_ONCE: tuple[dict[str, Any], ...] = (
    {"kind": "drop_socket"},
    {"kind": "silence", "seconds": 2.0},
    {"kind": "clock_skew", "skew_ms": 30_000},
    {"kind": "clock_skew", "skew_ms": -30_000},
)
CLOCK_STEPS_S = (2.0, 40.0, 600.0, 7200.0)
ORDERS_ONLY = "POST"
ENGINES = ("engine-a", "engine-b")
PROCESSES = (*ENGINES, "hand", "web")
HAND_ACTS = (
    "sync",
    "order",
    "order",
    "limit",
    "limit",
    "close",
    "close",
    "close_all",
    "cancel_all",
    "pause",
    "emergency",
)


@dataclass(frozen=True)
class Act:
    """At `at_s` of the run, `kind` is done with `data`."""

    at_s: float
    kind: str
    data: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.kind, *(f"{name}={value}" for name, value in self.data.items())])


@dataclass(frozen=True)
class Plan:
    seed: int
    venues: tuple[str, ...]
    acts: tuple[Act, ...]
    # How long the two sides may take to agree once nothing goes wrong any more.
    calm_within_s: float = 60.0


def plan_make(seed: int) -> Plan:
    """The same seed gives the same plan for ever."""
    dice = random.Random(f"chaos {seed}")
    venues = VENUES if seed % ALL_VENUES_EVERY == 0 else tuple(dice.sample(VENUES, 2))
    acts = [
        *_signals(dice, venues),
        *_moves(dice),
        *_faults(dice, venues),
        *_kills(dice),
        *_by_hand(dice, venues),
        *_surroundings(dice),
    ]
    return Plan(seed, venues, tuple(sorted(acts, key=lambda act: act.at_s)))


def is_on_postgres(seed: int) -> bool:
    return seed % POSTGRES_EVERY == 0


def _at(dice: random.Random, start: float = 0.2, end: float = LASTS_S) -> float:
    return round(dice.uniform(start, end), 2)


def _signals(dice: random.Random, venues: tuple[str, ...]) -> list[Act]:
    return [
        Act(_at(dice), "signal", {"venue": venue, "symbol": dice.choice(SYMBOLS), "side": dice.choice(SIDES)})
        for venue in venues
        for _ in range(dice.randint(6, 12))
    ]


def _moves(dice: random.Random) -> list[Act]:
    """Small steps, and now and then a jump that takes stops and targets with it."""
    acts = []
    for tenth in range(2, int(LASTS_S * 10), 3):
        size = dice.choice((0.0005, 0.001, 0.002, 0.012, 0.025)) * dice.choice((-1, 1))
        acts.append(Act(tenth / 10, "price", {"symbol": dice.choice(SYMBOLS), "ratio": size}))
    return acts


def _faults(dice: random.Random, venues: tuple[str, ...]) -> list[Act]:
    acts = []
    for _ in range(dice.randint(3, 8)):
        fault = dict(dice.choice(REQUEST_FAULTS), exchange=dice.choice(venues), count=dice.randint(1, 3))
        if dice.random() < 0.6:
            fault["method"] = ORDERS_ONLY
        acts.append(Act(_at(dice), "fault", fault))
    for _ in range(dice.randint(1, 4)):
        fault = dict(dice.choice(EVENT_FAULTS), exchange=dice.choice(venues), count=dice.randint(1, 5))
        acts.append(Act(_at(dice), "fault", fault))
    if dice.random() < 0.5:
        acts.append(Act(_at(dice), "fault", dict(dice.choice(AT_ONCE), exchange=dice.choice(venues))))
    return acts


def _kills(dice: random.Random) -> list[Act]:
    """At a named point the process passes, at any moment, or frozen for longer than its lease."""
    acts = []
    for _ in range(dice.randint(1, 3)):
        point = dice.choice(tuple(KillPoint))
        acts.append(Act(_at(dice, end=LASTS_S - 1), "kill_at", {"point": str(point), "passes": dice.randint(1, 3)}))
    for _ in range(dice.randint(0, 2)):
        acts.append(Act(_at(dice), "kill", {"process": dice.choice((*PROCESSES, "venue"))}))
    if dice.random() < 0.4:
        acts.append(Act(_at(dice), "freeze", {"process": dice.choice(ENGINES), "for_s": 3.0}))
    return acts


def _by_hand(dice: random.Random, venues: tuple[str, ...]) -> list[Act]:
    acts = []
    for number in range(dice.randint(2, 7)):
        data = {
            "what": dice.choice(HAND_ACTS),
            "venue": dice.choice(venues),
            "symbol": dice.choice(SYMBOLS),
            "side": dice.choice(SIDES),
            "number": number,
        }
        acts.append(Act(_at(dice), "hand", data))
        if data["what"] in ("pause", "emergency"):
            acts.append(Act(acts[-1].at_s + 1.0, "hand", dict(data, what="start")))
    return acts


def _surroundings(dice: random.Random) -> list[Act]:
    acts = []
    if dice.random() < 0.3:
        acts.append(Act(_at(dice), "redis_away", {"for_s": round(dice.uniform(0.0, 1.5), 2)}))
    if dice.random() < 0.2:
        acts.append(Act(_at(dice), "database_away", {"for_s": round(dice.uniform(0.1, 1.5), 2)}))
    if dice.random() < 0.2:
        acts.append(Act(_at(dice), "clock_step", {"by_s": dice.choice(CLOCK_STEPS_S) * dice.choice((-1, 1))}))
    if dice.random() < 0.4:
        acts.append(Act(_at(dice, start=LASTS_S / 2), "funding"))
    return acts
