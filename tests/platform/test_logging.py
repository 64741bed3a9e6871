"""Whatever is logged, however it is spelled: the secret stays out, the ids stay in."""

import json
import logging
from typing import Any

import pytest
import redis
from django.db import OperationalError

from cts.domain.errors import AuthFailed, DomainError
from cts.logging import ErrorHandler, JsonFormatter, SystemLogger, redact

CANARY = "c4n4ry-7f3e9b"


def line(message: str, *arguments: object, error: BaseException | None = None, **extra: object) -> str:
    information = (type(error), error, error.__traceback__) if error else None
    record = logging.getLogger("t").makeRecord(
        "t", logging.ERROR, "f.py", 1, message, arguments, information, extra=extra
    )
    return JsonFormatter().format(record)


@pytest.mark.parametrize(
    "text",
    [
        f"api_key={CANARY}&symbol=BTCUSDT",
        f"https://venue.test/order?symbol=BTC&signature={CANARY}&x=1",
        f'{{"apiKey": "{CANARY}", "side": "buy"}}',
        f"{{'api_secret': '{CANARY}'}}",
        f"{{'X-BAPI-API-KEY': '{CANARY}', 'X-BAPI-SIGN': '{CANARY}'}}",
        f"{{'X-MBX-APIKEY': '{CANARY}'}}",
        f"{{'OK-ACCESS-KEY': '{CANARY}', 'OK-ACCESS-SIGN': '{CANARY}', 'OK-ACCESS-PASSPHRASE': '{CANARY}'}}",
        f"Authorization: Bearer {CANARY}",
        f"Authorization: Basic {CANARY}",
        f"Cookie: cts_session={CANARY}",
        f"passphrase = {CANARY}",
        f"listenKey={CANARY}",
        f"redis://:{CANARY}@127.0.0.1:6379/0",
        f"postgres://cts:{CANARY}@db/cts",
        f"token={CANARY}",
        f"eyJhbGciOiJIUzI1NiJ9.{CANARY}.{CANARY}",
        f"password:{CANARY}",
    ],
)
def test_a_secret_is_struck_out_however_it_is_spelled(text: str) -> None:
    assert CANARY not in redact(text)
    assert CANARY not in line(text)
    assert CANARY not in line("request failed: %s", text)
    assert CANARY not in line("request_failed", request=text)
    assert CANARY not in line("request_failed", request={"sent": [text]})
    assert CANARY not in line("request_failed", error=ValueError(text))


@pytest.mark.parametrize(
    "extra",
    [
        {"api_secret": CANARY},
        {"headers": {"X-MBX-APIKEY": CANARY}},
        {"nested": {"deep": [{"passphrase": CANARY}]}},
        {"credentials": [CANARY, CANARY]},
        {"token": CANARY},
    ],
)
def test_a_value_named_like_a_secret_is_struck_out_whole(extra: dict[str, Any]) -> None:
    assert CANARY not in line("event", **extra)


def test_ids_and_plain_words_are_kept() -> None:
    row = json.loads(line("order_sent", connection=5, symbol="BTC/USDT:USDT", keys=3, design="flat", is_live=False))
    assert row["event"] == "order_sent"
    assert (row["connection"], row["symbol"], row["keys"], row["design"]) == (5, "BTC/USDT:USDT", 3, "flat")
    assert row["is_live"] is False


def test_a_system_logger_carries_its_ids(caplog: pytest.LogCaptureFixture) -> None:
    log = SystemLogger("engine", connection=5).bind(order=7)
    with caplog.at_level("INFO"):
        log.info("order_sent", name="clashes with the record's own")
    record = caplog.records[0]
    assert (record.getMessage(), record.__dict__["connection"], record.__dict__["order"]) == ("order_sent", 5, 7)
    assert record.__dict__["name_"] == "clashes with the record's own"


@pytest.mark.parametrize(
    "error",
    [AuthFailed("key refused"), DomainError("read_only", "no"), OperationalError("gone"), redis.ConnectionError()],
)
def test_expected_errors_are_a_line_without_a_traceback(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    assert ErrorHandler(SystemLogger("t")).record(error, event="sync_failed", connection=5) is False
    record = caplog.records[0]
    assert (record.levelname, record.exc_info, record.__dict__["connection"]) == ("WARNING", None, 5)


def test_a_bug_is_an_error_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    assert ErrorHandler(SystemLogger("t")).record(KeyError("x"), event="sync_failed") is True
    record = caplog.records[0]
    assert record.levelname == "ERROR"
    assert record.exc_info is not None
    assert record.__dict__["is_bug"] is True
