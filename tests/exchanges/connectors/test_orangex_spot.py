"""What only OrangeX's spot connector does: buys at market as limits within reach, names with and without their ending."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.orangex.spot import OrangeXSpotConnector
from apps.exchanges.connectors.spot import within_reach
from cts.domain.errors import PayloadError
from cts.domain.types import OrderRequest, OrderType, Side
from tests.exchanges.connectors.orangex_script import call, connect
from tests.exchanges.connectors.scripted import fixture, scripted

BTC, NAME = "BTC/USDT", "BTC-USDT-SPOT"
BUY = OrderRequest(
    client_order_id="cid1", symbol=BTC, side=Side.BUY, order_type=OrderType.MARKET, quantity=Decimal("0.01")
)
TICKER = fixture("orangex-spot", "ticker")["calls"][0]["answer"]["result"][0]
ROW = fixture("orangex-spot", "order")["calls"][0]["answer"]["result"][1]


def connected(*calls: dict[str, Any]) -> OrangeXSpotConnector:
    made = scripted("orangex-spot", list(calls))
    assert isinstance(made, OrangeXSpotConnector)
    return made


def lost(**changes: Any) -> Any:
    """What became of BUY, listed without its name."""
    terms = {"amount": "0.01", "price": "61800.2", "filled_amount": "0.01", "average_price": "60000.2"}
    times = {"creation_timestamp": 1_700_000_000_900, "order_state": "filled"}
    return ROW | terms | times | {"custom_order_id": "-"} | changes


@pytest.mark.parametrize(
    ("bid", "ask", "price"),
    [("60000.10", "60000.30", "61800.30"), ("0.001234", "0.001235", "0.001272"), ("3", "4", "4"), (None, "100", "103")],
)
def test_reach_is_three_percent_on_the_grid_of_the_quotes_and_never_below_the_ask(
    bid: str | None, ask: str, price: str
) -> None:
    assert within_reach(None if bid is None else Decimal(bid), Decimal(ask)) == Decimal(price)


def test_sale_at_market_is_one_and_a_purchase_is_a_limit_that_does_not_wait() -> None:
    connector = connected(call("public/tickers", [TICKER]))
    bought = json.loads(connector.order_request_bytes(BUY).body)["params"]
    assert (bought["type"], bought["price"], bought["time_in_force"], bought["amount"]) == (
        "limit",
        "61800.2",
        "immediate_or_cancel",
        "0.01",
    )
    sold = json.loads(connector.order_request_bytes(msgspec.structs.replace(BUY, side=Side.SELL)).body)["params"]
    assert (sold["type"], "price" in sold, "position_side" in sold) == ("market", False, False)
    connector.close()


def test_purchase_at_market_is_told_as_one_by_its_name() -> None:
    connector = connected(call("public/tickers", [TICKER]))
    connector.order_request_bytes(BUY)
    told = connector.parse_order(lost(custom_order_id="cid1"))
    assert (told.order_type, told.price, told.average_price) == (OrderType.MARKET, None, Decimal("60000.2"))
    other = connector.parse_order(lost(custom_order_id="cid2"))
    assert (other.order_type, other.price) == (OrderType.LIMIT, Decimal("61800.2"))


def test_purchase_at_market_whose_answer_says_nothing_is_known_by_its_terms() -> None:
    connector = connected(
        call("private/buy", answer={"jsonrpc": "2.0", "usOut": 1_700_000_000_500}),
        call("private/get_open_orders_by_instrument", []),
        call("private/get_order_history_by_instrument", [lost()]),
    )
    with pytest.raises(Exception, match="neither a result nor an error"):
        connector.place(BUY)
    told = connector.order(BTC, client_order_id="cid1")
    assert (told.client_order_id, told.order_type, told.quantity) == ("cid1", OrderType.MARKET, Decimal("0.01"))
    connector.close()


def test_without_a_quote_nothing_is_sent() -> None:
    connector = connected(call("public/tickers", [TICKER | {"best_ask_price": None}]))
    with pytest.raises(PayloadError, match="best_ask_price"):
        connector.order_request_bytes(BUY)
    connector.close()


@pytest.mark.parametrize("name", ["BTC-USDT", NAME])
def test_tickers_are_read_with_and_without_the_ending_of_the_name(name: str) -> None:
    assert connected().parse_ticker(TICKER | {"instrument_name": name}).symbol == BTC


def test_what_is_traded_in_coins_is_not_asked_for_as_a_contract() -> None:
    spot, contracts = connected(), connect([call("private/get_positions", [])])
    contracts.placed.wish(BUY, at_ms=1_700_000_000_500)
    spot.placed = contracts.placed
    assert contracts._traded_here() == []
    assert spot._traded_here() == [BTC]
