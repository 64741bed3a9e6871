"""How ccxt's client is called: one at a time, repeated only where that is harmless, its exceptions told as ours."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import localcontext
from typing import Any, TypeVar

from apps.exchanges.connectors.base import Credentials, Target
from apps.exchanges.connectors.ccxt_adapter.client import client_create, client_kind, mentions
from apps.exchanges.connectors.ccxt_adapter.errors import Verdict, error_for, verdict_of
from apps.exchanges.connectors.ccxt_adapter.spec import features_of, id_of, order_features
from apps.exchanges.connectors.ccxt_adapter.turns import Turns
from apps.exchanges.connectors.parsing import Reader, Row
from apps.exchanges.connectors.spec import Intent
from apps.exchanges.connectors.verbs import OptionalVerbs
from cts.domain.errors import AuthFailed, ExchangeError, RateLimited, Rejected, Unavailable
from cts.domain.types import Market, PositionMode

ATTEMPTS = 3
BACK_OFF_S = 0.2
LIMIT_WAIT_MAX_S = 5.0
T = TypeVar("T")
_URGENT = (Intent.PLACE, Intent.CANCEL)


class CcxtCalling(OptionalVerbs):
    """Neither ccxt's client nor a nonce can be shared by threads: every call waits for the one before it.

    `base_url` sends every request to one host; for a venue that stands in for the exchange.
    """

    def __init__(self, *, credentials: Credentials | None, target: Target, base_url: str = "") -> None:
        self.target = target
        self.read = Reader(self.spec.name)
        self.client = client_create(
            id_of(self.spec),
            market=target.market,
            environment=target.environment,
            credentials=credentials,
            timeout_s=target.timeout_s,
            base_url=base_url,
        )
        self._kind = client_kind(id_of(self.spec))
        self._has_key = credentials is not None
        parts = (credentials.api_key, credentials.api_secret, credentials.passphrase) if credentials else ()
        self._secrets = tuple(part for part in parts if part)
        self._hedged = target.position_mode is PositionMode.HEDGE
        self._is_linear = target.market is Market.LINEAR
        self._turns = Turns()
        self._blocked_until = 0.0

    # --- what the exchange can do -----------------------------------------------------------------------------------
    def has(self, verb: str) -> bool:
        return bool(self.client.has.get(verb))

    def feature(self, verb: str, detail: str) -> bool:
        return bool(self.details(verb).get(detail))

    def details(self, verb: str) -> Row:
        return features_of(self.client, self.target.market).get(verb) or {}

    def order_feature(self, detail: str) -> bool:
        return bool(order_features(self.client, self.target.market).get(detail))

    def knows(self, method: str, word: str) -> bool:
        return mentions(self._kind, method, word)

    # --- calling ----------------------------------------------------------------------------------------------------
    def call(
        self,
        verb: Callable[..., Any],
        *arguments: Any,
        intent: Intent = Intent.READ,
        is_signed: bool = True,
        **named: Any,
    ) -> Any:
        """Reads, cancels and settings are repeated when that can help; placing never is. None where nothing had to change."""
        if is_signed and not self._has_key:
            raise AuthFailed(f"{self.spec.label}: this call needs an API key", exchange=self.spec.name)
        attempts = 1 if intent is Intent.PLACE else ATTEMPTS
        started = time.monotonic()
        for attempt in range(1, attempts + 1):
            try:
                return self._once(verb, *arguments, intent=intent, **named)
            except Unavailable:
                if attempt == attempts or time.monotonic() - started > self.target.timeout_s:
                    raise
            time.sleep(BACK_OFF_S * attempt)
        raise AssertionError("unreachable")

    def _once(self, verb: Callable[..., Any], *arguments: Any, intent: Intent, **named: Any) -> Any:
        # ccxt sets the rounding of whichever thread it runs on.
        with self._turns.turn(is_urgent=intent in _URGENT), localcontext():
            self._wait_for_limit()
            before = self.client.requests_left
            try:
                return verb(*arguments, **named)
            except Exception as error:  # whatever a client of a hundred venues may raise is one of our five
                is_sent = self.client.requests_left > before
                refused = self._refusal(error, intent=intent, is_sent=is_sent)
                if verdict_of(error) is Verdict.CLOCK:
                    self._clock_set()
        if refused is not None:
            raise refused  # outside of the except: the cause may show a signed address
        return None

    def _refusal(self, error: Exception, *, intent: Intent, is_sent: bool) -> ExchangeError | None:
        headers = self.client.last_response_headers or {}
        refused = error_for(self.spec, error, intent=intent, is_sent=is_sent, headers=headers, secrets=self._secrets)
        if isinstance(refused, RateLimited) and refused.retry_at is not None:
            left_s = (refused.retry_at - datetime.now(UTC)).total_seconds()
            self._blocked_until = time.monotonic() + max(left_s, 0.0)
        return refused

    def _wait_for_limit(self) -> None:
        left_s = self._blocked_until - time.monotonic()
        if left_s > LIMIT_WAIT_MAX_S:
            raise RateLimited(f"{self.spec.label}: left alone for {left_s:.0f} s", exchange=self.spec.name)
        if left_s > 0:
            time.sleep(left_s)

    def _clock_set(self) -> None:
        if self.has("fetchTime"):
            try:
                self.client.load_time_difference()
            except Exception as error:
                # The call that follows says what is wrong.
                verdict_of(error)

    def read_rows(self, told: Any, parse: Callable[[Row], T | None], *, intent: Intent = Intent.READ) -> list[T]:
        """Each row of an answer in our type; those of other markets, which parse to None, are left out."""
        rows = self.read.all_rows(told, "rows")
        return [found for row in rows if (found := parse(row)) is not None]

    # --- symbols ----------------------------------------------------------------------------------------------------
    def load(self, *, is_fresh: bool = False) -> dict[str, Row]:
        """The exchange's markets by our symbols, which are ccxt's."""
        if is_fresh or not self.client.markets:
            self.call(self.client.load_markets, is_fresh, is_signed=False)
        return {symbol: row for symbol, row in self.client.markets.items() if self.is_ours(row)}

    def is_ours(self, market: Row) -> bool:
        if not self._is_linear:
            return bool(market.get("spot"))
        return (
            bool(market.get("swap") and market.get("linear")) and market.get("settle") == market.get("quote") == "USDT"
        )

    def market_of(self, symbol: str) -> Row:
        if not self.client.markets:
            self.load()
        market = self.client.markets.get(symbol)
        if market is None or not self.is_ours(market):
            raise Rejected(f"{symbol} is not a symbol of {self.spec.label} {self.spec.market}", exchange=self.spec.name)
        return market  # type: ignore[no-any-return]

    def now_ms(self) -> int:
        """By the venue's clock as far as ccxt keeps it."""
        return int(time.time() * 1000) - int(self.client.options.get("timeDifference") or 0)

    def close(self) -> None:
        self.client.session.close()
