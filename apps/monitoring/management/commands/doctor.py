"""`manage.py doctor`: what is wrong here, and how to mend it."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from apps.monitoring.doctor import examine


class Command(BaseCommand):
    help = (
        "Looks at every dependency, setting and part; names what is wrong with its mend. Exit code 1 when anything is."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the checks as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        checks = examine()
        if options["json"]:
            self.stdout.write(json.dumps([asdict(check) for check in checks], indent=2))
        else:
            for check in checks:
                self.stdout.write(f"{'ok ' if check.is_ok else 'BAD'} {check.name}: {check.detail}")
                if not check.is_ok and check.remedy:
                    self.stdout.write(f"      -> {check.remedy}")
        sys.exit(0 if all(check.is_ok for check in checks) else 1)
