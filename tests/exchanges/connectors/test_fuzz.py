"""Every field of every row, made absent or absurd: an error that names it, or an honest None; never a number."""

from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from typing import Any

import msgspec
import pytest

from cts.domain.errors import PayloadError
from tests.exchanges.connectors.samples import Parser
from tests.exchanges.connectors.scripted import PLACES, scripted, spec_of

ABSENT = object()
ABSURD = [ABSENT, None, "", "NaN", "Infinity", "-Infinity", "1e400", "12,5", "0x10", True, [], {}, ["1"], "9" * 300]


def samples(exchange: str) -> Any:
    return import_module(f"tests.exchanges.connectors.samples.{exchange.replace('-', '_')}")


Case = tuple[str, Parser, dict[str, Any]]
ROWS: dict[str, Case] = {
    f"{exchange} {name}": (exchange, parser_of, row)
    for exchange in PLACES
    for name, (parser_of, row) in samples(exchange).ROWS.items()
}
# Parts of rows whose own fields are refused by their own names.
NESTED = {name for exchange in PLACES for name in samples(exchange).NESTED}
OPTIONAL_FLAGS = {name for exchange in PLACES for name in getattr(samples(exchange), "ABSENT_IS_NO", ())}
# A time the venue doesn't tell is 0 by definition.
UNKNOWN_TIMES = {"at_ms", "created_ms", "updated_ms"}


@pytest.mark.parametrize("name", ROWS)
def test_absurd_field_is_refused_by_name_or_read_as_nothing(name: str) -> None:
    exchange, parser_of, row = ROWS[name]
    parse = parser_of(scripted(exchange))
    good = parse(row)
    assert good is not None
    refusals = [
        _refusal(parse, _with(row, field, value), good=good, field=field)
        for field in row
        for value in ABSURD
        if not (value is True and isinstance(row[field], bool))
    ]
    told = [refusal for refusal in refusals if refusal is not None]
    assert len(told) > len(row)
    assert {refusal.exchange for refusal in told} == {spec_of(exchange).name}


def _with(row: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    rest = {name: kept for name, kept in row.items() if name != field}
    return rest if value is ABSENT else rest | {field: value}


def _refusal(
    parse: Callable[[dict[str, Any]], Any], row: dict[str, Any], *, good: Any, field: str
) -> PayloadError | None:
    try:
        result = parse(row)
    except PayloadError as error:
        # A part of a nested field is named by its own name.
        return error if error.field == field or field in NESTED else pytest.fail(f"{field}: {error}")
    if field in OPTIONAL_FLAGS and row.get(field) in (None, ""):
        return None
    _assert_no_number_was_made_up(good, result, where=(field, row.get(field)))
    return None


def _assert_no_number_was_made_up(good: Any, result: Any, *, where: Any) -> None:
    assert result is not None, where
    if getattr(result, "asset", "") != getattr(good, "asset", ""):
        return  # another coin counts its margin in another way
    for attribute in msgspec.structs.asdict(good):
        before, after = getattr(good, attribute), getattr(result, attribute)
        if before == after or after is None or isinstance(after, str):
            continue
        if attribute == "is_trading" and after is False:
            continue  # a status nobody knows is not "trading"
        assert attribute in UNKNOWN_TIMES, (where, attribute, after)
        assert after == 0, (where, attribute, after)


@pytest.mark.parametrize("name", ROWS)
def test_number_as_json_number_reads_like_its_string_or_is_refused_by_name(name: str) -> None:
    exchange, parser_of, row = ROWS[name]
    connector = scripted(exchange)
    parse = parser_of(connector)
    good = parse(row)
    for field, value in row.items():
        if isinstance(value, str) and _is_decimal(value):
            number = connector.read.decode(format(Decimal(value), "f"))
            assert (
                _refusal(parse, row | {field: number}, good=good, field=field) or parse(row | {field: number}) == good
            )


def _is_decimal(value: str) -> bool:
    try:
        return "_" not in value and Decimal(value).is_finite()
    except ArithmeticError:
        return False


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 5000, b"\xff\xfe", b"NaN", b'{"a": 1} x'])
def test_body_that_is_not_json_is_refused(exchange: str, body: bytes) -> None:
    with pytest.raises(PayloadError) as caught:
        scripted(exchange).read.decode(body)
    assert caught.value.field == "body"
    assert caught.value.exchange == spec_of(exchange).name


def test_decimals_keep_every_digit(exchange: str) -> None:
    decoded = scripted(exchange).read.decode(b'{"a": 0.1, "b": 12345678901234567890.123456789}')
    assert decoded == {"a": Decimal("0.1"), "b": Decimal("12345678901234567890.123456789")}


def test_candle_whose_high_is_below_its_close_is_refused(exchange: str) -> None:
    connector = scripted(exchange)
    row = {"open_ms": 0, "open": "10", "high": "11", "low": "9", "close": "12", "volume": "1"}
    with pytest.raises(PayloadError):
        connector._candle(row, frame_ms=60_000, now_ms=0)
