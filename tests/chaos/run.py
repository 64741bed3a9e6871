"""One run: the plan played over live processes, everything healed, and what the two sides then say."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import redis

from apps.orders.models import Order
from cts import bus
from cts.domain.types import PositionSide
from tests.chaos.actors import Hands, engine_main, hand_main, venue_main
from tests.chaos.clock import WallClock
from tests.chaos.plan import ENGINES, LASTS_S, PROCESSES, Act, Plan
from tests.chaos.processes import UNEXPECTED, Busy, Journal, Process, Trap
from tests.chaos.web import web_answers, web_main
from tests.chaos.witness import differences_now, engine_pid, engines_run, verdict
from tests.chaos.world import START_PRICES, Desk, World, asked, wait_for
from tests.flows.stage import line_opened

# A process that died is started again after this long, as a supervisor would.
RESTART_S = 0.3
CALM_LOOKS, LOOK_S = 2, 1.2
HAND_SYNC_S = 4.0


@dataclass(frozen=True)
class Outcome:
    seed: int
    violations: list[str]
    timeline: str
    took_s: float
    orders: int
    kills: int


class Run:
    def __init__(self, world: World, plan: Plan) -> None:
        self.world, self.plan = world, plan
        self.desks: dict[str, Desk] = {venue: world.desks[venue] for venue in plan.venues}
        self.journal = Journal(world.folder / f"journal-{plan.seed}.txt")
        self.trap, self.busy, self.clock = Trap(self.journal), Busy(), WallClock()
        self.prices = dict(START_PRICES)
        self._wishes, self._wish = os.pipe()
        ids = [desk.connection for desk in self.desks.values()]
        self.processes = {
            "venue": Process("venue", lambda: venue_main(world), journal=self.journal),
            "web": Process("web", self._web, journal=self.journal),
            "hand": Process("hand", self._hand, journal=self.journal),
        }
        for name in ENGINES:
            self.processes[name] = Process(name, lambda name=name: self._engine(name, ids), journal=self.journal)  # type: ignore[misc]
        # What comes back, and when.
        self._later: list[tuple[float, Callable[[], object]]] = []
        self._synced_at = self.began_at = 0.0
        self.kills = 0

    def _hand(self) -> None:
        os.close(self._wish)
        hands = Hands("hand", self.world.web_port, self.journal, self.busy)
        hand_main(hands, self._wishes, trap=self.trap, clock=self.clock)

    def _web(self) -> None:
        web_main("web", self.world.web_port, trap=self.trap, clock=self.clock)

    def _engine(self, name: str, ids: list[int]) -> None:
        engine_main(name, ids, journal=self.journal, trap=self.trap, clock=self.clock)

    # --- the whole of it ----------------------------------------------------------------------------------------------
    def play(self) -> Outcome:
        started_at = time.monotonic()
        self.world.reset()
        try:
            self._start()
            self._acts()
            found = self._healed()
            if not found:
                self._processes_end()
                found = asked(lambda: verdict(self.world.venue, self.desks), journal=self.journal)
            orders = asked(_orders_count, journal=self.journal)
        finally:
            self._sweep()
        found += [line for line in self.journal.text().splitlines() if UNEXPECTED in line or "Traceback" in line]
        took_s = time.monotonic() - started_at
        return Outcome(self.plan.seed, found, self.journal.text(), took_s, orders, self.kills)

    def _start(self) -> None:
        self.processes["venue"].start()
        wait_for(self.world.venue_answers, what="the paper venue did not start")
        for name in PROCESSES:
            self.processes[name].start()
        for desk in self.desks.values():
            self._wished({"what": "start", "connection": desk.connection})
        wait_for(lambda: asked(lambda: engines_run(self.desks), journal=self.journal), what="the engines did not start")
        wait_for(lambda: web_answers(self.world.web_port), what="the web did not start")
        self.began_at = time.monotonic()
        self.journal.note("director", f"seed {self.plan.seed}, {' and '.join(self.plan.venues)}")

    def _acts(self) -> None:
        waiting = list(self.plan.acts)
        while waiting or self._elapsed() < LASTS_S:
            while waiting and waiting[0].at_s <= self._elapsed():
                self._do(waiting.pop(0))
            self._look_after()
            time.sleep(0.01)

    def _elapsed(self) -> float:
        return time.monotonic() - self.began_at

    # --- acts ---------------------------------------------------------------------------------------------------------
    def _do(self, act: Act) -> None:
        self.journal.note("director", str(act))
        with contextlib.suppress(OSError, redis.RedisError):  # whoever is addressed may be dead just now
            getattr(self, f"_do_{act.kind}")(**act.data)

    def _do_signal(self, venue: str, symbol: str, side: str) -> None:
        desk = self.desks[venue]
        line = desk.line(symbol, side)
        event = line_opened(desk.study, line, symbol=symbol, side=PositionSide(side), price=self.prices[symbol])
        seen = msgspec.structs.replace(event, at_ms=event.at_ms + self.clock.offset_ms)
        bus.publish(bus.lines_topic(desk.study), [seen])

    def _do_price(self, symbol: str, ratio: float) -> None:
        self.prices[symbol] = round(self.prices[symbol] * (1 + ratio), 1)
        self.world.venue.price(symbol, self.prices[symbol])

    def _do_fault(self, **fault: Any) -> None:
        self.world.venue.call("POST", "/_faults", {"path": "/", **fault})

    def _do_funding(self) -> None:
        self.world.venue.fund()

    def _do_kill_at(self, point: str, passes: int) -> None:
        self.trap.arm(point, passes=passes)

    def _do_kill(self, process: str) -> None:
        if self.processes[process].is_running:
            self.processes[process].kill()
            self._died(self.processes[process])

    def _do_freeze(self, process: str, for_s: float) -> None:
        stopped = self.processes[process]
        stopped.signal(signal.SIGSTOP)
        self._after(for_s, lambda: stopped.signal(signal.SIGCONT))

    def _do_freeze_holder(self, venue: str, for_s: float) -> None:
        """Whichever process runs this venue's engine just now."""
        held_by = asked(lambda: engine_pid(self.desks[venue]), journal=self.journal)
        [name] = [process.name for process in self.processes.values() if process.pid == held_by]
        self._do_freeze(name, for_s)

    def _do_redis_away(self, for_s: float) -> None:
        self.world.redis_kill()
        self._after(for_s, self.world.redis_start)

    def _do_database_away(self, for_s: float) -> None:
        self.world.database.away()
        self._after(for_s, self.world.database.back)

    def _do_clock_step(self, by_s: float) -> None:
        self.clock.step(by_s)
        for name in PROCESSES:
            self.processes[name].signal(signal.SIGUSR2)

    def _after(self, seconds: float, work: Callable[[], object]) -> None:
        self._later.append((time.monotonic() + seconds, work))

    def _do_hand(self, what: str, venue: str, symbol: str, side: str, number: int) -> None:
        self._wished(
            {
                "what": what,
                "connection": self.desks[venue].connection,
                "symbol": symbol,
                "side": side,
                "number": number,
                "price": self.prices[symbol],
            }
        )

    def _wished(self, wish: dict[str, Any]) -> None:
        os.write(self._wish, (json.dumps(wish) + "\n").encode())

    # --- keeping things alive -----------------------------------------------------------------------------------------
    def _look_after(self) -> None:
        now = time.monotonic()
        for process in self.processes.values():
            if process.is_running and process.reap() is not None:
                self._died(process)
            if process.restart_at is not None and now >= process.restart_at:
                process.start()
                self.journal.note("director", f"{process.name} started again")
        due = [work for at, work in self._later if at <= now]
        self._later = [each for each in self._later if each[0] > now]
        for work in due:
            work()

    def _died(self, process: Process) -> None:
        self.kills += 1
        self.journal.note("director", f"{process.name} ended with {process.code}")
        process.restart_at = time.monotonic() + RESTART_S
        if process.name == "hand":
            self.busy.forget()

    # --- healing ------------------------------------------------------------------------------------------------------
    def _healed(self) -> list[str]:
        """No fault any more, everybody alive: the two sides have to agree by themselves. What still differs at the end."""
        self.journal.note("director", "healing")
        self.trap.disarm()
        self._later = [(0.0, work) for _, work in self._later]
        self._look_after()
        self._once_alive(self.world.venue.clear_faults)
        deadline, calm, found = time.monotonic() + self.plan.calm_within_s, 0, ["never looked"]
        while calm < CALM_LOOKS and time.monotonic() < deadline:
            self._rest(LOOK_S)
            found = asked(lambda: differences_now(self.world.venue, self.desks), journal=self.journal)
            calm = 0 if found or self.busy.count else calm + 1
        return found

    def _once_alive(self, work: Any) -> None:
        deadline = time.monotonic() + 10
        while True:
            try:
                work()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                self._rest(0.1)

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._look_after()
            if time.monotonic() - self._synced_at > HAND_SYNC_S:
                self._synced_at = time.monotonic()
                for desk in self.desks.values():
                    self._wished({"what": "sync", "connection": desk.connection})
            time.sleep(0.02)

    def _processes_end(self) -> None:
        for name in ENGINES:
            self.processes[name].signal(signal.SIGTERM)
        for name in ENGINES:
            if not self.processes[name].ended(within_s=15):
                self.journal.note("director", f"{UNEXPECTED} {name} did not end when told to")
        for name in ("hand", "web"):
            self.processes[name].kill()

    def _sweep(self) -> None:
        for process in self.processes.values():
            process.signal(signal.SIGCONT)
            process.kill()
        for end in (self._wishes, self._wish):
            os.close(end)


def _orders_count() -> int:
    return Order.objects.count()
