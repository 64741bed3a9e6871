"""The paper venue in a process of its own, noting on the system's monotonic clock when each order request arrives."""

import re
import sys
import time
from pathlib import Path
from typing import Any

from apps.exchanges.paper.http import Request
from apps.exchanges.paper.server import PaperVenue

_CLIENT_ID = re.compile(rb'(?:"orderLinkId":"|newClientOrderId=)([a-z0-9]+)')


class NotingVenue(PaperVenue):
    """Otherwise the product's own venue, limits included."""

    def __init__(self, notes: Path, **options: Any) -> None:
        super().__init__(**options)
        self._notes = notes.open("a", buffering=1)

    def answer(self, request: Request) -> Any:
        arrived_ns = time.monotonic_ns()
        if request.method == "POST" and (found := _CLIENT_ID.search(request.body + request.query.encode())):
            self._notes.write(f"{found[1].decode()} {arrived_ns}\n")
        return super().answer(request)


if __name__ == "__main__":
    folder, port, ticks_per_s = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    NotingVenue(folder / "arrivals.txt", state_path=folder / "paper.sqlite3", port=port, ticks_per_s=ticks_per_s).run()
