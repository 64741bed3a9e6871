"""`manage.py up`: the whole system under one supervisor, as `make run` starts it."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from cts.supervisor.up import Up, UpPlan, UpRefused


class Command(BaseCommand):
    help = (
        "Migrates, then starts the Procfile's processes (all, or those named) and keeps them running until Ctrl-C or "
        "SIGTERM. Embedded, it brings its own Redis, the paper venue and the demo. Exit code 1 when the start failed."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("processes", nargs="*", help="names from the Procfile; all when none is given")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sys.exit(Up(_plan(), say=self._say, only=options["processes"]).run())
        except UpRefused as refusal:
            self.stderr.write(str(refusal))
            sys.exit(1)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _plan() -> UpPlan:
    hosts = [host for host in settings.ALLOWED_HOSTS if not host.startswith((".", "*"))]
    return UpPlan(
        base_dir=settings.BASE_DIR,
        data_dir=settings.DATA_DIR,
        log_dir=settings.LOG_DIR,
        host=settings.HOST,
        port=settings.PORT,
        host_header=hosts[0] if hosts else "",
        is_embedded=settings.IS_EMBEDDED,
        is_redis_private=settings.IS_REDIS_PRIVATE,
        is_paper_port_chosen=bool(os.environ.get("CTS_PAPER_PORT")),
        paper_port=settings.PAPER_PORT,
        install=settings.INSTALL,
        demo_password=settings.DEMO_PASSWORD,
    )
