"""F7: from a tick's arrival to its order's arrival at the venue, over the product's own feed, study, engine and wire.

Two connections, ten symbols each, 500 ticks a second. The paper venue and Redis are processes of their own; feeds,
studies and engines share one process as in the product's engine worker, which also books the fills, places the stops
and closes the positions meanwhile. Two runs: lines of different windows and thresholds, which fire a few times a second;
and ten lines of one signal, which fire at one tick. Other systems decide by a clock; theirs is the documented tick
of that clock: hummingbot 1 s, freqtrade 5 s, half of it on average.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.harness import Result
from benchmarks.surroundings import surroundings

SECONDS = int(os.environ.get("F7_SECONDS", "150"))
# The first orders of a run meet a process that still compiles and connects; a run of the product lasts an hour.
WARM_UP_S = 20
TICKS_PER_SYMBOL = 25  # x 10 symbols x 2 venues: 500 a second
BURST = 10
EXCHANGES = ("bybit", "binance")
SYMBOLS = [f"{base}/USDT:USDT" for base in ("BTC", "ETH", "SOL", "XRP", "DOGE", "BNB", "ADA", "AVAX", "LINK", "LTC")]


@dataclass
class Signal:
    """One opening of a line, on our monotonic clock."""

    received_ns: int
    heard_ns: int
    burst: tuple[int, str, int]


@dataclass
class Trip:
    """One order's way, in milliseconds: tick to signal, signal to its transaction, that to the venue."""

    burst: tuple[int, str, int]
    steps: tuple[float, float, float]
    total: float = field(init=False)

    def __post_init__(self) -> None:
        self.total = sum(self.steps)


def run() -> list[Result]:
    with surroundings(ticks_per_symbol=TICKS_PER_SYMBOL) as folder:
        single = _measured(folder, "single", _staggered())
        burst = _measured(folder, "burst", _together())
    return [*_rows("lines of their own", single), *_burst_rows(burst)]


def _staggered() -> Iterator[tuple[str, str, Any]]:
    """Each symbol and side with windows and thresholds of its own."""
    for number, symbol in enumerate(SYMBOLS):
        for side in ("long", "short"):
            for moves in (3, 4, 5):
                yield symbol, side, _configuration(moves=moves, steps=1.0 + 0.2 * number)


def _together() -> Iterator[tuple[str, str, Any]]:
    """Lines that differ in a trail no price reaches: they open at one tick, close at one, and so stay in step."""
    for symbol in SYMBOLS[:4]:
        for number in range(BURST):
            yield symbol, "long", _configuration(moves=3, steps=1.0, trail_arm_pct=50.0 + number)


def _configuration(*, moves: int, steps: float, trail_arm_pct: float | None = None) -> Any:
    from cts.domain.configurations import Configuration

    parameters = {"moves": float(moves), "drawdown_ratio": 0.5, "market_change_steps": steps, "last_part_ratio": 1.0}
    trail = {} if trail_arm_pct is None else {"trail_arm_pct": trail_arm_pct, "trail_give_back_pct": 1.0}
    return Configuration(indication="move", parameters=parameters, take_profit_steps=4, stop_loss_ratio=1.0, **trail)


def _measured(folder: Path, name: str, lines: Iterator[tuple[str, str, Any]]) -> list[Trip]:
    """Run the road for SECONDS; the way of every order whose signal came after the warm-up."""
    from apps.engine.runs import EngineRun
    from apps.exchanges.feeds import FeedRun
    from apps.exchanges.hub import hub
    from apps.strategies.runs import StudyRun
    from cts.domain.orders import client_order_id

    heard: dict[str, Signal] = {}
    runs: list[Any] = []
    wanted = list(lines)
    for connection, study in (_prepared(exchange, name, wanted) for exchange in EXCHANGES):

        def note(events: list[Any], owner: int = connection.pk) -> None:
            now = time.monotonic_ns()
            for event in events:
                if event.kind == "opened" and event.received_ns:
                    key = client_order_id(f"{owner}:{owner}:{event.line_id}:{event.at_ms}:entry")
                    heard.setdefault(key, Signal(event.received_ns, now, (owner, event.symbol, event.at_ms)))

        hub().subscribe_lines(study.pk, note)
        runs += [FeedRun(*connection.venue), StudyRun(study.pk), EngineRun(connection.pk)]
    counted_from_ns = time.monotonic_ns() + WARM_UP_S * 1_000_000_000
    _run_for(WARM_UP_S + SECONDS, runs)
    return _trips(folder, {key: each for key, each in heard.items() if each.received_ns >= counted_from_ns})


def _run_for(seconds: int, runs: list[Any]) -> None:
    from django.db import connections

    def work(each: Any) -> None:
        try:
            each.run()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(each,)) for each in runs]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    for each in runs:
        each.stop()
    for thread in threads:
        thread.join(60)


