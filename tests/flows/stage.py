"""The whole road in one process: a feed, a study and engines as threads, on the paper venue, over real sockets."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.db import connections

from apps.engine.models import ActualState, Engine
from apps.engine.runs import EngineRun
from apps.exchanges.crypto import credentials_unseal
from apps.exchanges.feeds import FeedRun
from apps.exchanges.hub import hub
from apps.exchanges.models import Connection, Feed
from apps.exchanges.runs import Ended, LeasedRun
from apps.orders.models import Fill, Order
from apps.positions.models import Position
from apps.strategies.models import BaseState, Line, LineResult, Study
from apps.strategies.runs import StudyRun
from apps.strategies.searches import configurations_store
from cts import bus
from cts.domain.configurations import Configuration
from cts.domain.statistics import ResultBook
from cts.domain.types import LineEvent, PositionSide
from tests.paper_fixtures import PaperVenueControl

BTC = "BTC/USDT:USDT"
# Fires on a quickening climb of three seconds that comes to 0.3 %; target 2 %, stop 1 %.
CLIMB = Configuration(
    indication="move",
    parameters={"moves": 3.0, "drawdown_ratio": 0.5, "market_change_steps": 3.0, "last_part_ratio": 1.0},
    take_profit_steps=20,
    stop_loss_ratio=0.5,
)


def until(condition: Callable[[], object], *, within_s: float = 15, what: str = "it did not come to that") -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def line_make(study: Study, *, symbol: str = BTC, side: PositionSide = PositionSide.LONG) -> Line:
    """A line with a past good enough for real: sixty positions of the last hours, two of three won."""
    [configuration_id] = configurations_store([CLIMB]).values()
    line = Line.objects.create(
        study=study, configuration_id=configuration_id, symbol=symbol, side=side, base_state=BaseState.ACTIVE
    )
    now = datetime.now(UTC)
    book, now_ms = ResultBook(1), int(now.timestamp() * 1000)
    for number in range(60):
        closed_ms = now_ms - (61 - number) * 600_000
        gain = -0.002 if number % 3 == 0 else 0.004
        book.add(0, gain_ratio=gain, closed_ms=closed_ms)
        LineResult.objects.create(
            line=line,
            opened_ms=closed_ms - 60_000,
            closed_ms=closed_ms,
            entry_price=60_000,
            exit_price=60_000 * (1 + gain),
            gain_ratio=gain,
            reason="stop" if gain < 0 else "target",
        )
    line.statistics = msgspec.to_builtins(book.statistics(0, now_ms=now_ms))
    # The venue still knows the path of the test before: what that would set off is no signal of this one.
    line.cooldown_until_ms = now_ms + 3000
    line.save()
    study.searched_at = now
    study.warmed_until = now
    study.save()
    return line


def line_opened(
    study_id: int,
    line_id: int,
    *,
    symbol: str,
    side: PositionSide,
    price: float,
    base_state: str = BaseState.ACTIVE,
) -> LineEvent:
    """As the study tells it at this moment."""
    return LineEvent(
        kind="opened",
        study_id=study_id,
        line_id=line_id,
        symbol=symbol,
        side=side,
        price=price,
        at_ms=time.time_ns() // 1_000_000,
        received_ns=time.monotonic_ns(),
        base_state=base_state,
    )


class Stage:
    """Starts runs in threads and ends them all; reads both sides of the road."""

    def __init__(self, venue: PaperVenueControl) -> None:
        self.venue = venue
        self._runs: list[tuple[LeasedRun, threading.Thread, list[Ended]]] = []

    def start(self, run: LeasedRun) -> LeasedRun:
        ended: list[Ended] = []

        def work() -> None:
            try:
                ended.append(run.run())
            finally:
                connections.close_all()

        thread = threading.Thread(target=work, name=run.lease_name)
        thread.start()
        self._runs.append((run, thread, ended))
        return run

    def end(self, run: LeasedRun) -> Ended:
        [(_, thread, ended)] = [entry for entry in self._runs if entry[0] is run]
        run.stop()
        thread.join(20)
        assert not thread.is_alive(), f"{run.lease_name} did not end"
        return ended[0]

    def end_all(self) -> None:
        for run, _, _ in self._runs:
            run.stop()
        for run, thread, _ in self._runs:
            thread.join(20)
            assert not thread.is_alive(), f"{run.lease_name} did not end"

    def feed(self, connection: Connection) -> FeedRun:
        run = FeedRun(*connection.venue)
        self.start(run)
        until(lambda: Feed.objects.filter(exchange=connection.exchange, is_connected=True).exists(), what="no feed")
        return run

    def study(self, study: Study) -> StudyRun:
        run = StudyRun(study.pk)
        self.start(run)
        until(lambda: run.context is not None, what="the study did not load")
        return run

    def engine(self, connection: Connection, *, actual: ActualState = ActualState.RUNNING) -> EngineRun:
        run = EngineRun(connection.pk)
        self.start(run)
        self.engine_until(connection, actual)
        return run

    def engine_until(self, connection: Connection, actual: ActualState) -> None:
        until(lambda: Engine.objects.get(connection=connection).actual == actual, what=f"the engine is not {actual}")

    def climb(self, symbol: str = BTC, *, start: float = 60_000.0) -> None:
        """Move the market up, once a second and quicker each time, until the line has fired."""
        price, step = start, 0.0008
        for _ in range(12):
            if Order.objects.filter(purpose="entry").exists():
                return
            time.sleep(1.02 - time.time() % 1)
            self.venue.price(symbol, round(price, 1))
            price, step = price * (1 + step), step * 1.2
        raise AssertionError("the line fired no order")

    def price_heard(self, exchange: str, *, symbol: str = BTC, price: float = 60_000.0) -> None:
        """Move the market there, until the feed has told of it just now: by an old price nothing is entered."""

        def is_heard() -> bool:
            self.venue.price(symbol, price)
            venue = (exchange, "paper", "linear")
            tick, age_s = hub().last(venue, symbol), hub().last_age_s(venue, symbol)
            return tick is not None and tick.price == price and age_s is not None and age_s < 0.5

        until(is_heard, what="no price heard", within_s=30)

    def fire(self, line: Line, *, price: float = 60_000.0, is_heard: bool = True) -> None:
        """Say, as the study would, that the line has opened at this price, which the feed has just told."""
        if is_heard:
            self.price_heard(line.study.exchange, symbol=line.symbol, price=price)
        side = PositionSide(line.side)
        event = line_opened(
            line.study_id, line.pk, symbol=line.symbol, side=side, price=price, base_state=line.base_state
        )
        bus.publish(bus.lines_topic(line.study_id), [event])

    # --- both sides -------------------------------------------------------------------------------------------------
    def state(self, connection: Connection) -> dict[str, Any]:
        secrets = credentials_unseal(connection.credentials, connection_id=connection.pk)
        return self.venue.state(connection.exchange, secrets)

    def open_orders(self, connection: Connection) -> list[str]:
        open_ = ("new", "untriggered", "partially_filled")
        return [order["client_id"] for order in self.state(connection)["orders"] if order["status"] in open_]

    def balance(self, connection: Connection) -> Decimal:
        return Decimal(self.state(connection)["balance"])

    def differences(self, connection: Connection) -> list[str]:
        """Where our ledger and the venue's account are not the same, one to one; nothing when all is well."""
        state = self.state(connection)
        return [
            *_orders_differ(connection, state["orders"]),
            *_fills_differ(connection, state["fills"]),
            *legs_differ(connection.pk, state["positions"]),
        ]


