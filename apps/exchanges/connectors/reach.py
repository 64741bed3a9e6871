"""Whether a venue is there at all, before anything it counts is spent on it."""

import socket
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

WITHIN_S = 10.0


def reachable_check(url: str) -> None:
    """Whether anybody listens there. Behind a proxy nobody can tell, and nothing is checked.

    Raises:
        OSError: nobody does.
    """
    parts = urlsplit(url)
    if parts.hostname is None or (getproxies() and not proxy_bypass(parts.hostname)):
        return
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    socket.create_connection((parts.hostname, port), timeout=WITHIN_S).close()
