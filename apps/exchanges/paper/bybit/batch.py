"""Bybit's doors for many orders at once: each stands or falls by itself, and its code travels beside the result."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from apps.exchanges.paper.bybit import trade
from apps.exchanges.paper.bybit.errors import BybitError, told
from apps.exchanges.paper.bybit.market import category
from apps.exchanges.paper.bybit.rows import Row
from apps.exchanges.paper.face import Call, Params
from cts.domain.matching.events import Refused

if TYPE_CHECKING:
    from apps.exchanges.paper.bybit.face import BybitFace

LARGEST = {"linear": 20, "spot": 10}


def create(face: "BybitFace", call: Call) -> Row:
    return _each(face, call, trade.create)


def amend(face: "BybitFace", call: Call) -> Row:
    return _each(face, call, trade.amend)


def cancel(face: "BybitFace", call: Call) -> Row:
    return _each(face, call, trade.cancel)


def as_text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _each(face: "BybitFace", call: Call, door: Callable[["BybitFace", Call], Row]) -> Row:
    wanted = category(call)
    rows: list[Row] = []
    codes: list[Row] = []
    for entry in _entries(call, largest=LARGEST.get(wanted, 10)):
        params = {str(name): as_text(value) for name, value in entry.items() if value is not None}
        code, message, result = _one(face, call, params | {"category": wanted}, door)
        named = {"symbol": params.get("symbol", ""), "orderLinkId": params.get("orderLinkId", "")}
        rows.append({"category": wanted, "orderId": "", "createAt": str(call.now_ms), **named, **result})
        codes.append({"code": code, "msg": message})
    return {"list": rows, "retExtInfo": {"list": codes}}


def _one(
    face: "BybitFace", call: Call, params: Params, door: Callable[["BybitFace", Call], Row]
) -> tuple[int, str, Row]:
    try:
        return 0, "OK", door(face, msgspec.structs.replace(call, params=params))
    except BybitError as error:
        return error.code, error.message, {}
    except Refused as refused:
        return *told(refused.reason, category=params["category"]), {}


def _entries(call: Call, *, largest: int) -> list[dict[str, Any]]:
    found = orjson.loads(call.request.body).get("request")
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise BybitError(10001, "params error: request invalid")
    if not 1 <= len(found) <= largest:
        raise BybitError(10001, f"The maximum number of orders per request is {largest}")
    return found
