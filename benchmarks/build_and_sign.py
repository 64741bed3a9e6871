"""F1: one limit order built, signed and serialised, against ccxt; no network on either side."""

import hashlib
import hmac
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from benchmarks import okx, orangex, peers, pionex
from benchmarks.harness import Result, compare
from cts.domain.types import OrderRequest, OrderType, Side

CLIENT_ID = "cbenchmark0000000000000001"
REQUEST = OrderRequest(
    client_order_id=CLIENT_ID,
    symbol=peers.SYMBOL,
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    quantity=Decimal("0.010"),
    price=Decimal("60000.1"),
)
Sides = tuple[Callable[[], Any], Callable[[], Any]]


def run() -> list[Result]:
    results = []
    for exchange, (make, check) in VENUES.items():
        ours, theirs = make()
        checked = check(ours(), theirs())
        results.append(
            compare(
                "F1",
                f"{exchange}: build + sign + serialise a limit order",
                ours=ours,
                theirs=theirs,
                calls=10_000,
                checked=checked,
            )
        )
    return [*results, orangex.build(REQUEST), pionex.build_and_sign()]


def _bybit() -> Sides:
    client, peer = peers.ours("bybit"), peers.theirs("bybit")

    def theirs() -> Any:
        request = peer.create_order_request(peers.SYMBOL, "limit", "buy", 0.010, 60000.1, {"orderLinkId": CLIENT_ID})
        return peer.sign("v5/order/create", "private", "POST", request)

    return lambda: client.order_request_bytes(REQUEST), theirs


def _binance() -> Sides:
    client, peer = peers.ours("binance"), peers.theirs("binance")

    def theirs() -> Any:
        request = peer.create_order_request(
            peers.SYMBOL, "limit", "buy", 0.010, 60000.1, {"newClientOrderId": CLIENT_ID}
        )
        return peer.sign("order", "fapiPrivate", "POST", request)

    return lambda: client.order_request_bytes(REQUEST), theirs


def _bingx() -> Sides:
    client, peer = peers.ours("bingx"), peers.theirs("bingx")
    params = {"clientOrderId": CLIENT_ID, "timeInForce": "GTC"}

    def theirs() -> Any:
        request = peer.create_order_request(peers.SYMBOL, "limit", "buy", 0.010, 60000.1, params)
        return peer.sign("trade/order", ["swap", "v2", "private"], "POST", request)

    return lambda: client.order_request_bytes(REQUEST), theirs


def _okx() -> Sides:
    client, peer = peers.ours("okx"), peers.theirs("okx")
    return okx.order(client, peer, symbol=peers.SYMBOL, client_id=CLIENT_ID, request=REQUEST)


def _check_okx(ours: Any, theirs: Any) -> str:
    names = ("instId", "tdMode", "side", "ordType", "sz", "px", "clOrdId")
    _same(okx.fields(ours.body), okx.fields(theirs["body"]), names)
    for headers, body in ((ours.headers, ours.body.decode()), (theirs["headers"], theirs["body"])):
        if not okx.signed(headers, body, secret=peers.SECRET):
            raise AssertionError("a signature does not fit its message")
    return "same order fields, both signatures verified"


def _check_bybit(ours: Any, theirs: Any) -> str:
    names = ("category", "symbol", "side", "orderType", "qty", "price", "orderLinkId")
    _same(json.loads(ours.body), json.loads(theirs["body"]), names)
    for headers, body in ((ours.headers, ours.body.decode()), (theirs["headers"], theirs["body"])):
        message = headers["X-BAPI-TIMESTAMP"] + peers.KEY + headers["X-BAPI-RECV-WINDOW"] + body
        _signed(message, headers["X-BAPI-SIGN"])
    return "same order fields, both signatures verified"


def _check_binance(ours: Any, theirs: Any) -> str:
    mine = ours.body.decode() or urlsplit(ours.path).query
    other = theirs["body"] or urlsplit(theirs["url"]).query
    names = ("symbol", "side", "type", "quantity", "price", "timeInForce", "newClientOrderId")
    _same(dict(parse_qsl(mine)), dict(parse_qsl(other)), names)
    for query in (mine, other):
        message, _, signature = query.rpartition("&signature=")
        _signed(message, signature)
    return "same order fields, both signatures verified"


def _check_bingx(ours: Any, theirs: Any) -> str:
    """Both leave the values plain, so that what is sent is what was signed."""
    queries = [urlsplit(ours.path).query, urlsplit(theirs["url"]).query]
    mine, other = (dict(parse_qsl(query)) for query in queries)
    # The field of the client id has two spellings; both are taken.
    other["clientOrderId"] = other.pop("clientOrderID")
    names = ("symbol", "side", "positionSide", "type", "quantity", "price", "timeInForce", "clientOrderId")
    _same(mine, other, names)
    for query in queries:
        message, _, signature = query.rpartition("&signature=")
        _signed(message, signature)
    return "same order fields, both signatures verified"


def _same(ours: dict[str, str], theirs: dict[str, str], names: tuple[str, ...]) -> None:
    different = {name: (ours.get(name), theirs.get(name)) for name in names if ours.get(name) != theirs.get(name)}
    if different:
        raise AssertionError(f"the two sides build different orders: {different}")


def _signed(message: str, signature: str) -> None:
    expected = hmac.new(peers.SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
    if signature != expected:
        raise AssertionError("a signature does not fit its message")


VENUES: dict[str, tuple[Callable[[], Sides], Callable[[Any, Any], str]]] = {
    "bybit": (_bybit, _check_bybit),
    "binance": (_binance, _check_binance),
    "bingx": (_bingx, _check_bingx),
    "okx": (_okx, _check_okx),
}
