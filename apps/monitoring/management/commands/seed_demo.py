"""`manage.py seed_demo`: the demo of a first start. Needs the paper venue to run; safe to repeat."""

import json
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.monitoring.demo import USERNAME, demo_seed
from cts.domain.errors import DomainError, ExchangeError


class Command(BaseCommand):
    help = "A user `demo` with an armed paper connection on each exchange, its engine running. Exit code 1 on failure."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print what there is as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO_PASSWORD:
            self.stderr.write("CTS_DEMO_PASSWORD must be set; outside the embedded start no password is made up")
            sys.exit(1)
        try:
            report = demo_seed(
                password=settings.DEMO_PASSWORD, is_password_chosen=bool(os.environ.get("CTS_DEMO_PASSWORD"))
            )
        except (DomainError, ExchangeError) as error:
            self.stderr.write(f"The demo could not be made: {error}")
            sys.exit(1)
        names = [connection.name for connection in report.connections]
        if options["json"]:
            self.stdout.write(json.dumps({"user": USERNAME, "is_new": report.is_user_new, "connections": names}))
        else:
            self.stdout.write(f"{'Made' if report.is_user_new else 'Found'} {USERNAME} with {', '.join(names)}")
