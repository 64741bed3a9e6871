"""`manage.py emergency_stop`: disarm, cancel, flatten or protect, from the command line."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.engine.coordinator import GlobalTradeEngineCoordinator
from apps.engine.emergency import MODES
from apps.engine.management.commands.engine import chosen
from apps.exchanges.state import ConnectionStateManager


class Command(BaseCommand):
    help = "Disarm, cancel all open orders and close all positions (or keep them under stops)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("connections", nargs="*", type=int, help="ids; none with --all")
        parser.add_argument("--all", action="store_true", help="every enabled, active connection")
        parser.add_argument("--mode", choices=MODES, default="flatten")
        parser.add_argument("--halt", action="store_true", help="also write the HALT file: no engine enters anything")
        parser.add_argument("--lift", action="store_true", help="only take the HALT file away")

    def handle(self, *args: Any, **options: Any) -> None:
        state = ConnectionStateManager()
        if options["lift"]:
            self.stdout.write("HALT lifted" if state.resume() else "There was no HALT file")
            return
        if options["halt"]:
            # First of all, and without a database: whatever fails below, nothing new is entered.
            state.halt(reason="emergency stop", actor="manage.py")
            self.stdout.write(f"HALT written: {state.halt_path}")
        connections = chosen(options["connections"], is_all=options["all"])
        reports = GlobalTradeEngineCoordinator().emergency_stop(connections, actor="manage.py", mode=options["mode"])
        for report in reports:
            self.stdout.write(f"connection {report.connection_id}: {'done' if report.is_complete else 'INCOMPLETE'}")
            for step in report.steps:
                self.stdout.write(f"  {'ok  ' if step['is_ok'] else 'FAIL'} {step['step']}: {step['detail']}")
        if not all(report.is_complete for report in reports):
            raise CommandError("The stop is incomplete; run it again")
