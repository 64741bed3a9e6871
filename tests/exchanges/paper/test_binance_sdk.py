"""Binance's own SDKs on the paper venue. They want versions of their own, so they live and run in a folder of their own."""

import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.paper_fixtures import PaperVenueControl

pytestmark = pytest.mark.wire
PACKAGES = ("binance-sdk-spot==13.3.0", "binance-sdk-derivatives-trading-usds-futures==18.1.0")
SCRIPT = Path(__file__).with_name("binance_sdk.py")


@pytest.fixture(scope="session")
def sdk_folder() -> Path:
    """Installed once for this machine and these versions; where that can't be done, the test is skipped and says so."""
    name = "-".join(package.rpartition("==")[2] for package in PACKAGES)
    folder = Path(tempfile.gettempdir()) / f"cts-binance-sdk-{sys.version_info[0]}{sys.version_info[1]}-{name}"
    done = folder / "whole"
    if done.exists():
        return folder
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(folder), *PACKAGES]
    told = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    if told.returncode:
        reason = f"Binance's SDKs can't be installed here: {told.stderr.strip()[-300:]}"
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)
    done.touch()
    return folder


@pytest.fixture
def told(sdk_folder: Path, paper_venue: PaperVenueControl) -> dict[str, Any]:
    keys = paper_venue.account("binance")
    command = [sys.executable, str(SCRIPT), f"{paper_venue.url}/binance", keys.api_key, keys.api_secret]
    run = subprocess.run(
        command, env={"PYTHONPATH": str(sdk_folder)}, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found: dict[str, Any] = json.loads(run.stdout)
    return found


@pytest.mark.timeout(420)
def test_the_venues_own_sdks_trade_spot_and_futures(told: dict[str, Any]) -> None:
    spot, futures = told["spot"], told["futures"]
    assert spot["listed"] == ["BTCUSDT"]
    assert (spot["bought"], spot["order"]) == (["FILLED", "0.01", 1], "FILLED")
    assert spot["open"] == ["LIMIT", "STOP_LOSS"]
    assert spot["trades"] == [["0.01", "BTC", True]]
    assert spot["balances"] == {"BTC": ["0.00499", "0.005"], "USDT": ["8899.998", "500"]}
    assert spot["canceled"] == 2
    assert "insufficient balance" in spot["too much"]
    assert "-1022" in spot["wrong key"]
    assert futures["trailing"] == ["NEW", "1"]
    assert futures["amended"] == ["0.02", "51000"]
    assert futures["positions"] == [["0.02", "BOTH"]]
    assert (futures["trades"], futures["balance"]) == (["0.02"], ["USDT"])
    assert "-2019" in futures["too much"]
