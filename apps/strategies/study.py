"""A study at work, in memory: a tick in, line events out. No database, no network, no clock."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from apps.strategies.batches import LevelStep, LineSnapshot, StudyBatch, StudyTerms, WatchedLine
from cts.domain import levels
from cts.domain.indications.registry import SignalTable
from cts.domain.lattice import Closed, Lattice, LineState
from cts.domain.levels import Level, RuleSet, Standing, Standings
from cts.domain.statistics import KEPT_RESULTS, ResultBook
from cts.domain.types import Line, LineEvent, LineStatistics, Tick
from cts.domain.window import Window

Row = tuple[int, float, float, float, float]
"""A bar: open_ms, open, high, low, close."""


@dataclass(slots=True)
class MarketStudy:
    """One symbol of a study."""

    lines: list[Line]
    states: list[str]
    statistics: list[LineStatistics]
    signals: SignalTable
    window: Window
    lattice: Lattice
    book: ResultBook
    last_ms: int = 0
    changed: set[int] = field(default_factory=set)
    saved_bests: dict[int, float] = field(default_factory=dict)


class StudyContext:
    """Lines by symbol, the standings under each rule set that somebody follows, and what is not saved yet."""

    def __init__(self, terms: StudyTerms, watched: Iterable[WatchedLine], rule_sets: dict[int, RuleSet]) -> None:
        self.terms = terms
        self._results: list[tuple[int, Closed]] = []
        self._steps: list[LevelStep] = []
        by_symbol: dict[str, list[WatchedLine]] = {}
        for each in watched:
            by_symbol.setdefault(each.line.symbol, []).append(each)
        self.markets = {symbol: _market(terms, lines) for symbol, lines in by_symbol.items()}
        everyone = [_standing(m, index) for m in self.markets.values() for index in range(len(m.lines))]
        self.standings = {number: Standings(rules, everyone) for number, rules in rule_sets.items()}

    @property
    def last_ms(self) -> int:
        """The newest moment any market has seen."""
        return max((market.last_ms for market in self.markets.values()), default=0)

    @property
    def has_news(self) -> bool:
        return bool(self._results) or any(market.changed for market in self.markets.values())

    def take_batch(self) -> StudyBatch:
        """What is to be saved now. A batch that could not be saved is lived again from the bars, never merged."""
        lines: list[LineSnapshot] = []
        for market in self.markets.values():
            bests = market.lattice.trailing_bests()
            moved = {index for index, best in bests.items() if market.saved_bests.get(index) != best}
            lines += [_snapshot(market, index) for index in sorted(market.changed | moved)]
            market.changed, market.saved_bests = set(), bests
        batch = StudyBatch(self.last_ms, self._results, lines, self._steps)
        self._results, self._steps = [], []
        return batch

    def note_closed(self, market: MarketStudy, closed: Closed) -> LineEvent:
        """Take a finished position into the line's results, its base state and its standings."""
        index, line = closed.index, market.lines[closed.index]
        market.book.add(index, gain_ratio=closed.gain_ratio, closed_ms=closed.closed_ms)
        market.changed.add(index)
        self._results.append((line.id, closed))
        self.note_statistics(market, index, now_ms=closed.closed_ms)
        return _event(
            self.terms,
            market,
            index,
            kind="closed",
            price=closed.exit_price,
            at_ms=closed.closed_ms,
            gain_ratio=closed.gain_ratio,
            reason=closed.reason,
        )

    def note_statistics(self, market: MarketStudy, index: int, *, now_ms: int) -> bool:
        """Measure a line again. Whether anything about it has changed."""
        line, before = market.lines[index], market.states[index]
        statistics = market.book.statistics(index, now_ms=now_ms)
        after = levels.base_next(before, statistics)
        if statistics == market.statistics[index] and after == before:
            return False
        market.statistics[index], market.states[index] = statistics, after
        market.changed.add(index)
        if after != before:
            self._steps.append(LevelStep(line.id, None, before, after, statistics))
        if after == levels.FAILED:
            market.lattice.retire(index)
        for number, standings in self.standings.items():
            for moved, (low, high) in standings.update(_standing(market, index)).items():
                self._steps.append(LevelStep(moved, number, low.value, high.value, _numbers_of(market, moved)))
        return True

    def level(self, rule_set_id: int, line: Line) -> Level:
        return self.standings[rule_set_id].level(line.id, symbol=line.symbol, side=line.side)


def on_tick(ctx: StudyContext, tick: Tick) -> list[LineEvent]:
    """One price of one symbol. A tick older than the newest seen changes nothing."""
    price = tick.price
    return _advance(ctx, tick.symbol, (tick.at_ms, price, price, price, price), received_ns=tick.received_ns)


def on_bar(ctx: StudyContext, symbol: str, bar: Row) -> list[LineEvent]:
    """One finished bar of one symbol, for catching up: the same code as a tick."""
    return _advance(ctx, symbol, bar, received_ns=0)


def prime(ctx: StudyContext, symbol: str, bar: Row) -> None:
    """Fill the window with what went by before the study's lines were last saved; positions stay as they are."""
    if (market := ctx.markets.get(symbol)) is not None:
        market.window.advance(bar[0])
        market.window.see(bar[4])
        market.last_ms = bar[0]


