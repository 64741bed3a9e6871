"""Every websocket address, and who may hear which topic."""

import re
from collections.abc import Mapping
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from django.http import Http404
from django.urls import path, re_path

from apps.accounts.consumers import LiveConsumer, TopicRule
from apps.accounts.middleware import OriginCheck
from apps.accounts.models import User
from apps.exchanges.selectors import connection_get_for
from cts.domain.types import Environment, Market

_VENUE = re.compile(rf"[a-z0-9]{{2,16}}\.({'|'.join(Environment)})\.({'|'.join(Market)})")


def _connection(user: User, argument: str) -> str | None:
    if not (argument.isascii() and argument.isdigit()):
        return None
    try:
        return f"connection.{connection_get_for(user, int(argument)).pk}"
    except Http404:
        return None


def _own(user: User, argument: str) -> str | None:
    return None if argument else f"user.{user.pk}"


def _tickers(user: User, argument: str) -> str | None:
    return f"tickers.{argument}" if _VENUE.fullmatch(argument) else None


def _health(user: User, argument: str) -> str | None:
    return None if argument else "health"


TOPICS: Mapping[str, TopicRule] = {
    "connection": _connection,
    "user": _own,
    "tickers": _tickers,
    "health": _health,
}
_addresses: list[Any] = [
    path("ws/v1/", LiveConsumer.as_asgi(rules=TOPICS)),
    # An unknown address is refused quietly; without this the router raises.
    re_path(r"", WebsocketDenier.as_asgi()),
]
websocket = OriginCheck(AuthMiddlewareStack(URLRouter(_addresses)))
