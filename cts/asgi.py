"""ASGI composition root: HTTP to Django, websockets to the consumers."""

import os
from functools import partial

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cts.settings")
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402
from daphne import http_protocol  # noqa: E402

from cts.routing import websocket  # noqa: E402 - needs the app registry

# Django reads forms, and answers a broken one in words; Twisted would read them first, and just hang up.
http_protocol.WebRequest = partial(http_protocol.WebRequest, parsePOSTFormSubmission=False)

application = ProtocolTypeRouter({"http": http, "websocket": websocket})
