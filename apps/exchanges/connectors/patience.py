"""How long a caller waits for request budgets, and whether it goes before others: said once, around many calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """`is_first`: every call draws on the reserve and goes before those that don't, whatever it asks."""

    wait_max_s: float
    is_first: bool = False


_patience: ContextVar[Patience | None] = ContextVar("patience", default=None)
patience = _patience.get


@contextmanager
def patient(wait_max_s: float, *, is_first: bool = False) -> Iterator[None]:
    """For the calls of this thread inside the block; threads it starts have their own."""
    before = _patience.set(Patience(wait_max_s, is_first))
    try:
        yield
    finally:
        _patience.reset(before)
