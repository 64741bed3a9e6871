"""Reads of engines. `engine_get_for` is the one door to an engine."""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.engine.models import ActualState, DesiredState, Engine, EngineEvent
from apps.exchanges.models import Connection
from apps.exchanges.selectors import connection_get_for, connections_for

WANTED = (DesiredState.RUNNING, DesiredState.PAUSED)
# As long as `engine_failed` ever puts a try off.
LONGEST_REST = timedelta(seconds=60)


def engine_lease(connection_id: int) -> str:
    return f"engine:{connection_id}"


def engines_for(user: User) -> QuerySet[Engine]:
    return Engine.objects.filter(connection__in=connections_for(user)).select_related("connection").order_by("pk")


def engine_get_for(user: User, connection_id: int | str) -> Engine:
    """The engine of the user's own connection; one that was never started is made up, stopped.

    Raises:
        NotFound: absent and not yours alike.
    """
    connection = connection_get_for(user, connection_id)
    return engines_for(user).filter(connection=connection).first() or Engine(connection=connection)


def engine_events_for(user: User, connection_id: int | str) -> QuerySet[EngineEvent]:
    connection = connection_get_for(user, connection_id)
    return EngineEvent.objects.filter(engine__connection=connection).select_related("engine").order_by("-pk")


def engines_wanted() -> QuerySet[Engine]:
    """Engines that should have a run now: not those that gave up, nor those whose next try is still to come."""
    now = timezone.now()
    # A try that lies further ahead than any is put off was set by a clock that has been set back since.
    may_try = Q(retry_at__isnull=True) | Q(retry_at__lte=now) | Q(retry_at__gt=now + LONGEST_REST)
    usable = Q(connection__is_enabled=True, connection__is_active=True)
    return Engine.objects.filter(may_try, usable, desired__in=WANTED).exclude(actual=ActualState.FAILED)


def engine_of(connection: Connection) -> Engine | None:
    return Engine.objects.filter(connection=connection).first()
