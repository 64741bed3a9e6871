"""Run by a Python that has Binance's own SDKs: trades on the paper venue at argv[1] with the key of argv[2] and argv[3], and
prints what it was told as JSON. Knows nothing of this project."""

import json
import sys
from typing import Any

from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import BadRequestError, UnauthorizedError
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
    DerivativesTradingUsdsFutures,
)
from binance_sdk_spot.spot import Spot


def client(kind: Any, *, secret: str) -> Any:
    where = ConfigurationRestAPI(api_key=sys.argv[2], api_secret=secret, base_path=sys.argv[1], retries=0)
    return kind(config_rest_api=where).rest_api


def refusal(verb: Any, **terms: Any) -> str:
    try:
        verb(**terms)
    except (BadRequestError, UnauthorizedError) as error:
        return f"{type(error).__name__} {error}"
    return "taken"


def spot() -> dict[str, Any]:
    api = client(Spot, secret=sys.argv[3])
    coin = {"symbol": "BTCUSDT"}
    bought = api.new_order(**coin, side="BUY", type="MARKET", quantity=0.01, new_client_order_id="s1").data()
    api.new_order(**coin, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=50000.0)
    api.new_order(**coin, side="SELL", type="STOP_LOSS", quantity=0.005, stop_price=59000.0)
    return {
        "listed": [one.symbol for one in api.exchange_info(**coin).data().symbols],
        "bought": [bought.status, bought.executed_qty, len(bought.fills)],
        "order": api.get_order(**coin, orig_client_order_id="s1").data().status,
        "open": sorted(one.type for one in api.get_open_orders(**coin).data()),
        "trades": [[one.qty, one.commission_asset, one.is_buyer] for one in api.my_trades(**coin).data()],
        "balances": {one.asset: [one.free, one.locked] for one in api.get_account().data().balances},
        "canceled": len(api.delete_open_orders(**coin).data()),
        "too much": refusal(api.new_order, **coin, side="SELL", type="MARKET", quantity=5.0),
        "wrong key": refusal(client(Spot, secret="wrong").get_account),
    }


def futures() -> dict[str, Any]:
    api = client(DerivativesTradingUsdsFutures, secret=sys.argv[3])
    coin = {"symbol": "BTCUSDT"}
    api.change_initial_leverage(**coin, leverage=5)
    api.new_order(**coin, side="BUY", type="MARKET", quantity=0.02, new_client_order_id="f1")
    algo = {"algo_type": "CONDITIONAL", "side": "SELL", "type": "TRAILING_STOP_MARKET", "quantity": 0.02}
    trailing = api.new_algo_order(**coin, **algo, callback_rate=1.0, client_algo_id="t1").data()
    resting = {"side": "BUY", "time_in_force": "GTC", "quantity": 0.01, "price": 50000.0, "new_client_order_id": "l1"}
    api.new_order(**coin, type="LIMIT", **resting)
    amended = api.modify_order(**coin, orig_client_order_id="l1", side="BUY", quantity=0.02, price=51000.0).data()
    return {
        "trailing": [trailing.algo_status, trailing.callback_rate],
        "amended": [amended.orig_qty, amended.price],
        "positions": [[one.position_amt, one.position_side] for one in api.position_information_v3().data()],
        "trades": [one.qty for one in api.account_trade_list(**coin).data()],
        "balance": [one.asset for one in api.futures_account_balance_v3().data()],
        "too much": refusal(api.new_order, **coin, side="BUY", type="MARKET", quantity=100.0),
    }


print(json.dumps({"spot": spot(), "futures": futures()}))
