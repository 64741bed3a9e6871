"""Every websocket address."""

from channels.routing import URLRouter

websocket = URLRouter([])
