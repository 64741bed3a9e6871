"""What passes between a study at work and its rows: how it starts, and what is to be saved."""

from collections.abc import Sequence
from dataclasses import dataclass

from cts.domain.lattice import Closed, Costs, LineState
from cts.domain.types import Line, LineStatistics


@dataclass(frozen=True, slots=True)
class StudyTerms:
    """What all lines of a study share."""

    study_id: int
    timeframe_s: int
    position_cost_ratio: float
    costs: Costs


@dataclass(frozen=True, slots=True)
class WatchedLine:
    """A line as it was last saved; `results` are (closed_ms, gain_ratio), oldest first."""

    line: Line
    base_state: str
    state: LineState
    results: Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class LevelStep:
    """A line went up or down. Without a rule set it is the base state that changed."""

    line_id: int
    rule_set_id: int | None
    before: str
    after: str
    statistics: LineStatistics


@dataclass(frozen=True, slots=True)
class LineSnapshot:
    """What of a line is to be saved. Results that closed before `oldest_kept_ms` may go."""

    line_id: int
    base_state: str
    statistics: LineStatistics
    state: LineState
    oldest_kept_ms: int


@dataclass(frozen=True, slots=True)
class StudyBatch:
    """Everything that changed since the last batch, and until when: saved together or not at all."""

    until_ms: int
    results: list[tuple[int, Closed]]
    lines: list[LineSnapshot]
    steps: list[LevelStep]
