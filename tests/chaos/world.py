"""Where runs take place: a folder, a port, a Redis, a database. Made once, then copied anew for each run."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cts.redis_server import redis_start
from cts.supervisor.ports import port_pick
from tests.chaos.databases import Database, PostgresServer, SqliteFile
from tests.chaos.processes import Journal, Process
from tests.paper_fixtures import PaperVenueControl

# Short, so that a run sees leases lapse and answers time out within its few seconds.
LEASE_TTL_S, VENUE_TIMEOUT_S, RECONCILE_S = 2, 1, 3
# Bans of minutes and budgets of a few calls a second would only make a run long.
BAN_S, THRIFT = 2.0, 10
START_PRICES = {"BTC/USDT:USDT": 60_000.0, "ETH/USDT:USDT": 3_000.0}
MAX_POSITIONS, MAX_PER_SIDE = 3, 1


@dataclass(frozen=True)
class Desk:
    """A connection of the runs: its rows, its lines by symbol and side, and the key of its account."""

    connection: int
    study: int
    lines: dict[str, int]
    api_key: str
    balance: str

    def line(self, symbol: str, side: str) -> int:
        return self.lines[f"{symbol} {side}"]


class World:
    """One at a time in a process: the settings of Django are made for it."""

    def __init__(self, folder: Path, *, on_postgres: bool = False) -> None:
        self.folder = folder
        self.venue_port, self.redis_port, self.web_port = (port_pick(None) for _ in range(3))
        self.data, self.template = folder / "data", folder / "template"
        self.venue = PaperVenueControl(f"http://127.0.0.1:{self.venue_port}")
        self.desks: dict[str, Desk] = {}
        self._redis: subprocess.Popen[bytes] | None = None
        for path in (self.data, self.template, folder / "logs"):
            path.mkdir(parents=True, exist_ok=True)
        journal = Journal(folder / "database.txt")
        self.database: Database = PostgresServer(folder) if on_postgres else SqliteFile(self.data, journal=journal)

    def environment(self) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": "cts.settings",
            "CTS_EMBEDDED": "true",
            "CTS_DATA_DIR": str(self.data),
            "CTS_LOG_DIR": str(self.folder / "logs"),
            "CTS_LOG_STDERR": "false",
            "CTS_LOG_DATABASE": "false",
            "CTS_PROCESS": "chaos",
            "CTS_SECRET_KEY": "0123456789abcdef" * 4,
            "CTS_ENCRYPTION_KEYS": "test:" + "0123456789abcdef" * 4,
            "CTS_REDIS_PREFIX": "chaos",
            "CTS_PAPER_URL": self.venue.url,
            "CTS_LEASE_TTL_S": str(LEASE_TTL_S),
            "CTS_VENUE_TIMEOUT_S": str(VENUE_TIMEOUT_S),
            "CTS_RECONCILE_INTERVAL_S": str(RECONCILE_S),
            "CTS_FUNDING_INTERVAL_S": "1",
            "DATABASE_URL": self.database.url,
            "CTS_DB_POOL": "8",
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
        }

    def enter(self) -> None:
        """Load all of CTS for this world, once in a process."""
        os.environ.update(self.environment())
        import django

        django.setup()
        _thrift_forget()
        self.database.enter()
        self.redis_start()
        self._template_make()

    def leave(self) -> None:
        self.redis_kill()
        self.database.leave()
        if os.environ.get("KEEP"):
            print(f"kept: {self.folder}")
            return
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- Redis --------------------------------------------------------------------------------------------------------
    def redis_start(self) -> None:
        self._redis = redis_start(port=self.redis_port, directory=self.folder / "redis")
        wait_for(self.redis_answers, what="Redis did not start")

    def redis_kill(self) -> None:
        if self._redis is not None:
            self._redis.kill()
            self._redis.wait()
            self._redis = None

    def redis_answers(self) -> bool:
        import redis

        try:
            return bool(redis.Redis(port=self.redis_port, socket_timeout=1).ping())
        except redis.RedisError:
            return False

    # --- the state a run begins with ----------------------------------------------------------------------------------
    def _template_make(self) -> None:
        from tests.chaos.actors import venue_main
        from tests.chaos.seeding import desks_make

        journal = Journal(self.folder / "template.txt")
        venue = Process("venue", lambda: venue_main(self), journal=journal)
        venue.start()
        wait_for(self.venue_answers, what="the paper venue did not start")
        made = asked(lambda: desks_make(), journal=journal)
        self.desks = {name: Desk(**row) for name, row in made.items()}
        venue.kill()
        shutil.copytree(self.data, self.template, dirs_exist_ok=True)
        self.database.keep()

    def reset(self) -> None:
        """Everything as the template has it; nobody may be running."""
        import redis

        shutil.rmtree(self.data)
        shutil.copytree(self.template, self.data)
        self.database.renew()
        if self._redis is None:
            self.redis_start()
        redis.Redis(port=self.redis_port).flushall()

    # --- the venue's own doors ----------------------------------------------------------------------------------------
    def venue_answers(self) -> bool:
        try:
            return bool(self.venue.call("GET", "/_health"))
        except OSError:
            return False


def _thrift_forget() -> None:
    """The venue closes nothing by count here; our own thrift, of two calls a second in places, would make minutes of it."""
    import msgspec

    from apps.exchanges.connectors.registry import CONNECTORS

    for kinds in CONNECTORS.values():
        for kind in kinds.values():
            rules = tuple(msgspec.structs.replace(rule, limit=rule.limit * THRIFT) for rule in kind.spec.rate_rules)
            kind.spec = msgspec.structs.replace(kind.spec, ban_s=BAN_S, rate_rules=rules)


def wait_for(condition: Callable[[], bool], *, what: str, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def asked(work: Callable[[], Any], *, journal: Journal) -> Any:
    """The answer of `work`, done in a child, so that this process never holds a connection over a fork."""
    reader, writer = os.pipe()

    def main() -> None:
        os.close(reader)
        with os.fdopen(writer, "w") as out:
            json.dump(work(), out)

    child = Process("asked", main, journal=journal)
    child.start()
    os.close(writer)
    with os.fdopen(reader) as source:
        text = source.read()
    if not child.ended(within_s=5) or child.code:
        raise RuntimeError(f"a child failed:\n{journal.text()}")
    return json.loads(text)
