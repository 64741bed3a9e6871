"""OrangeX's connector on a script: its calls, what it answers, and time that passes for its sign-in."""

import json
from typing import Any

from apps.exchanges.connectors.orangex.connector import OrangeXConnector
from tests.exchanges.connectors.scripted import ScriptedTransport, fixture, scripted

BTC, NAME = "BTC/USDT:USDT", "BTC-USDT-PERPETUAL"
REFUSED = {"jsonrpc": "2.0", "usOut": 1_700_000_000_500, "error": {"code": 10000, "message": "Authentication Failure"}}
EMPTY = {"jsonrpc": "2.0", "usOut": 1_700_000_000_500}


def connect(calls: list[dict[str, Any]], **options: Any) -> OrangeXConnector:
    connector = scripted("orangex", calls, **options)
    assert isinstance(connector, OrangeXConnector)
    return connector


def call(name: str, result: Any = None, *, answer: Any = None, **more: Any) -> dict[str, Any]:
    return {"method": "POST", "path": f"/api/v1/{name}", "answer": answer or EMPTY | {"result": result}, **more}


def aged(connector: OrangeXConnector, seconds: float) -> None:
    """Let time pass for the sign-in."""
    session = connector.session
    assert session is not None
    before = session._monotonic
    session._monotonic = lambda: before() + seconds


def grants(connector: OrangeXConnector) -> list[str]:
    assert isinstance(connector._transport, ScriptedTransport)
    bodies = [json.loads(request.body) for request in connector._transport.aside]
    return [body["params"]["grant_type"] for body in bodies if body["method"] == "/public/auth"]


BALANCES = fixture("orangex", "balances")["calls"][0]
ROW = fixture("orangex", "order")["calls"][0]["answer"]["result"][1]
ACK = fixture("orangex", "place")[0]["call"]


def listed(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        call("private/get_open_orders_by_instrument", list(rows)),
        call("private/get_order_history_by_instrument", []),
    ]


def lost(**changes: Any) -> Any:
    """What became of LIMIT, listed without its name."""
    terms = {"amount": "0.01", "price": "60000.1", "filled_amount": "0", "average_price": "0"}
    return ROW | terms | {"custom_order_id": "-", "creation_timestamp": 1_700_000_000_900} | changes