# The venue's words for the state of an order, in ours.
STATUS = {"untriggered": "accepted", "new": "accepted"}


def _orders_differ(connection: Connection, theirs: list[dict[str, Any]]) -> list[str]:
    sent = Order.objects.filter(connection=connection).exclude(status="denied").exclude(status="expired")
    ours = {row.client_order_id: row.status for row in sent}
    told = {row["client_id"]: STATUS.get(row["status"], row["status"]) for row in theirs if row["client_id"]}
    return [
        f"order {key}: ours {ours.get(key)}, venue {told.get(key)}"
        for key in sorted(ours.keys() | told.keys())
        if ours.get(key) != told.get(key)
    ]


def _fills_differ(connection: Connection, theirs: list[dict[str, Any]]) -> list[str]:
    def total(rows: list[tuple[str, str, Decimal, Decimal, Decimal]]) -> dict[tuple[str, str], tuple[Decimal, ...]]:
        sums: dict[tuple[str, str], tuple[Decimal, ...]] = {}
        for symbol, side, quantity, value, fee in rows:
            known = sums.get((symbol, side), (Decimal(0),) * 4)
            sums[symbol, side] = (known[0] + 1, known[1] + quantity, known[2] + value, known[3] + fee)
        return sums

    mine = Fill.objects.filter(connection=connection)
    ours = total([(row.symbol, row.side, row.quantity, row.price * row.quantity, row.fee) for row in mine])
    told = total(
        [
            (
                row["symbol"],
                row["side"],
                Decimal(row["quantity"]),
                Decimal(row["price"]) * Decimal(row["quantity"]),
                Decimal(row["fee"]),
            )
            for row in theirs
        ]
    )
    return [] if ours == told else [f"fills: ours {ours}, venue {told}"]


def legs_differ(connection_id: int, theirs: list[dict[str, Any]]) -> list[str]:
    ours: dict[tuple[str, str], Decimal] = {}
    for row in Position.objects.filter(connection=connection_id, quantity__gt=0):
        ours[row.symbol, row.side] = ours.get((row.symbol, row.side), Decimal(0)) + row.quantity
    told = {(row["symbol"], row["side"]): Decimal(row["quantity"]) for row in theirs}
    return [] if ours == told else [f"positions: ours {ours}, venue {told}"]
