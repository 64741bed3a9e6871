"""How many base coins a contract is. OKX counts sizes in contracts; asked once, when first needed, and kept."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal

RELOAD_S = 60.0


class Contracts:
    """Sizes by the venue's name of the instrument. One that isn't known asks again, at most once a minute: it may be new."""

    def __init__(self, load: Callable[[], object]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._sizes: dict[str, Decimal] = {}
        self._asked_at = -RELOAD_S

    def learn(self, name: str, size: Decimal) -> None:
        self._sizes[name] = size

    def size(self, name: str) -> Decimal | None:
        found = self._sizes.get(name)
        if found is not None:
            return found
        with self._lock:
            # Another thread may have asked while this one waited.
            if name not in self._sizes and time.monotonic() - self._asked_at >= RELOAD_S:
                self._load()
                self._asked_at = time.monotonic()
            return self._sizes.get(name)
