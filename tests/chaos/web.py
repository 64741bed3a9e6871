"""The product's front door, and a client who knocks until somebody answers."""

import time
from http import HTTPStatus
from typing import Any

import requests
from django.db import connections

from apps.accounts.models import User
from apps.accounts.tokens import tokens_issue
from cts.kill_points import kill_points_watch
from tests.chaos.clock import WallClock
from tests.chaos.processes import UNEXPECTED, Journal, Trap

ASKS_FOR_S, PAUSE_S = 8.0, 0.2
# Answers that settle nothing: the door is shut, or the first try is still at work.
NOT_YET = frozenset({HTTPStatus.CONFLICT, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})


def web_main(name: str, port: int, *, trap: Trap, clock: WallClock) -> None:
    from daphne.cli import CommandLineInterface

    clock.live_by()
    kill_points_watch(trap.spring(name))
    connections.close_all()
    CommandLineInterface().run(["-v", "0", "-b", "127.0.0.1", "-p", str(port), "cts.asgi:application"])


def web_answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code > 0
    except requests.RequestException:
        return False


class Client:
    """As a script of the owner's does it: what got no answer is asked again, under the same key."""

    def __init__(self, port: int, user: User, *, journal: Journal) -> None:
        self._address = f"http://127.0.0.1:{port}/api/v1"
        self._user, self._journal = user, journal
        self.tries = 0

    def get(self, path: str) -> Any:
        return self._answer("GET", path, {}, key="")

    def post(self, path: str, body: dict[str, Any] | None = None, *, key: str) -> Any:
        return self._answer("POST", path, body or {}, key=key)

    def _answer(self, method: str, path: str, body: dict[str, Any], *, key: str) -> Any:
        deadline = time.monotonic() + ASKS_FOR_S
        while True:
            self.tries += 1
            answer = self._once(method, path, body, key)
            if (answer is not None and answer.status_code not in NOT_YET) or time.monotonic() > deadline:
                return self._read(answer)
            time.sleep(PAUSE_S)

    def _once(self, method: str, path: str, body: dict[str, Any], key: str) -> requests.Response | None:
        headers = {"Authorization": f"Bearer {tokens_issue(self._user).access}"}
        if key:
            headers["Idempotency-Key"] = key
        try:
            return requests.request(
                method, f"{self._address}{path}", json=body if key else None, headers=headers, timeout=30
            )
        except requests.RequestException:
            return None

    def _read(self, answer: requests.Response | None) -> Any:
        """What was answered; a fault of ours is a finding, a refusal is news."""
        if answer is None:
            return {"detail": "no answer"}
        if answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
            self._journal.note("web", f"{UNEXPECTED} {answer.status_code}: {answer.text[:2000]}")
        return answer.json()
