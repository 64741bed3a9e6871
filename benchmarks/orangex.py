"""OrangeX's part of F1 and F2. Its peer, `btcex` of an old ccxt, runs in an environment and process of its own."""

import json
import statistics
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from apps.exchanges.connectors.base import Credentials, Target
from apps.exchanges.connectors.registry import connector_create
from benchmarks.harness import Result, per_second
from cts.domain.types import Environment, Market, OrderRequest, PositionMode
from tests.exchanges.paper.btcex.environment import VERSION, Client

NAME, SYMBOL, TOKEN = "BTC-USDT-PERPETUAL", "BTC/USDT:USDT", "benchmark-token"
PEER = f"btcex of ccxt {VERSION}, in a process of its own"
MARKET: dict[str, Any] = {
    "id": NAME, "symbol": SYMBOL, "base": "BTC", "quote": "USDT", "settle": "USDT", "type": "swap", "spot": False,
    "margin": False, "swap": True, "future": False, "option": False, "contract": True, "linear": True,
    "inverse": False, "active": True, "contractSize": 1, "precision": {"amount": 0.001, "price": 0.1},
    "limits": {"amount": {"min": 0.001}, "price": {}, "cost": {}, "leverage": {}}, "info": {},
}  # fmt: skip
PAYLOADS: dict[str, dict[str, Any]] = {
    "ticker": {
        "instrument_name": NAME, "state": "open", "last_price": "60000.2", "best_bid_price": "60000.1",
        "best_bid_amount": "1.193", "best_ask_price": "60000.2", "best_ask_amount": "1.51", "mark_price": "60000.2",
        "underlying_price": "60031.7", "open_interest": "33886.083", "timestamp": "1700000000123",
        "stats": {
            "volume": "48123.411", "price_change": "-0.0159", "low": "59000", "turnover": "2887404660.12",
            "high": "61500",
        },
    },
    "order": {
        "instrId": 28, "currency": "PERPETUAL", "kind": "perpetual", "direction": "buy", "amount": "0.10",
        "price": "60000.1", "advanced": "usdt", "source": "api", "mmp": False, "rpl": "0", "version": 1,
        "leverage": 10, "marginType": "cross", "order_id": "828697200877981696", "custom_order_id": "c1",
        "order_state": "open", "instrument_name": NAME, "show_name": "BTCUSDT", "filled_amount": "0.04",
        "average_price": "60000.1", "order_type": "limit", "time_in_force": "GTC", "post_only": False,
        "reduce_only": False, "condition_type": "NORMAL", "trigger_touch": False, "trigger_price_type": 1,
        "stop_loss_price": "0", "stop_loss_type": 1, "take_profit_price": "0", "take_profit_type": 1,
        "creation_timestamp": 1684738540559, "last_update_timestamp": 1684738540561, "position_side": "LONG",
    },
    "position": {
        "currency": "PERPETUAL", "kind": "perpetual", "size": "0.01", "direction": "buy", "leverage": "10",
        "margin": "60.01", "version": "911779", "roe": "0.0017", "traceType": 0, "pos_id": "1",
        "instrument_name": NAME, "average_price": "60000", "mark_price": "60100", "initial_margin": "60",
        "maintenance_margin": "2.4", "floating_profit_loss": "1", "liquid_price": "54321.5", "margin_type": "cross",
        "risk_level": "0.0023", "available_withdraw_funds": "879.75", "position_side": "LONG",
    },
}  # fmt: skip


def build(request: OrderRequest) -> Result:
    """F1's row."""
    ours = _ours()
    args = [SYMBOL, "limit", "buy", float(request.quantity), float(request.price or 0)]
    args.append({"custom_order_id": request.client_order_id})

    def theirs(client: Client, calls: int) -> Any:
        return client.rate("order", calls=calls, market=MARKET, token=TOKEN, args=args)

    return _row(
        "F1",
        "orangex: build + word a limit order, token in its header",
        ours=lambda: ours.order_request_bytes(request),
        theirs=theirs,
        check=_check_order,
        calls=10_000,
    )


def parse(same: dict[str, dict[str, str]]) -> list[Result]:
    """F2's rows; `same` is what both must read alike."""
    return [_parse(kind, fields) for kind, fields in same.items()]


def _parse(kind: str, fields: dict[str, str]) -> Result:
    payload = json.dumps(PAYLOADS[kind]).encode()
    read = getattr(_ours(), f"parse_{kind}")

    def theirs(client: Client, calls: int) -> Any:
        return client.rate(kind, calls=calls, market=MARKET, payload=payload.decode())

    def check(mine: Any, other: Any) -> str:
        if mine.symbol != other["symbol"]:
            raise AssertionError(f"symbols differ: {mine.symbol} and {other['symbol']}")
        for left, right in fields.items():
            if Decimal(str(other[right])) != Decimal(getattr(mine, left)):
                raise AssertionError(f"{kind}: {left} {getattr(mine, left)} is not {right} {other[right]}")
        return f"equal: symbol, {', '.join(fields)}"

    what = f"orangex: bytes to {kind}"
    return _row("F2", what, ours=lambda: read(payload), theirs=theirs, check=check, calls=20_000)


def _ours() -> Any:
    client: Any = connector_create(
        "orangex",
        credentials=Credentials(api_key="benchmark-key-0001", api_secret="benchmark-secret-0001"),
        target=Target(environment=Environment.LIVE, market=Market.LINEAR, position_mode=PositionMode.HEDGE),
    )
    # As after any first contact: the account is signed in.
    client.session.ensure(lambda words: {"access_token": TOKEN, "expires_in": 43_199, "scope": "trade:read_write"})
    return client


def _row(
    ident: str,
    what: str,
    *,
    ours: Callable[[], Any],
    theirs: Callable[[Client, int], Any],
    check: Callable[[Any, Any], str],
    calls: int,
) -> Result:
    """Both sides take turns, as where they share a process; each is timed inside its own."""
    mine, others = [], []
    with Client() as client:
        checked = check(ours(), theirs(client, 1)["result"])
        for _ in range(5):
            mine.append(per_second(ours, calls=calls, rounds=1))
            others.append(theirs(client, max(1, calls // 10))["per_second"])
    left, right = statistics.median(mine), statistics.median(others)
    return Result(
        id=ident,
        what=what,
        ours=round(left),
        theirs=round(right),
        ratio=round(left / right, 2),
        unit="per second",
        checked=f"{checked}; against {PEER}",
    )


def _check_order(ours: Any, theirs: Any) -> str:
    mine, other = json.loads(ours.body), json.loads(theirs["body"])
    names = ("instrument_name", "type", "amount", "price", "custom_order_id", "position_side")
    different = {n: (mine["params"].get(n), other["params"].get(n)) for n in names if mine["params"].get(n) != other["params"].get(n)}  # fmt: skip
    if different or mine["method"] != other["method"]:
        raise AssertionError(f"the two sides build different orders: {different or (mine['method'], other['method'])}")
    if not ours.headers["Authorization"] == theirs["headers"]["Authorization"] == f"bearer {TOKEN}":
        raise AssertionError("a token is missing")
    return "same order fields and token"
