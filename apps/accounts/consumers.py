"""The websocket: who is there, which topics they may hear, and the pushes of those topics. It never writes."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from apps.accounts.models import User
from apps.accounts.selectors import session_is_live, user_is_welcome
from apps.accounts.tokens import access_token_read, family_is_live
from cts.domain.errors import DomainError

# The group behind a topic this person may hear, or None. `argument` is what follows the topic's first dot.
TopicRule = Callable[[User, str], str | None]

MAX_TOPICS = 100
MAX_MESSAGE = 16_384
MESSAGES_PER_WINDOW, WINDOW_S = 200, 10.0
SIGN_IN_WITHIN_S = 10.0
LOOK_AGAIN_S = 60.0
CLOSE_UNAUTHENTICATED, CLOSE_TOO_MUCH = 4401, 4429


class LiveConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """One browser page or API client. `rules` comes from cts/routing.py: topics belong to apps above this one."""

    def __init__(self, rules: Mapping[str, TopicRule]) -> None:
        super().__init__()
        self.rules = rules
        self.user: User | None = None
        self.session_key = self.family = ""
        self.until = 0.0
        self.topics: dict[str, str] = {}
        self.heard: list[float] = []
        self.watch: asyncio.Task[None] | None = None
        self.is_closed = False

    async def connect(self) -> None:
        user = self.scope["user"]
        await self.accept()
        self.watch = asyncio.create_task(self._watch())
        if user.is_authenticated:
            self.session_key = self.scope["session"].session_key or ""
            await self._welcome(await database_sync_to_async(User.objects.get)(pk=user.pk), until=float("inf"))

    async def disconnect(self, code: int) -> None:
        if self.watch is not None:
            self.watch.cancel()
        await self._forget()

    async def close(self, code: int | bool | None = None, reason: str | None = None) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        await super().close(code, reason)

    async def send_json(self, content: Any, close: bool = False) -> None:
        """What is on its way when the socket is closed has nobody to go to."""
        if not self.is_closed:
            await super().send_json(content, close)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        if self.is_closed:
            return
        if self._is_flooding() or len(text_data or "") > MAX_MESSAGE:
            await self.close(CLOSE_TOO_MUCH)
            return
        try:
            message = json.loads(text_data or "")
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            await self._error("malformed", "Send a JSON object with a type")
            return
        await self.receive_json(message)

    async def receive_json(self, content: dict[str, Any], **kwargs: Any) -> None:
        kind = content.get("type")
        if kind == "ping":
            await self.send_json({"type": "pong"})
        elif kind == "auth":
            await self._authenticate(content.get("token"))
        elif kind not in ("subscribe", "unsubscribe"):
            await self._error("unknown_type", "Known types are auth, subscribe, unsubscribe, ping")
        elif self.user is None:
            await self._error("not_authenticated", 'Sign in, or first send {"type": "auth", "token": …}')
        else:
            await self._topics(kind, content.get("topics"))

    async def push(self, message: dict[str, Any]) -> None:
        """From `cts.realtime`: a payload for a group we joined."""
        group = message["topic"]
        if self.user is not None and group == f"account.{self.user.pk}":
            await self._stay_or_close()
        elif group in self.topics:
            await self.send_json({**message["payload"], "topic": self.topics[group]})

    async def _authenticate(self, token: object) -> None:
        try:
            access = await database_sync_to_async(access_token_read)(token if isinstance(token, str) else "")
        except DomainError as refused:
            await self._error(refused.code, refused.detail)
            await self.close(CLOSE_UNAUTHENTICATED)
            return
        if self.user is not None and self.user.pk != access.user.pk:
            await self._forget()
        self.session_key, self.family = "", access.family
        await self._welcome(access.user, until=access.until)
        await self.send_json({"type": "authenticated"})

    async def _welcome(self, user: User, *, until: float) -> None:
        self.user, self.until = user, until
        await self.channel_layer.group_add(f"account.{user.pk}", self.channel_name)

    async def _forget(self) -> None:
        """Leave every group of the person who was here."""
        groups = [*self.topics, *([f"account.{self.user.pk}"] if self.user else [])]
        self.topics.clear()
        for group in groups:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def _topics(self, kind: str, topics: object) -> None:
        if not isinstance(topics, list) or len(topics) > MAX_TOPICS or not all(isinstance(t, str) for t in topics):
            await self._error("malformed", f"topics is a list of at most {MAX_TOPICS} texts")
            return
        for topic in topics:
            await (self._subscribe(topic) if kind == "subscribe" else self._unsubscribe(topic))

    async def _subscribe(self, topic: str) -> None:
        group = await database_sync_to_async(self._group_of)(topic)
        if group is None:
            await self._error("not_found", "There is no such topic, or it isn't yours", topic=topic)
            return
        if group not in self.topics and len(self.topics) >= MAX_TOPICS:
            await self._error("too_many_topics", f"At most {MAX_TOPICS} topics a socket", topic=topic)
            return
        # Joined before it is said: the snapshot fetched after the answer misses nothing.
        self.topics[group] = topic
        await self.channel_layer.group_add(group, self.channel_name)
        await self.send_json({"type": "subscribed", "topic": topic})

    async def _unsubscribe(self, topic: str) -> None:
        for group in [group for group, name in self.topics.items() if name == topic]:
            del self.topics[group]
            await self.channel_layer.group_discard(group, self.channel_name)
        await self.send_json({"type": "unsubscribed", "topic": topic})

    def _group_of(self, topic: str) -> str | None:
        name, _, argument = topic.partition(".")
        rule = self.rules.get(name)
        return rule(self.user, argument) if rule and self.user and len(topic) < 100 else None

    async def _watch(self) -> None:
        """Nobody stays unknown for long, and nobody stays once signed out, deactivated or past the token's end."""
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(SIGN_IN_WITHIN_S)
            while await self._stay_or_close():
                await asyncio.sleep(min(LOOK_AGAIN_S, max(1.0, self.until - time.time())))

    async def _stay_or_close(self) -> bool:
        is_in_time = self.user is not None and time.time() < self.until
        if is_in_time and await database_sync_to_async(self._may_stay)():
            return True
        await self.close(CLOSE_UNAUTHENTICATED)
        return False

    def _may_stay(self) -> bool:
        is_signed_in = not self.session_key or session_is_live(self.session_key)
        is_unrevoked = not self.family or family_is_live(self.family)
        return is_signed_in and is_unrevoked and self.user is not None and user_is_welcome(self.user.pk)

    def _is_flooding(self) -> bool:
        now = time.monotonic()
        self.heard = [*(at for at in self.heard if at > now - WINDOW_S), now]
        return len(self.heard) > MESSAGES_PER_WINDOW

    async def _error(self, code: str, detail: str, *, topic: str = "") -> None:
        await self.send_json({"type": "error", "code": code, "topic": topic, "detail": detail})