def catch_up_end(ctx: StudyContext, symbol: str, until_ms: int) -> None:
    """History of a symbol is in up to here: ticks from before are known already."""
    if (market := ctx.markets.get(symbol)) is not None:
        market.last_ms = max(market.last_ms, until_ms)


def refresh(ctx: StudyContext, *, now_ms: int) -> list[LineEvent]:
    """Numbers that age without a trade (positions inside 24 hours): `statistics` events of the lines they changed."""
    return [
        _event(ctx.terms, market, index, kind="statistics", price=market.window.last_price, at_ms=now_ms)
        for market in ctx.markets.values()
        for index in range(len(market.lines))
        if market.states[index] != levels.FAILED and ctx.note_statistics(market, index, now_ms=now_ms)
    ]


def statistics_events(ctx: StudyContext) -> list[LineEvent]:
    """The newest numbers of every line, for those who could not follow how they came about."""
    return [
        _event(ctx.terms, market, index, kind="statistics", price=market.window.last_price, at_ms=market.last_ms)
        for market in ctx.markets.values()
        for index in range(len(market.lines))
    ]


def _advance(ctx: StudyContext, symbol: str, bar: Row, *, received_ns: int) -> list[LineEvent]:
    market = ctx.markets.get(symbol)
    at_ms, first, high, low, last = bar
    if market is None or at_ms < market.last_ms:
        return []
    events: list[LineEvent] = []
    if market.window.advance(at_ms):
        opened = market.lattice.fire(market.signals.newest(market.window.samples), at_ms=at_ms, price=first)
        events += [_opened(ctx, market, index, at_ms, first, received_ns) for index in opened]
    for closed in market.lattice.step(at_ms=at_ms, first=first, high=high, low=low):
        events.append(ctx.note_closed(market, closed))
    market.window.see(last)
    market.last_ms = at_ms
    return events


def _opened(
    ctx: StudyContext, market: MarketStudy, index: int, at_ms: int, price: float, received_ns: int
) -> LineEvent:
    market.changed.add(index)
    ctx.note_statistics(market, index, now_ms=at_ms)
    signal = market.signals.explain(int(market.signals.index[index]), market.window.samples)
    return _event(
        ctx.terms, market, index, kind="opened", price=price, at_ms=at_ms, received_ns=received_ns, signal=signal
    )


def _event(
    terms: StudyTerms,
    market: MarketStudy,
    index: int,
    *,
    kind: str,
    price: float,
    at_ms: int,
    received_ns: int = 0,
    gain_ratio: float | None = None,
    reason: str = "",
    signal: dict[str, float] | None = None,
) -> LineEvent:
    line = market.lines[index]
    return LineEvent(
        kind=kind,
        study_id=terms.study_id,
        line_id=line.id,
        symbol=line.symbol,
        side=line.side,
        price=price,
        at_ms=at_ms,
        received_ns=received_ns,
        gain_ratio=gain_ratio,
        reason=reason,
        base_state=market.states[index],
        signal=signal or {},
        statistics=market.statistics[index],
    )


def _market(terms: StudyTerms, watched: list[WatchedLine]) -> MarketStudy:
    lines = [each.line for each in watched]
    signals = SignalTable([(line.indication, line.parameters) for line in lines])
    window = Window(
        capacity=signals.lookback(terms.timeframe_s) + 1,
        timeframe_s=terms.timeframe_s,
        position_cost_ratio=terms.position_cost_ratio,
    )
    lattice = Lattice(lines, signals=signals.index, costs=terms.costs)
    lattice.restore({index: each.state for index, each in enumerate(watched)})
    book = ResultBook(len(lines), keep=KEPT_RESULTS)
    for index, each in enumerate(watched):
        for closed_ms, gain in each.results:
            book.add(index, gain_ratio=gain, closed_ms=closed_ms)
        if each.base_state == levels.FAILED:
            lattice.retire(index)
    newest = [max((closed_ms for closed_ms, _ in each.results), default=0) for each in watched]
    statistics = [book.statistics(index, now_ms=newest[index]) for index in range(len(lines))]
    states = [each.base_state for each in watched]
    return MarketStudy(lines, states, statistics, signals, window, lattice, book)


def _standing(market: MarketStudy, index: int) -> Standing:
    line = market.lines[index]
    return Standing(
        line_id=line.id,
        symbol=line.symbol,
        side=line.side,
        base_state=market.states[index],
        statistics=market.statistics[index],
    )


def _numbers_of(market: MarketStudy, line_id: int) -> LineStatistics:
    return next(numbers for line, numbers in zip(market.lines, market.statistics, strict=True) if line.id == line_id)


def _snapshot(market: MarketStudy, index: int) -> LineSnapshot:
    is_failed = market.states[index] == levels.FAILED
    return LineSnapshot(
        line_id=market.lines[index].id,
        base_state=market.states[index],
        statistics=market.statistics[index],
        state=LineState() if is_failed else market.lattice.state(index),
        oldest_kept_ms=market.book.oldest_kept_ms(index),
    )
