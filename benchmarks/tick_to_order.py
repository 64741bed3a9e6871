"""F7: from a tick's arrival to its order's arrival at the venue, over the product's own feed, study, engine and wire.

Two connections, ten symbols each; the paper venue and Redis are processes of their own, feeds, studies and engines share
one process as in the product's engine worker. Other systems decide by a clock; theirs is the documented tick of that
clock: hummingbot 1 s, freqtrade 5 s, half of it on average.
"""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.harness import Result

SECONDS = int(os.environ.get("F7_SECONDS", "150"))
TICKS_PER_SYMBOL = 25  # x 10 symbols x 2 venues: 500 a second
EXCHANGES = ("bybit", "binance")
SYMBOLS = [f"{base}/USDT:USDT" for base in ("BTC", "ETH", "SOL", "XRP", "DOGE", "BNB", "ADA", "AVAX", "LINK", "LTC")]


def run() -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="cts-bench-") as name, _surroundings(Path(name)):
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        heard = _trade()
        return _results(_latencies_ms(Path(name) / "arrivals.txt", heard))


@contextmanager
def _surroundings(folder: Path) -> Iterator[None]:
    """Redis and the paper venue on ports of their own, Django on a scratch database; all gone afterwards."""
    from cts.redis_server import redis_start

    redis_port, venue_port = _free_port(), _free_port()
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "cts.settings",
        "CTS_DATA_DIR": str(folder),
        "CTS_LOG_DIR": str(folder / "logs"),
        "CTS_PROCESS": "bench",
        "DATABASE_URL": f"sqlite:///{folder / 'cts.sqlite3'}",
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "CTS_PAPER_URL": f"http://127.0.0.1:{venue_port}",
    }
    arguments = ["-m", "benchmarks.arrivals", str(folder), str(venue_port), str(TICKS_PER_SYMBOL)]
    servers = [
        redis_start(port=redis_port, directory=folder / "redis"),
        subprocess.Popen([sys.executable, *arguments], cwd=Path(__file__).parent.parent),
    ]
    try:
        for port in (redis_port, venue_port):
            _wait_for(port)
        import django

        django.setup()
        yield
    finally:
        for server in servers:
            server.terminate()
            server.wait(20)


def _trade() -> dict[str, int]:
    """Run the road for SECONDS; when each signal's tick was received, by the client id its order must have."""
    from apps.engine.runs import EngineRun
    from apps.exchanges.feeds import FeedRun
    from apps.exchanges.hub import hub
    from apps.strategies.runs import StudyRun
    from cts.domain.orders import client_order_id

    heard: dict[str, int] = {}
    runs: list[Any] = []
    for connection, study in map(_prepared, EXCHANGES):

        def note(events: list[Any], owner: int = connection.pk) -> None:
            for event in events:
                if event.kind == "opened":
                    key = f"{owner}:{event.line_id}:{event.at_ms}:entry"
                    heard.setdefault(client_order_id(f"{owner}:{key}"), event.received_ns)

        hub().subscribe_lines(study.pk, note)
        runs += [FeedRun(*connection.venue), StudyRun(study.pk), EngineRun(connection.pk)]

    _run_for(SECONDS, runs)
    return heard


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
        thread.join(30)


def _prepared(exchange: str) -> tuple[Any, Any]:
    """An armed connection whose study has lines that fire often and cost nothing, so that they stay active."""
    from datetime import UTC, datetime

    from apps.accounts.services import user_register
    from apps.engine.models import DesiredState
    from apps.engine.services import engine_desire
    from apps.exchanges.feeds import feed_want
    from apps.exchanges.services import connection_arm, connection_create, connection_test
    from apps.orders.models import RiskLimits
    from apps.strategies.models import BaseState, Line, RuleSet
    from apps.strategies.searches import configurations_store
    from apps.strategies.services import study_follow
    from cts.domain.configurations import Configuration

    owner = user_register(username=f"bench-{exchange}", password="Bench-only-password-1", email="bench@example.org")
    connection = connection_create(owner=owner, name=exchange, exchange=exchange, environment="paper", symbols=SYMBOLS)
    connection_test(connection)
    connection_arm(connection, user=owner)
    RiskLimits.objects.create(
        connection=connection, target_positions=300, max_positions=2000, max_positions_per_side=500,
        max_total_notional_ratio=100.0, max_orders_per_minute=10_000, max_losing_streak=10_000,
        stop_guard_count=10_000, max_daily_loss_ratio=0.9, max_drawdown_ratio=0.9, min_free_margin_ratio=0.0,
    )  # fmt: skip
    rules, _ = RuleSet.objects.get_or_create(name="Every line", owner=None, defaults={"real_lines_per_side": 1000})
    study = study_follow(
        connection, rule_set=rules, timeframe_s=1, position_cost_ratio=0.0001, fee_ratio=0.0, slippage_ratio=0.0
    ).study
    wanted = [
        Configuration(
            indication="move",
            parameters={
                "moves": float(moves),
                "drawdown_ratio": 0.5,
                "market_change_steps": 1.0,
                "last_part_ratio": 1.0,
            },
            take_profit_steps=4,
            stop_loss_ratio=1.0,
        )
        for moves in (4,)
    ]
    ids = configurations_store(wanted).values()
    for symbol in SYMBOLS:
        for side in ("long", "short"):
            for configuration in ids:
                Line.objects.create(
                    study=study, configuration_id=configuration, symbol=symbol, side=side, base_state=BaseState.ACTIVE
                )
    study.searched_at = study.warmed_until = datetime.now(UTC)
    study.save()
    feed_want(*connection.venue, symbols=SYMBOLS)
    engine_desire(connection, desired=DesiredState.RUNNING, actor="bench", user=owner)
    return connection, study


def _latencies_ms(arrivals: Path, heard: dict[str, int]) -> list[float]:
    arrived = {key: int(at) for key, at in (line.split() for line in arrivals.read_text().splitlines())}
    return [(arrived[key] - at) / 1e6 for key, at in heard.items() if key in arrived and at]


def _results(latencies: list[float]) -> list[Result]:
    if len(latencies) < 30:
        raise AssertionError(f"only {len(latencies)} orders arrived; too few to speak of")
    cuts = quantiles(latencies, n=100)
    checked = f"{len(latencies)} orders, each found at the venue under the client id its signal gives"
    what = f"tick to order at the venue, 2 connections x 10 symbols, {2 * 10 * TICKS_PER_SYMBOL} ticks/s"
    rows = [
        ("p50", cuts[49], 500.0, "half of hummingbot's 1 s clock"),
        ("p99", cuts[98], 1000.0, "hummingbot's 1 s clock"),
    ]
    return [
        Result(
            id="F7",
            what=f"{what}, {name} (theirs: {peer})",
            ours=round(ours, 2),
            theirs=theirs,
            ratio=round(theirs / ours, 1),
            unit="ms",
            checked=checked,
        )
        for name, ours, theirs, peer in rows
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("A server of the benchmark did not start")
