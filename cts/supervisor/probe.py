"""Asking our own servers how they are, over plain HTTP and never through a proxy."""

import http.client
import json
import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 10.0


def http_get(host: str, port: int, path: str, *, host_header: str = "", timeout_s: float = 3.0) -> tuple[int, bytes]:
    """Status and body; (0, b"") when nobody answers."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", path, headers={"Host": host_header or f"{host}:{port}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


class HealthProbe:
    """True once /healthz is well; until then `pending` says what is missing, and now and then so do we."""

    def __init__(self, host: str, port: int, *, say: Callable[[str], None], host_header: str = "") -> None:
        self.pending = ["web: no answer yet"]
        self._where = (host, port, host_header)
        self._say = say
        self._next_at = 0.0
        self._tell_at = time.monotonic() + PATIENCE_S
        self._told: list[str] = []

    def __call__(self) -> bool:
        if time.monotonic() < self._next_at:
            return False
        host, port, host_header = self._where
        status, body = http_get(host, port, "/healthz", host_header=host_header)
        self._next_at = time.monotonic() + 0.5
        if status in (200, 503):
            self.pending = [_sentence(check) for check in json.loads(body)["checks"] if not check["is_ok"]]
        elif status:
            self.pending = [f"web: it answers {status}"]
        if status != 200 and time.monotonic() >= self._tell_at and self.pending != self._told:
            self._say(f"Waiting for {'; '.join(self.pending)}")
            self._told, self._tell_at = self.pending, time.monotonic() + PATIENCE_S
        return status == 200


def _sentence(check: dict[str, Any]) -> str:
    return f"{check['name']}: {check['detail']}"
