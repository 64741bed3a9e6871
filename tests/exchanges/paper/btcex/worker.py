"""Runs in the client's own environment: a request a line in, an answer a line out. Knows nothing of this project."""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any


class Worker:
    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.client = self._made(import_module("ccxt").btcex)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: Any = None
        self._heard: list[Any] = []

    def _made(self, kind: Any) -> Any:
        keys = {"apiKey": self.settings.get("key", "k"), "secret": self.settings.get("secret", "s")}
        client = kind({**keys, "enableRateLimit": False})
        client.urls["api"] = {"rest": self.settings.get("rest", ""), "ws": self.settings.get("ws", "")}
        return client

    def answer(self, what: dict[str, Any]) -> Any:
        if "call" in what:
            return getattr(self.client, what["call"])(*what["args"])
        if "watch" in what:
            return self._watch(what["watch"], what["args"])
        if "heard" in what:
            return self._heard[what["heard"]].result(timeout=15)
        if "set" in what:
            return setattr(self.client, what["set"], what["value"])
        return self._rate(what)

    def _watch(self, name: str, args: list[Any]) -> int:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, daemon=True).start()
            self._listener = asyncio.run_coroutine_threadsafe(self._listening(), self._loop).result(timeout=15)
        wanted = getattr(self._listener, name)(*args)
        self._heard.append(asyncio.run_coroutine_threadsafe(wanted, self._loop))
        return len(self._heard) - 1

    async def _listening(self) -> Any:
        client = self._made(import_module("ccxt.pro").btcex)
        await client.load_markets()
        return client

    def _rate(self, what: dict[str, Any]) -> Any:
        work = self._order(what) if "token" in what else self._parse(what)
        result = work()
        started = time.perf_counter()
        for _ in range(what["calls"]):
            work()
        return {"per_second": what["calls"] / (time.perf_counter() - started), "result": result}

    def _order(self, what: dict[str, Any]) -> Callable[[], Any]:
        """The request as it would leave: built and worded, not sent, its answer not read."""
        client = self.client
        sent: dict[str, Any] = {}
        client.set_markets({what["market"]["symbol"]: what["market"]})
        client.options["accessToken"] = what["token"]

        def keep(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> dict[str, Any]:
            sent.update(url=url, headers=headers, body=body)
            return {"result": {"order": {}}}

        client.fetch, client.parse_order = keep, lambda order, market: order

        def work() -> Any:
            client.create_order(*what["args"])
            return dict(sent)

        return work

    def _parse(self, what: dict[str, Any]) -> Callable[[], Any]:
        client, payload, loads = self.client, what["payload"], json.loads
        client.set_markets({what["market"]["symbol"]: what["market"]})
        market, parse = client.market(what["market"]["symbol"]), getattr(client, f"parse_{what['rate']}")
        return lambda: parse(loads(payload), market)


def main() -> None:
    worker: Worker | None = None
    for line in sys.stdin:
        what = json.loads(line)
        try:
            if worker is None:
                worker, result = Worker(what), None
            else:
                result = worker.answer(what)
            told = {"result": result}
        except Exception as error:
            kinds = [kind.__name__ for kind in type(error).__mro__]
            told = {"kinds": kinds, "message": str(error)[:500]}
        print(json.dumps(told, default=str), flush=True)


if __name__ == "__main__":
    main()
