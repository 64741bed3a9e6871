"""What the processes of the product take, sample by sample, and whether any of it grows."""

import statistics
import time
from dataclasses import dataclass, field

import psutil
import redis

MB = 1024 * 1024
QUEUES = ("default", "sync", "engine", "compute")
# Of what a process had after warming up: more than this at the end is growth.
GROWTH_RATIO, GROWTH_MB, GROWTH_FDS = 0.15, 24.0, 24.0


@dataclass
class Series:
    """Of one process: megabytes and open descriptors, over seconds of the run."""

    at_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    descriptors: list[float] = field(default_factory=list)


@dataclass
class Sample:
    at_s: float
    answers: int
    frames: int
    answer_p99_s: float
    lag_p99_s: float
    queued: int


class Meter:
    def __init__(self, supervisor: psutil.Process) -> None:
        self._supervisor = supervisor
        self._started_at = time.monotonic()
        self.processes: dict[str, Series] = {}
        self.samples: list[Sample] = []
        self._redis = redis.Redis.from_url(self._environment("REDIS_URL"))
        self._prefix = self._environment("CTS_REDIS_PREFIX", "cts")

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started_at

    def look(self, told: tuple[int, int, list[float], list[float]]) -> Sample:
        answers, frames, times_s, lags_s = told
        for child in self._supervisor.children(recursive=False):
            try:
                self._note(_name(child), child)
            except psutil.NoSuchProcess:
                continue
        queued = sum(self._queued(name) for name in QUEUES)
        sample = Sample(self.elapsed_s, answers, frames, _p99(times_s), _p99(lags_s), queued)
        self.samples.append(sample)
        return sample

    def growth(self, *, warm_s: float) -> list[str]:
        """Processes whose last quarter lies above their first, once warm."""
        found = []
        for name, series in self.processes.items():
            for what, values, slack in (
                ("memory, MB", series.memory_mb, GROWTH_MB),
                ("descriptors", series.descriptors, GROWTH_FDS),
            ):
                warm = [value for at, value in zip(series.at_s, values, strict=True) if at >= warm_s]
                quarter = len(warm) // 4
                if quarter == 0:
                    continue
                first, last = statistics.fmean(warm[:quarter]), statistics.fmean(warm[-quarter:])
                if last > first * (1 + GROWTH_RATIO) + slack:
                    found.append(f"{name}: {what} from {first:.0f} to {last:.0f}")
        return found

    def _note(self, name: str, process: psutil.Process) -> None:
        """With what it has started: a pool's children are its own."""
        family = [process, *process.children(recursive=True)]
        series = self.processes.setdefault(name, Series())
        series.at_s.append(self.elapsed_s)
        series.memory_mb.append(sum(each.memory_info().rss for each in family) / MB)
        series.descriptors.append(sum(each.num_fds() for each in family))

    def _queued(self, name: str) -> int:
        return int(self._redis.llen(f"{self._prefix}:celery:{name}"))

    def _environment(self, name: str, default: str = "") -> str:
        for child in self._supervisor.children(recursive=False):
            if found := child.environ().get(name):
                return str(found)
        return default


def _name(process: psutil.Process) -> str:
    """As the Procfile calls it."""
    return process.environ().get("CTS_PROCESS", "") or process.name()


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)] if values else 0.0
