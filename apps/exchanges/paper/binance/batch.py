"""Binance's doors for many orders at once: a list of rows, with a code and a message in the place of what was refused."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from apps.exchanges.paper.binance import trade
from apps.exchanges.paper.binance.errors import REFUSALS, BinanceError, missing
from apps.exchanges.paper.face import Call, Params
from cts.domain.matching.events import Refused

if TYPE_CHECKING:
    from apps.exchanges.paper.binance.face import BinanceFace

PLACED_AT_ONCE, CANCELED_AT_ONCE = 5, 10


def create(face: "BinanceFace", call: Call) -> object:
    entries = _list(call, "batchOrders", largest=PLACED_AT_ONCE)
    if not all(isinstance(entry, dict) for entry in entries):
        raise missing("batchOrders")
    return [_one(face, call, {k: str(v) for k, v in entry.items()}, trade.create) for entry in entries]


def cancel(face: "BinanceFace", call: Call) -> object:
    lists = {"origClientOrderId": "origClientOrderIdList", "orderId": "orderIdList"}
    for name, list_name in lists.items():
        if call.params.get(list_name):
            wanted = _list(call, list_name, largest=CANCELED_AT_ONCE)
            symbol = {"symbol": call.params.get("symbol", "")}
            return [_one(face, call, symbol | {name: str(value)}, trade.cancel) for value in wanted]
    raise missing("orderIdList")


def _one(face: "BinanceFace", call: Call, params: Params, door: Callable[["BinanceFace", Call], object]) -> object:
    try:
        return door(face, msgspec.structs.replace(call, params=params))
    except BinanceError as error:
        return {"code": error.code, "msg": error.message}
    except Refused as refused:
        code, message = REFUSALS[refused.reason]
        return {"code": code, "msg": message}


def _list(call: Call, name: str, *, largest: int) -> list[Any]:
    try:
        found = orjson.loads(call.params.get(name, ""))
    except orjson.JSONDecodeError:
        raise missing(name) from None
    if not isinstance(found, list) or not found:
        raise missing(name)
    if len(found) > largest:
        raise BinanceError(-4082, "Invalid number of batch place orders.")
    return found