def _prepared(exchange: str, name: str, lines: list[tuple[str, str, Any]]) -> tuple[Any, Any]:
    """An armed connection whose study has lines that fire often and cost nothing, so that they stay active."""
    from datetime import UTC, datetime

    from apps.accounts.services import user_register
    from apps.engine.models import DesiredState
    from apps.engine.services import engine_desire
    from apps.exchanges.contact import facts_changed
    from apps.exchanges.feeds import feed_want
    from apps.exchanges.services import connection_arm, connection_create, connection_test
    from apps.orders.models import RiskLimits
    from apps.strategies.models import BaseState, Line, RuleSet
    from apps.strategies.searches import configurations_store
    from apps.strategies.services import study_follow

    owner = user_register(username=f"{name}-{exchange}", password="Bench-only-password-1", email="bench@example.org")
    connection = connection_create(owner=owner, name=name, exchange=exchange, environment="paper", symbols=SYMBOLS)
    connection_test(connection)
    connection_arm(connection, user=owner)
    # Wider than the product lets anybody set them: what is measured is the road, not who may take it.
    RiskLimits.objects.update_or_create(connection=connection, defaults=_LIMITS)
    facts_changed(connection.pk)
    rules, _ = RuleSet.objects.get_or_create(name="Every line", owner=None, defaults={"real_lines_per_side": 1000})
    # A cost of its own makes it a study of its own: the one of the run before keeps its lines to itself.
    cost = 0.0001 if name == "single" else 0.00011
    study = study_follow(
        connection, rule_set=rules, timeframe_s=1, position_cost_ratio=cost, fee_ratio=0.0, slippage_ratio=0.0
    ).study
    ids = configurations_store([configuration for _, _, configuration in lines])
    for symbol, side, configuration in lines:
        number = ids[configuration.digest]
        Line.objects.create(study=study, configuration_id=number, symbol=symbol, side=side, base_state=BaseState.ACTIVE)
    study.searched_at = study.warmed_until = datetime.now(UTC)
    study.save()
    feed_want(*connection.venue, symbols=SYMBOLS)
    engine_desire(connection, desired=DesiredState.RUNNING, actor="bench", user=owner)
    return connection, study


_LIMITS = {
    "target_positions": 300,
    "max_positions": 2000,
    "max_positions_per_side": 500,
    "max_total_notional_ratio": 100,
    "max_orders_per_minute": 10_000,
    "max_losing_streak": 10_000,
    "stop_guard_count": 10_000,
    "max_daily_loss_ratio": 0.9,
    "max_drawdown_ratio": 0.9,
    "min_free_margin_ratio": 0.0,
}


def _trips(folder: Path, heard: dict[str, Signal]) -> list[Trip]:
    from apps.orders.models import Order

    lines = (folder / "arrivals.txt").read_text().splitlines()
    arrived = {key: int(at) for key, at in (line.split() for line in lines)}
    to_monotonic_ns = time.monotonic_ns() - time.time_ns()
    claimed = dict(Order.objects.filter(claimed_at__isnull=False).values_list("client_order_id", "claimed_at"))
    trips = []
    for key, signal in heard.items():
        if key not in arrived or key not in claimed:
            continue
        begun_ns = int(claimed[key].timestamp() * 1e9) + to_monotonic_ns
        marks = (signal.received_ns, signal.heard_ns, begun_ns, arrived[key])
        first, second, third = ((after - before) / 1e6 for before, after in pairwise(marks))
        trips.append(Trip(signal.burst, (first, second, third)))
    return trips


def _rows(name: str, trips: list[Trip]) -> list[Result]:
    if len(trips) < 30:
        raise AssertionError(f"{name}: only {len(trips)} orders arrived; too few to speak of")
    _steps_print(name, trips)
    cuts = quantiles([trip.total for trip in trips], n=100)
    rate = len(trips) / SECONDS
    what = f"tick to order at the venue, {2 * 10 * TICKS_PER_SYMBOL} ticks/s, {name}"
    checked = f"{len(trips)} orders ({rate:.1f}/s), each found at the venue under the client id its signal gives"
    return [
        _row(f"{what}, p50 (theirs: half of hummingbot's 1 s clock)", cuts[49], 500.0, checked),
        _row(f"{what}, p99 (theirs: hummingbot's 1 s clock)", cuts[98], 1000.0, checked),
    ]


def _burst_rows(trips: list[Trip]) -> list[Result]:
    """Of bursts that arrived whole: their orders, and when their last one arrived."""
    sizes = Counter(trip.burst for trip in trips)
    whole = [trip for trip in trips if sizes[trip.burst] == BURST]
    rows = _rows(f"bursts of {BURST} at one tick", whole)
    bursts = {trip.burst for trip in whole}
    last = [max(trip.total for trip in whole if trip.burst == burst) for burst in bursts]
    what = f"tick to the last of {BURST} orders of one tick, median (theirs: half of hummingbot's 1 s clock)"
    return [*rows, _row(what, median(last), 500.0, f"{len(bursts)} whole bursts")]


def _row(what: str, ours: float, theirs: float, checked: str) -> Result:
    return Result(
        id="F7",
        what=what,
        ours=round(ours, 2),
        theirs=theirs,
        ratio=round(theirs / ours, 1),
        unit="ms",
        checked=checked,
    )


def _steps_print(name: str, trips: list[Trip]) -> None:
    """Where the time goes, as a table."""
    print(f"\n{name}: {len(trips)} orders, ms")
    steps = ("tick to signal (feed, study)", "signal to its transaction (engine)", "transaction, to the venue", "all")
    for number, step in enumerate(steps):
        taken = [trip.steps[number] if number < 3 else trip.total for trip in trips]
        cuts = quantiles(taken, n=100)
        print(f"  {step:<36} p50 {cuts[49]:8.2f}  p90 {cuts[89]:8.2f}  p99 {cuts[98]:8.2f}  max {max(taken):8.2f}")
