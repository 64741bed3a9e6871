"""Which web pages may open a websocket here. Browsers send cookies along from any page, and say from which."""

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import validate_host


class OriginCheck:
    """Refuse handshakes from foreign pages. No Origin at all means no browser, hence nobody's cookies borrowed."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = {name: value.decode("latin1") for name, value in scope.get("headers", [])}
        origin = headers.get(b"origin")
        is_welcome = origin is None or origin_is_ours(origin, host=headers.get(b"host", ""))
        return await (self.application if is_welcome else WebsocketDenier())(scope, receive, send)


def origin_is_ours(origin: str, *, host: str) -> bool:
    if origin in settings.CSRF_TRUSTED_ORIGINS or origin in settings.CORS_ALLOWED_ORIGINS:
        return True
    parts = urlsplit(origin)
    # The same host and port, and a host we answer for: a name that someone pointed at our address is neither.
    return parts.netloc == host and validate_host(parts.hostname or "", settings.ALLOWED_HOSTS)
