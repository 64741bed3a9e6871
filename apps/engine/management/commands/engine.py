"""`manage.py engine start|stop|pause|resume|restart|status`: engines from the command line."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.engine.coordinator import GlobalTradeEngineCoordinator
from apps.engine.models import Engine
from apps.exchanges.models import Connection


class Command(BaseCommand):
    help = "Start, stop, pause, resume, restart or show the engines of some or all connections."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=[*GlobalTradeEngineCoordinator.VERBS, "status"])
        parser.add_argument("connections", nargs="*", type=int, help="ids; none with --all")
        parser.add_argument("--all", action="store_true", help="every enabled, active connection")

    def handle(self, *args: Any, **options: Any) -> None:
        connections = chosen(options["connections"], is_all=options["all"])
        if options["verb"] == "status":
            self._show(connections)
            return
        verb = getattr(GlobalTradeEngineCoordinator(), f"{options['verb']}_all")
        results = verb(connections, actor="manage.py")
        for result in results:
            said = f"desired {result.engine.desired}" if result.engine else f"{result.code}: {result.detail}"
            self.stdout.write(f"{result.connection_id}\t{said}")
        if not all(result.is_ok for result in results):
            raise CommandError("Some engines did not take the verb")

    def _show(self, connections: list[Connection]) -> None:
        engines = {engine.connection_id: engine for engine in Engine.objects.filter(connection__in=connections)}
        for connection in connections:
            engine = engines.get(connection.pk) or Engine(connection=connection)
            said = f"desired {engine.desired}\tactual {engine.actual}\t{engine.last_error}".rstrip()
            self.stdout.write(f"{connection.pk}\t{connection}\t{said}")


def chosen(ids: list[int], *, is_all: bool) -> list[Connection]:
    if bool(ids) == is_all:
        raise CommandError("Name connections by id, or give --all")
    if is_all:
        return list(Connection.objects.filter(is_enabled=True, is_active=True))
    rows = {row.pk: row for row in Connection.objects.filter(pk__in=ids)}
    if absent := [pk for pk in ids if pk not in rows]:
        raise CommandError(f"No connection {absent[0]}")
    return [rows[pk] for pk in ids]
