"""What became of an act on many connections: verbs and emergency stops, told one by one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apps.engine.models import Engine
from cts.domain.errors import DomainError, ExchangeError


@dataclass(frozen=True)
class VerbResult:
    """What came of a verb on one of many connections: its engine, or why not."""

    connection_id: int
    engine: Engine | None = None
    code: str = ""
    detail: str = ""

    @property
    def is_ok(self) -> bool:
        return self.engine is not None


@dataclass
class StopReport:
    """What was done on one connection and what wasn't, step by step."""

    connection_id: int
    mode: str
    steps: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        return not self.errors

    @property
    def errors(self) -> list[str]:
        return [f"{step['step']}: {step['detail']}" for step in self.steps if not step["is_ok"]]

    def step(self, name: str, work: Callable[[], str]) -> bool:
        """Try it; what a venue or a rule of ours refuses is written down, and the next step has its turn."""
        try:
            is_ok, detail = True, work()
        except (ExchangeError, DomainError) as error:
            is_ok, detail = False, str(error)
        self.steps.append({"step": name, "is_ok": is_ok, "detail": detail})
        return is_ok
