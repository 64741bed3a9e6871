"""Pionex's part of F1 and F2. ccxt doesn't know it: orders are built against pionex-py, rows read against a reader written
here of json.loads and Decimal alone, which checks nothing. Neither is what a trader would otherwise use; they are what there is."""

import hashlib
import hmac
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from pionex_python.internal.RestClient import RestClient

from benchmarks import peers
from benchmarks.harness import Result, compare
from cts.domain.types import OrderRequest, OrderType, Side

CLIENT_ID = "cbenchmark0000000000000001"
NAME, PATH = "BTC_USDT_PERP", "/uapi/v1/trade/order"
REQUEST = OrderRequest(
    client_order_id=CLIENT_ID,
    symbol=peers.SYMBOL,
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    quantity=Decimal("0.010"),
    price=Decimal("60000.1"),
)
PAYLOADS: dict[str, dict[str, Any]] = {
    "ticker": {
        "symbol": NAME,
        "time": 1700006400000,
        "open": "59268.5",
        "close": "60000.2",
        "high": "60500",
        "low": "59000",
        "volume": "48123.411",
        "amount": "2887404660.12",
        "count": 90123,
    },
    "order": {
        "orderId": 11016007643606584,
        "symbol": NAME,
        "type": "LIMIT",
        "positionMode": "BUYSELL",
        "isolatedMode": "CROSS",
        "side": "BUY",
        "positionSide": "BOTH",
        "price": "60000.10",
        "origSize": "0.1000",
        "size": "0.1000",
        "amount": "",
        "filledSize": "0.0400",
        "filledAmount": "2400.004",
        "status": "OPEN",
        "reduceOnly": False,
        "clientOrderId": "c1",
        "source": "API",
        "createTime": 1684738540559,
        "updateTime": 1684738540561,
    },
    "position": {
        "positionId": "dfadaf_sa_233322",
        "symbol": NAME,
        "isolatedMode": "CROSS",
        "riskState": "",
        "positionSide": "LONG",
        "netSize": "0.0100",
        "avgPrice": "60000",
        "unrealizedPnL": "1",
        "sizeLong": "0.0100",
        "sizeShort": "0",
        "amountLong": "-600",
        "amountShort": "0",
        "amountSettled": "0",
        "markPrice": "60100",
        "initialMargin": "60.1",
        "maintMargin": "3",
        "liquidationPrice": "54321.5",
        "leverage": "10",
        "sizeLiquidated": "0",
        "amountLiquidated": "0",
        "createTime": 1684738540559,
        "updateTime": 1684738540561,
    },
}
# Our field, and the venue's the plain reader takes it from.
READ = {
    "ticker": {"last": "close", "volume_24h": "volume", "turnover_24h": "amount"},
    "order": {"quantity": "size", "filled_quantity": "filledSize", "price": "price"},
    "position": {
        "quantity": "netSize",
        "entry_price": "avgPrice",
        "leverage": "leverage",
        "mark_price": "markPrice",
        "unrealized_pnl": "unrealizedPnL",
        "liquidation_price": "liquidationPrice",
    },
}


class _Wire:
    """In place of pionex-py's session: makes the bytes it would send, and nothing of what requests adds on top."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.sent: tuple[str, str, str] = ("", "", "")

    # The client passes its body under this name.
    def post(self, url: str, *, params: dict[str, Any], json: Any) -> "_Wire":
        self.sent = f"{url}?{urlencode(params)}", _dumps(json), self.headers["PIONEX-SIGNATURE"]
        return self

    def json(self) -> dict[str, Any]:
        return {"result": True}


_dumps = json.dumps


def build_and_sign() -> Result:
    client, peer = peers.ours("pionex"), RestClient(peers.KEY, peers.SECRET)
    wire = peer.session = _Wire()

    def theirs() -> tuple[str, str, str]:
        order = {"symbol": NAME, "side": "BUY", "type": "LIMIT", "size": "0.01", "price": "60000.1"}
        peer._send_request("POST", PATH, data=order | {"clientOrderId": CLIENT_ID})
        return wire.sent

    def ours() -> Any:
        return client.order_request_bytes(REQUEST)

    return compare(
        "F1",
        "pionex: build + sign + serialise a limit order, against pionex-py",
        ours=ours,
        theirs=theirs,
        calls=10_000,
        checked=_check_order(ours(), theirs()),
    )


def _check_order(ours: Any, theirs: tuple[str, str, str]) -> str:
    url, body, signature = theirs
    if json.loads(ours.body) != json.loads(body):
        raise AssertionError(f"the two sides build different orders: {ours.body!r} and {body}")
    path = PATH + "?" + url.partition("?")[2]
    for message, given in (
        (ours.path + ours.body.decode(), ours.headers["PIONEX-SIGNATURE"]),
        (path + body, signature),
    ):
        expected = hmac.new(peers.SECRET.encode(), f"POST{message}".encode(), hashlib.sha256).hexdigest()
        if given != expected:
            raise AssertionError("a signature does not fit its message")
    return "same order, both signatures verified"


def parse() -> list[Result]:
    return [_parse(kind) for kind in PAYLOADS]


def _parse(kind: str) -> Result:
    payload = json.dumps(PAYLOADS[kind]).encode()
    read = getattr(peers.ours("pionex"), f"parse_{kind}")
    plain = _plain(kind, payload)
    mine, other = read(payload), plain()
    for name in READ[kind]:
        if getattr(mine, name) != other[name]:
            raise AssertionError(f"{kind}: {name} {getattr(mine, name)} is not {other[name]}")
    return compare(
        "F2",
        f"pionex: bytes to {kind}, against json.loads + Decimal unchecked",
        ours=lambda: read(payload),
        theirs=plain,
        calls=20_000,
        checked=f"equal: {', '.join(READ[kind])}",
    )


def _plain(kind: str, payload: bytes) -> Callable[[], dict[str, Any]]:
    names, loads = READ[kind], json.loads

    def read() -> dict[str, Any]:
        row: dict[str, Any] = loads(payload)
        return row | {ours: Decimal(row[theirs]) for ours, theirs in names.items()}

    return read
