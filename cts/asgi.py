"""ASGI composition root: HTTP to Django, websockets to the consumers."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cts.settings")
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402

from cts.routing import websocket  # noqa: E402 - needs the app registry

application = ProtocolTypeRouter({"http": http, "websocket": websocket})
