"""A story as its page shows it: labels people read, numbers of a readable length. Nothing is computed or looked up."""

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
    "timeout_s": "Time-out, seconds",
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
_CONFIGURATION = ("indication", "take_profit_steps", "stop_loss_ratio", "trail_arm_ratio", "trail_give_back_ratio")


def story_page(story: dict[str, Any]) -> dict[str, Any]:
    """The parts of the page, each empty where the story has nothing for it."""
    why = story["why"]
    position = story["position"]
    return {
        "position": position,
        "result": [(label, _text(position[name])) for name, label in _RESULT if position[name] is not None],
        "configuration": _pairs(why, _CONFIGURATION) + _all_pairs(why.get("parameters")),
        "signal": _all_pairs(why.get("signal")),
        "statistics": _all_pairs(why.get("statistics")),
        "exits": _all_pairs(story["exits"]),
        "by": why.get("by") or why.get("reason") or "",
        "sizing": [(step["label"], _text(step["value"])) for step in story["sizing"].get("steps", [])],
        "checks": story["checks"],
        "orders": [_order(order) for order in story["orders"]],
        "fills": [_fill(fill) for fill in story["fills"]],
        "timeline": [line | {"data": _sentence(line["data"])} for line in story["timeline"]],
    }


def _order(order: dict[str, Any]) -> dict[str, Any]:
    events = [event | {"data": _sentence(event["data"])} for event in order["events"]]
    prices = [(name, order[name]) for name in ("price", "trigger_price", "average_price") if order[name] is not None]
    return order | {"events": events, "prices": [(_label(name), _text(value)) for name, value in prices]}


def _fill(fill: dict[str, Any]) -> dict[str, Any]:
    return fill | {name: _text(fill[name]) for name in ("price", "quantity", "fee")}


def _pairs(values: dict[str, Any], names: Iterable[str]) -> Pairs:
    return [(_label(name), _value(name, values[name])) for name in names if values.get(name) is not None]


def _all_pairs(values: dict[str, Any] | None) -> Pairs:
    return _pairs(values or {}, values or {})


def _sentence(data: dict[str, Any]) -> str:
    plain = {name: value for name, value in data.items() if value not in (None, "", {}, []) and name != "at_ms"}
    return ", ".join(f"{_label(name).lower()} {_value(name, value)}" for name, value in plain.items())


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{key} {_value(key, each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(_value(name, each) for each in value)
    if name in _PERCENT and isinstance(value, int | float):
        return f"{value * 100:.3g} %".replace("-", "−")
    return f"{value:.4g}".replace("-", "−") if isinstance(value, float) else _text(value)


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
