"""`manage.py connection_test ID`: ask a venue everything that can be asked without touching the account."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.exchanges.connection_check import connection_check
from apps.exchanges.models import Connection


class Command(BaseCommand):
    help = (
        "Reads prices, balance, rights, positions, orders and fills of a connection over its real connector, line by "
        "line. Nothing is set, placed or stored. Exit code 1 when a step failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("connection", type=int, help="its id")
        parser.add_argument("--json", action="store_true", help="print the lines as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = Connection.objects.filter(pk=options["connection"]).first()
        if connection is None:
            raise CommandError(f"No connection {options['connection']}; connection ids are on its card and in the API")
        is_ok, lines = connection_check(connection, is_read_only=True)
        if options["json"]:
            self.stdout.write(json.dumps({"is_ok": is_ok, "lines": lines}, indent=2))
        else:
            for line in lines:
                mark = "ok " if line["is_ok"] else "BAD"
                self.stdout.write(f"{mark} {line['step']}: {line['detail']} ({line['elapsed_ms']} ms)")
        sys.exit(0 if is_ok else 1)
