"""Each exchange of ccxt becomes a spec or is refused in a sentence, without a single call."""

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import ccxt
import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.exchanges.connectors.base import Target
from apps.exchanges.connectors.ccxt_adapter import CcxtConnector
from apps.exchanges.connectors.ccxt_adapter.client import client_create
from apps.exchanges.connectors.ccxt_adapter.spec import exchange_specs
from apps.exchanges.connectors.spec import Capability
from cts.domain.errors import AuthFailed, DomainError
from cts.domain.types import Environment, Market

ROOT = Path(__file__).parents[3]
# Those whose refusal or whose shape is worth pinning; the reason is part of what the owner reads.
REFUSED = {
    "hyperliquid": "signs with privateKey, walletAddress",
    "deribit": "doesn't hand our order ids on",
    "bitfinex": "rounded to digits",
    "bit2c": "has no fetchOHLCV",
    "krakenfutures": "can't set its margin mode",
    "nosuch": "has no exchange 'nosuch'",
}


@pytest.mark.parametrize("name", ccxt.exchanges)
def test_an_exchange_yields_a_spec_or_a_clear_refusal(name: str) -> None:
    try:
        specs, refusal = exchange_specs(name), None
    except DomainError as refused:
        specs, refusal = {}, refused
    if refusal is not None:
        assert refusal.code == "ccxt_refused"
        assert name in refusal.detail
        assert len(refusal.detail) < 300
    for market, spec in specs.items():
        assert (spec.name, spec.market, spec.is_community, spec.has_paper) == (f"ccxt-{name}", market, True, False)
        assert spec.label.endswith("(community)")
        assert len(spec.name) <= 32
        assert Environment.PAPER not in spec.market_environments
        assert spec.market_environments[-1] is Environment.LIVE
        assert {"api_key", "api_secret"} <= set(spec.credential_fields) <= {"api_key", "api_secret", "passphrase"}
        assert spec.timeframes
        assert all(seconds > 0 for seconds in spec.timeframes)
        assert spec.docs_url == "" or spec.docs_url.startswith("https://")
        if market is Market.SPOT:
            assert not {Capability.LEVERAGE, Capability.HEDGE} & spec.capabilities


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_a_refusal_names_its_reason(name: str, reason: str) -> None:
    with pytest.raises(DomainError, match=reason):
        exchange_specs(name)


def test_credentials_and_markets_follow_what_ccxt_says() -> None:
    assert exchange_specs("okx")[Market.LINEAR].credential_fields == ("api_key", "api_secret", "passphrase")
    assert exchange_specs("bitmart")[Market.SPOT].credential_labels == {"passphrase": "User id (some call it memo)"}
    assert list(exchange_specs("kraken")) == [Market.SPOT]
    assert Capability.HEDGE in exchange_specs("bybit")[Market.LINEAR].capabilities


def test_a_client_makes_no_floats_and_repeats_nothing() -> None:
    client = client_create("bybit", market=Market.LINEAR, environment=Environment.LIVE, credentials=None, timeout_s=3.0)
    told = client.parse_json('{"a": 0.1, "b": 12345678901234567890.123456789, "c": 3, "d": true}')
    assert told == {"a": "0.1", "b": "12345678901234567890.123456789", "c": "3", "d": True}
    assert str(client.parse_number("0.10")) == "0.10"
    listed = client.set_markets([MARKET])["BTC/USDT:USDT"]
    assert (listed["maker"], listed["precision"]["price"]) == (Decimal("0.0001"), Decimal("0.1"))
    assert client.handle_option_and_params({}, "x", "maxRetriesOnFailure", 0)[0] == 0
    assert (client.enableRateLimit, client.timeout) == (True, 3000)


def test_without_a_key_a_signed_call_is_refused_before_anything_is_sent() -> None:
    kind = type("Made", (CcxtConnector,), {"spec": exchange_specs("bybit")[Market.LINEAR]})
    connector = kind(credentials=None, target=Target(environment=Environment.LIVE, market=Market.LINEAR))
    with pytest.raises(AuthFailed):
        connector.call(connector.client.fetch_balance)
    assert connector.client.requests_left == 0


MARKET = {
    "id": "BTCUSDT", "symbol": "BTC/USDT:USDT", "base": "BTC", "quote": "USDT", "settle": "USDT", "type": "swap",
    "spot": False, "swap": True, "linear": True, "maker": 0.0001, "precision": {"price": 0.1, "amount": 0.001},
}  # fmt: skip


def start(folder: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    places = {"CTS_DATA_DIR": str(folder / "data"), "CTS_LOG_DIR": str(folder / "logs"), "PYTHONPATH": str(ROOT)}
    asked = f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'cts.settings'\n{code}"
    argv = [sys.executable, "-c", asked]
    return subprocess.run(
        argv, env={**own, **places, **environment}, cwd=folder, capture_output=True, text=True, timeout=110, check=False
    )


# With None in its place, importing ccxt fails as if it weren't installed.
WITHOUT_CCXT = "import sys; sys.modules['ccxt'] = None\n"
LIST = "import django; django.setup()\nfrom apps.exchanges.connectors.registry import EXCHANGES as e; print(*e)"


def test_without_the_setting_ccxt_is_neither_imported_nor_needed(tmp_path: Path) -> None:
    answer = start(tmp_path, WITHOUT_CCXT + LIST)
    assert answer.returncode == 0, answer.stderr
    assert "ccxt-" not in answer.stdout


def test_named_exchanges_are_offered(tmp_path: Path) -> None:
    answer = start(tmp_path, LIST, CTS_CCXT_EXCHANGES="kraken, gate")
    assert answer.stdout.split()[-2:] == ["ccxt-kraken", "ccxt-gate"], answer.stderr


@pytest.mark.parametrize(
    ("is_missing", "name", "remedy"),
    [(False, "mtgox", "has no exchange 'mtgox'"), (True, "kraken", "make ccxt"), (False, "deribit", "order ids")],
)
def test_what_cannot_be_offered_stops_the_start_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, is_missing: bool, name: str, remedy: str
) -> None:
    if is_missing:
        monkeypatch.setitem(sys.modules, "ccxt", None)
    monkeypatch.setattr(settings, "CCXT_EXCHANGES", [name])
    with pytest.raises(ImproperlyConfigured) as caught:
        apps.get_app_config("exchanges").ready()
    assert str(caught.value).startswith(f"CTS_CCXT_EXCHANGES={name}: ")
    assert remedy in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_exchange_not_named_is_refused_with_the_remedy() -> None:
    from apps.exchanges.connectors.registry import connector_kind

    with pytest.raises(DomainError, match="name kraken in CTS_CCXT_EXCHANGES"):
        connector_kind("ccxt-kraken", "spot")
