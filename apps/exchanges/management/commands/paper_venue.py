"""Run the paper venue: `manage.py paper_venue --port 8001 --state var/paper.sqlite3`."""

import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.exchanges.paper.server import PaperVenue


class Command(BaseCommand):
    help = "A local venue that speaks each exchange's protocol; paper connections trade on it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.PAPER_PORT)
        parser.add_argument("--state", default=str(settings.DATA_DIR / "paper.sqlite3"))
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--speed", type=float, default=1.0, help="ticks a second, as a multiple of 4 per symbol")
        parser.add_argument("--no-limits", action="store_true", help="count requests, but never refuse for too many")

    def handle(self, *args: Any, **options: Any) -> None:
        venue = PaperVenue(
            host=options["host"],
            port=options["port"],
            state_path=options["state"],
            seed=options["seed"],
            ticks_per_s=max(1, round(4 * options["speed"])),
            is_limited=not options["no_limits"],
        )
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: venue.stop())
        self.stdout.write(f"Paper venue on http://{options['host']}:{options['port']}")
        venue.run()
