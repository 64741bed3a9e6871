"""A story as its page shows it: labels people read, numbers of a readable length. Nothing is computed or looked up."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from cts.domain.units import decimal_text

Pairs = list[tuple[str, str]]

_LABELS = {
    "take_profit_steps": "Take profit, steps",
    "stop_loss_ratio": "Stop loss, of the target",
    "trail_arm_ratio": "Trail arms at",
    "trail_give_back_ratio": "Trail gives back",
    "profit_factor_25": "Profit factor, last 25",
    "profit_factor_50": "Profit factor, last 50",
    "drawdown_time_h": "Drawdown time, hours",
    "positions_per_24h": "Positions in 24 h",
    "recent_24h_of_last_20": "Of the last 20 inside 24 h",
    "target_ratio": "Target",
    "stop_ratio": "Stop",
    "timeout_s": "Time-out",
    "stop_waiver": "No stop, because",
}
_PERCENT = frozenset(
    [
        "win_rate",
        "mean_gain",
        "expectancy",
        "drawdown",
        "target_ratio",
        "stop_ratio",
        "trail_arm_ratio",
        "trail_give_back_ratio",
    ]
)
_EVENTS = {
    "intent": "Decided",
    "deny": "Denied by a check of ours",
    "claim": "Being sent to the exchange",
    "ack": "Accepted by the exchange",
    "partial_fill": "Partly filled",
    "fill": "Filled",
    "cancel": "Canceled",
    "cancel_asked": "Cancel asked for",
    "amend": "Change asked for",
    "amended": "Changed",
    "amend_refused": "The exchange left it as it was",
    "amend_unknown": "No answer to the change",
    "expire": "Expired",
    "reject": "Rejected by the exchange",
    "lose": "Outcome not known yet",
    "reopen": "Open again on the exchange",
    "evidence": "Looked up on the exchange",
    "retry": "Tried again",
    "contradiction": "The exchange contradicts itself",
    "adopted": "Found on the exchange and taken over",
}
_POSITION_EVENTS = {
    "fill": "Fill booked",
    "adjustment": "Corrected to what the exchange holds",
    "closing": "Closing",
    "close_failed": "Closing did not work, still open",
    "stop": "Stop changed",
    "stop_waived": "No stop asked for",
    "stop_default": "Given the stop of trades by hand",
}
_ORIGINS = {"main": "main strategy", "preset": "preset", "manual": "by hand", "external": "opened on the exchange"}
_HEARD = {"stream": "Stream", "poll": "Look-up"}
# What only a programmer would look for; the ids of orders and trades are beside them already.
_UNTOLD = frozenset(
    ["at_ms", "key", "fill", "trade", "trade_id", "order", "venue_order_id", "http_status", "told", "by", "sources"]
)
_WORDED = frozenset(["side", "type", "reason", "message", "code", "origin"])
_RESULT = (
    ("average_entry_price", "Average entry"),
    ("average_exit_price", "Average exit"),
    ("peak_quantity", "Quantity"),
    ("target_price", "Target"),
    ("stop_price", "Stop"),
    ("realized_pnl", "Price difference"),
    ("fees", "Fees"),
    ("funding", "Funding"),
)
_MONEY = frozenset(["realized_pnl", "fees", "funding"])
_IN_QUOTE = ("equity", "wanted_notional", "notional", "margin")
_IN_BASE = (
    *("raw_quantity", "floored_quantity", "minimum_quantity"),
    *("asked_quantity", "held_quantity", "quantity"),
)
_SETTLED = re.compile(r"\b([A-Z0-9]+/[A-Z0-9]+):[A-Z0-9]+")
_CONFIGURATION = ("indication", "take_profit_steps", "stop_loss_ratio", "trail_arm_ratio", "trail_give_back_ratio")


def story_page(story: dict[str, Any]) -> dict[str, Any]:
    """The parts of the page, each empty where the story has nothing for it."""
    why = story["why"]
    position = story["position"]
    asset = _symbol(position["symbol"]).partition("/")[2]
    return {
        "position": position
        | {
            "symbol": _symbol(position["symbol"]),
            "origin": _ORIGINS.get(position["origin"], position["origin"]),
            "exit_reason": _plain(position["exit_reason"]),
        },
        "result": [
            (label, f"{_text(position[name])} {asset}" if name in _MONEY else _text(position[name]))
            for name, label in _RESULT
            if position[name] is not None
        ],
        "configuration": _pairs(why, _CONFIGURATION) + _all_pairs(why.get("parameters")),
        "signal": _all_pairs(why.get("signal")),
        "statistics": _all_pairs(why.get("statistics")),
        "exits": _all_pairs(story["exits"]),
        "by": why.get("by") or why.get("reason") or "",
        "sizing": [_step(step, position["symbol"]) for step in story["sizing"].get("steps", [])],
        "checks": [_check(check) for check in story["checks"]],
        "orders": [_order(order) for order in story["orders"]],
        "fills": [_fill(fill) for fill in story["fills"]],
        "timeline": [_moment(line) for line in story["timeline"]],
    }


def _symbol(text: str) -> str:
    """Symbols as people write them, also inside a sentence: without the asset that settles, which is the quote."""
    return _SETTLED.sub(r"\1", text)


def _step(step: dict[str, Any], symbol: str) -> tuple[str, str]:
    base, _, quote = _symbol(symbol).partition("/")
    units = {**dict.fromkeys(_IN_QUOTE, quote), **dict.fromkeys(_IN_BASE, base), "leverage": "×", "volume_factor": "×"}
    return step["label"], f"{_text(step['value'])} {units.get(step['name'], '')}".strip().replace(" ×", "×")


def _check(check: dict[str, Any]) -> dict[str, Any]:
    """Its sentence; beside it what was and what may be, where that says more than the mark before it."""
    is_said = check["limit"] in ("yes", "no", "-")
    measure = "" if is_said else f"{check['value']} / {check['limit']}"
    return check | {"sentence": _symbol(check["sentence"]), "measure": measure}


def _order(order: dict[str, Any]) -> dict[str, Any]:
    events = [
        event | {"told": _EVENTS.get(event["kind"], _label(event["kind"])), "data": _sentence(event["data"])}
        for event in order["events"]
    ]
    prices = [(name, order[name]) for name in ("price", "trigger_price", "average_price") if order[name] is not None]
    shown = {
        "title": f"{_label(order['purpose'])} order",
        "order_type": _label(order["order_type"]),
        "status": _label(order["status"]),
        "quantity": _text(order["quantity"]),
        "reason": _symbol(order["reason"]),
    }
    return order | shown | {"events": events, "prices": [(_label(name), _text(value)) for name, value in prices]}


def _moment(line: dict[str, Any]) -> dict[str, Any]:
    """A line of the timeline: whose it is, what happened, and what there is to say about it."""
    told, said = _happened(line["what"], line["kind"], line["data"])
    return line | {"told": told[:1].lower() + told[1:], "data": said}


def _happened(what: str, kind: str, data: dict[str, Any]) -> tuple[str, str]:
    if what != "position":
        return _EVENTS.get(kind, _label(kind)), _sentence(data)
    if kind == "stop_waived" and data.get("reason"):
        return f"Kept without a stop, as {data['by']} decided", data["reason"]
    if kind == "funding":
        amount = data["amount"]
        told = "Funding paid" if amount.startswith("-") else "Funding received"
        return told, f"{_text(amount.lstrip('-'))} {data['asset']}"
    if kind == "stop":
        if data.get("note") == "watched":
            return (
                "Its stop is watched here",
                "The venue takes no stop orders: the engine closes it when the price gets there.",
            )
        return "A stop protects it" if data.get("is_covered") else "No stop protects it", _plain(data.get("note") or "")
    return _POSITION_EVENTS.get(kind, _label(kind)), _sentence(data)


def _fill(fill: dict[str, Any]) -> dict[str, Any]:
    shown = {name: _text(fill[name]) for name in ("price", "quantity", "fee")}
    return fill | shown | {"source": _HEARD.get(fill["source"], _label(fill["source"]))}


def _pairs(values: dict[str, Any], names: Iterable[str]) -> Pairs:
    return [(_label(name), _value(name, values[name])) for name in names if values.get(name) is not None]


def _all_pairs(values: dict[str, Any] | None) -> Pairs:
    return _pairs(values or {}, values or {})


def _sentence(data: dict[str, Any]) -> str:
    plain = {name: value for name, value in data.items() if name not in _UNTOLD and value not in (None, "", {}, [])}
    told = [_told(name, value) for name, value in plain.items()]
    sentence = ", ".join(part for part in told if part)
    return _symbol(sentence[:1].upper() + sentence[1:])


def _told(name: str, value: Any) -> str:
    """One fact in words; what is not the case goes without saying."""
    if isinstance(value, bool):
        return _plain(name.removeprefix("is_")) if value else ""
    if name in _WORDED:
        return _plain(value)
    return f"{_label(name).lower()} {_value(name, value)}"


def _plain(code: Any) -> str:
    return str(code).replace("_", " ")


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{key} {_value(key, each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(_value(name, each) for each in value)
    if name == "timeout_s":
        return _duration(float(value))
    if name in _PERCENT and isinstance(value, int | float):
        return f"{value * 100:.3g} %".replace("-", "−")
    return f"{value:.4g}".replace("-", "−") if isinstance(value, float) else _text(value)


def _duration(seconds: float) -> str:
    size, unit = next((each for each in ((3600, "h"), (60, "min")) if seconds >= each[0]), (1, "s"))
    return f"{seconds / size:.4g} {unit}"


def _text(value: Any) -> str:
    """Decimals to eight places, with a true minus; everything else as it is."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if not number.is_finite() or (isinstance(value, str) and not value[-1:].isdigit()):
        return str(value)
    short = round(number, 8) if -int(number.as_tuple().exponent) > 8 else number
    whole, _, places = decimal_text(abs(short)).partition(".")
    # Ids and codes are digits too; only what has a fraction or came as a number is grouped.
    grouped = f"{int(whole):,}" if places or not isinstance(value, str) else whole
    return ("−" if short < 0 else "") + grouped + (f".{places}" if places else "")
