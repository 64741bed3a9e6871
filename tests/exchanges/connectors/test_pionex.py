"""What only Pionex does: orders looked up before they are canceled, batches, lists that are paged backwards."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from apps.exchanges.connectors.pionex import PionexConnector, ledger
from cts.domain.errors import AmbiguousResult, AuthFailed, ExchangeError, OrderNotFound, Rejected, Unsupported
from cts.domain.types import (
    OrderAck,
    OrderRequest,
    OrderType,
    PositionMode,
    Side,
    TimeInForce,
    VenueOrder,
)
from cts.domain.venue import AmendRequest, FundingPayment, FundingRate
from tests.exchanges.connectors.scripted import ScriptedTransport, fixture, scripted

BTC, NAME = "BTC/USDT:USDT", "BTC_USDT_PERP"
NOW_MS = 1_700_000_000_500
HOUR_MS = 3_600_000


def answered(data: Any) -> dict[str, Any]:
    return {"result": True, "timestamp": NOW_MS, "data": data}


def call(method: str, path: str, data: Any, **expected: Any) -> dict[str, Any]:
    return {"method": method, "path": path, "answer": answered(data), **expected}


def limit(client_id: str, *, symbol: str = BTC, **changes: Any) -> OrderRequest:
    wanted = OrderRequest(
        client_order_id=client_id,
        symbol=symbol,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal("0.01"),
        price=Decimal(59000),
    )
    return msgspec.structs.replace(wanted, **changes)


# --- orders ------------------------------------------------------------------------------------------------------------
def test_order_whose_client_id_is_forgotten_is_found_among_the_open_ones() -> None:
    script = fixture("pionex", "order_forgotten")
    connector = scripted("pionex", script["calls"])
    assert connector.order(BTC, client_order_id="cid1") == msgspec.convert(script["expected"], VenueOrder)
    connector.close()


def test_order_seen_once_is_asked_for_and_canceled_by_the_venues_id() -> None:
    row = fixture("pionex", "order")["calls"][0]["answer"]["data"]
    by_id = call("GET", "/uapi/v1/trade/order", row, **{"with": {"orderId": str(row["orderId"])}})
    cancel = call("DELETE", "/uapi/v1/trade/order", None, exactly={"symbol": NAME, "orderId": row["orderId"]})
    connector = scripted("pionex", [*fixture("pionex", "order")["calls"], by_id, cancel])
    for _ in range(2):
        assert connector.order(BTC, client_order_id="cid1").client_order_id == "cid1"
    connector.cancel(BTC, client_order_id="cid1")
    connector.close()


def test_order_that_is_over_is_not_canceled() -> None:
    connector = scripted("pionex", fixture("pionex", "order_final")["calls"])
    with pytest.raises(OrderNotFound, match="canceled"):
        connector.cancel(BTC, client_order_id="cid1")
    connector.close()


def test_id_that_is_no_number_is_no_order_here() -> None:
    with pytest.raises(OrderNotFound):
        scripted("pionex").cancel(BTC, client_order_id="", venue_order_id="abc")


@pytest.mark.parametrize(
    ("status", "size", "filled", "wanted"),
    [
        ("OPEN", "0.1", "0", "accepted"),
        ("OPEN", "0.1", "0.04", "partially_filled"),
        ("CLOSED", "0.1", "0.1", "filled"),
        ("CLOSED", "0.1", "0.04", "canceled"),
        ("CLOSED", "0.1", "0", "canceled"),
        ("CLOSED", "0", "0", "rejected"),
    ],
)
def test_what_became_of_an_order_is_told_by_its_sizes(status: str, size: str, filled: str, wanted: str) -> None:
    row = fixture("pionex", "order")["calls"][0]["answer"]["data"]
    order = scripted("pionex").parse_order(row | {"status": status, "size": size, "filledSize": filled})
    assert (order.status, order.quantity) == (wanted, Decimal("0.1"))


def test_nothing_of_an_order_can_be_amended() -> None:
    connector = scripted("pionex")
    unchanged = AmendRequest(symbol=BTC, client_order_id="cid1")
    for name in ("price", "quantity", "trigger_price"):
        with pytest.raises(Unsupported):
            connector.amend(msgspec.structs.replace(unchanged, **{name: Decimal(1)}))
    with pytest.raises(Unsupported):
        connector.key_rights()


# --- batches -----------------------------------------------------------------------------------------------------------
def test_resting_orders_of_a_symbol_go_together_and_the_rest_alone() -> None:
    def worded(client_id: str) -> dict[str, str]:
        return {"side": "BUY", "type": "LIMIT", "size": "0.01", "clientOrderId": client_id, "price": "59000"}

    market = call("POST", "/uapi/v1/trade/order", {"orderId": 3})
    batch = call(
        "POST",
        "/uapi/v1/trade/massOrder",
        {"orderIds": [{"orderId": 2, "clientOrderId": "c2"}, {"orderId": 1, "clientOrderId": "c1"}]},
        exactly={"symbol": NAME, "orders": [worded("c1"), worded("c2"), worded("c4")]},
    )
    alone = call("POST", "/uapi/v1/trade/order", {"orderId": 5})
    connector = scripted("pionex", [market, batch, alone], mode=PositionMode.ONE_WAY)
    outcomes = connector.place_many(
        [
            limit("c1"),
            limit("c3", order_type=OrderType.MARKET, price=None),
            limit("c2"),
            limit("c5", symbol="ETH/USDT:USDT"),
            limit("c4"),
        ]
    )
    ids = [outcome.venue_order_id for outcome in outcomes if isinstance(outcome, OrderAck)]
    assert ids == ["1", "3", "2", "5"]
    # The venue's answer leaves one out: whether it took it can't be known.
    assert isinstance(outcomes[4], AmbiguousResult)
    connector.close()


def test_more_than_a_batch_holds_goes_in_several() -> None:
    def taken(numbers: range) -> dict[str, Any]:
        rows = [{"orderId": number + 1, "clientOrderId": f"c{number}"} for number in numbers]
        return call("POST", "/uapi/v1/trade/massOrder", {"orderIds": rows})

    connector = scripted("pionex", [taken(range(20)), taken(range(20, 22))])
    outcomes = connector.place_many([limit(f"c{number}") for number in range(22)])
    assert all(isinstance(outcome, OrderAck) for outcome in outcomes)
    connector.close()


@pytest.mark.parametrize("answer", [{"raises": AmbiguousResult("timed out")}, {"answer": answered({"nothing": []})}])
def test_batch_whose_answer_is_lost_or_unreadable_is_sent_once(answer: dict[str, Any]) -> None:
    connector = scripted("pionex", [call("POST", "/uapi/v1/trade/massOrder", None) | answer])
    outcomes = connector.place_many([limit("c1"), limit("c2")])
    assert [type(outcome) for outcome in outcomes] == [AmbiguousResult, AmbiguousResult]
    connector.close()


def refused(path: str, code: str) -> dict[str, Any]:
    answer = {"result": False, "code": code, "message": "no", "timestamp": NOW_MS // 1000}
    return {"method": "POST", "path": f"/uapi/v1/trade/{path}", "answer": answer}


def test_orders_of_a_refused_batch_are_asked_for_one_by_one() -> None:
    """One that was taken all the same is known by its repeated id."""
    poor = "TRADE_NOT_ENOUGH_MONEY"
    taken = call("POST", "/uapi/v1/trade/order", {"orderId": 1})
    repeated = refused("order", "TRADE_REPEAT_CLIENT_ORDER_ID")
    connector = scripted("pionex", [refused("massOrder", poor), taken, refused("order", poor), repeated])
    outcomes = connector.place_many([limit(f"c{number}") for number in range(3)])
    assert [type(outcome) for outcome in outcomes] == [OrderAck, Rejected, AmbiguousResult]
    connector.close()


@pytest.mark.parametrize(("code", "kind"), [("PERMISSION_DENIED", AuthFailed), ("TRADE_UNHEARD_OF", AmbiguousResult)])
def test_batch_refused_for_another_reason_is_not_repeated(code: str, kind: type[ExchangeError]) -> None:
    connector = scripted("pionex", [refused("massOrder", code)])
    outcomes = connector.place_many([limit("c1"), limit("c2")])
    assert [type(outcome) for outcome in outcomes] == [kind, kind]
    connector.close()


def test_order_that_is_wrong_in_itself_does_not_spoil_the_others() -> None:
    placed = call("POST", "/uapi/v1/trade/order", {"orderId": 1})
    connector = scripted("pionex", [placed])
    outcomes = connector.place_many([limit("c1"), limit("c2", quantity=Decimal(0))])
    assert [type(outcome) for outcome in outcomes] == [OrderAck, Rejected]
    connector.close()


def test_orders_that_may_not_rest_are_no_batch() -> None:
    placed = call("POST", "/uapi/v1/trade/order", {"orderId": 1})
    connector = scripted("pionex", [placed, placed])
    outcomes = connector.place_many([limit(f"c{n}", time_in_force=TimeInForce.IOC) for n in range(2)])
    assert all(isinstance(outcome, OrderAck) for outcome in outcomes)
    connector.close()


# --- the past ----------------------------------------------------------------------------------------------------------
def fill_row(number: int, order_id: int, at_ms: int) -> dict[str, Any]:
    row = dict(fixture("pionex", "fills")["calls"][0]["answer"]["data"]["fills"][1])
    return row | {"id": number, "orderId": order_id, "timestamp": at_ms}


def order_row(order_id: int, client_id: str) -> dict[str, Any]:
    row = dict(fixture("pionex", "order")["calls"][0]["answer"]["data"])
    return row | {"orderId": order_id, "clientOrderId": client_id}


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PionexConnector, "fills_page", 2)
    monkeypatch.setattr(PionexConnector, "fills_limit", {"limit": 2})


@pytest.mark.usefixtures("short_pages")
def test_fills_are_paged_to_the_end_and_named_by_the_page() -> None:
    start = NOW_MS - HOUR_MS
    fills = [fill_row(number, number, start + number) for number in range(1, 5)]

    def page(rows: list[dict[str, Any]], end_ms: int) -> dict[str, Any]:
        terms = {"startTime": str(start), "endTime": str(end_ms), "limit": "2"}
        return call("GET", "/uapi/v1/trade/fills", {"fills": rows}, **{"with": terms})

    script = [
        page([fills[3], fills[2]], NOW_MS + 1000),
        page([fills[2], fills[1]], start + 4),
        page([fills[1], fills[0]], start + 3),
        page([fills[0]], start + 2),
        call("GET", "/uapi/v1/trade/historyOrders", {"orders": [order_row(n, f"c{n}") for n in (1, 2)]}),
        call("GET", "/uapi/v1/trade/openOrders", {"orders": [order_row(3, "c3")]}),
        call("GET", "/uapi/v1/trade/order", order_row(4, "c4")),
    ]
    connector = scripted("pionex", script)
    found = connector.fills(BTC, since_ms=start)
    assert [(fill.venue_trade_id, fill.client_order_id) for fill in found] == [(f"{n}", f"c{n}") for n in (1, 2, 3, 4)]
    connector.close()


@pytest.mark.usefixtures("short_pages")
def test_fills_of_an_order_beyond_a_page_are_found_by_time() -> None:
    made = 1_684_738_540_559
    rows = [fill_row(number, 7, made + number) for number in (3, 2, 1)]
    other = fill_row(9, 8, made + 2)
    script = [
        call("GET", "/uapi/v1/trade/fillsByOrderId", {"fills": rows[:2]}, **{"with": {"orderId": "7"}}),
        call("GET", "/uapi/v1/trade/order", order_row(7, "c7")),
        call("GET", "/uapi/v1/trade/fills", {"fills": [rows[0], other]}, **{"with": {"startTime": str(made)}}),
        call("GET", "/uapi/v1/trade/fills", {"fills": rows[1:]}),
        call("GET", "/uapi/v1/trade/fills", {"fills": rows[2:]}),
    ]
    connector = scripted("pionex", script)
    found = connector.fills(BTC, venue_order_id="7")
    assert [fill.venue_trade_id for fill in found] == ["1", "2", "3"]
    connector.close()


@pytest.mark.parametrize("since_ms", [None, 1_699_900_000_000])
def test_funding_rates_come_ascending_and_the_newest_of_them(since_ms: int | None) -> None:
    script = fixture("pionex", "funding_rates_since" if since_ms else "funding_rates")
    connector = scripted("pionex", script["calls"])
    found = connector.funding_rates(BTC, since_ms=since_ms, limit=2)
    assert found == msgspec.convert(script["expected"], list[FundingRate])
    connector.close()


def test_funding_rates_are_paged_back_to_the_time_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "RATES_PAGE", 2)

    def page(end_ms: int, *numbers: int) -> dict[str, Any]:
        rows = [{"fundingRate": "-0.0001", "fundingTime": n * HOUR_MS} for n in numbers]
        return call("GET", "/api/v1/market/fundingRates", {"rates": rows}, **{"with": {"endTime": str(end_ms)}})

    connector = scripted("pionex", [page(NOW_MS, 9, 8), page(8 * HOUR_MS, 7, 6)])
    found = connector.funding_rates(BTC, since_ms=7 * HOUR_MS)
    assert [rate.at_ms // HOUR_MS for rate in found] == [7, 8, 9]
    connector.close()


def test_funding_paid_is_negative_and_received_positive() -> None:
    script = fixture("pionex", "funding_payments")
    connector = scripted("pionex", script["calls"])
    found = connector.funding_payments(since_ms=1_699_990_000_000)
    assert found == msgspec.convert(script["expected"], list[FundingPayment])
    connector.close()
    none = call("GET", "/uapi/v1/trade/fundingFee", {"fundings": None})
    assert scripted("pionex", [none]).funding_payments() == []


def test_instruments_are_listed_without_their_tiers_too() -> None:
    calls = fixture("pionex", "instruments")["calls"]
    absent = {"method": "GET", "path": calls[1]["path"], "status": 404, "answer": {"error_msg": "404"}}
    found = scripted("pionex", [calls[0], absent]).instruments()
    assert [instrument.max_leverage for instrument in found] == [100, 100]


def test_leverage_the_venue_set_otherwise_is_no_success() -> None:
    other = call("POST", "/uapi/v1/account/leverage", {"symbol": NAME, "leverage": "5"})
    with pytest.raises(Rejected, match="5 instead of 7"):
        scripted("pionex", [other]).set_leverage(BTC, leverage=7, margin_mode=None)  # type: ignore[arg-type]


def test_bucket_the_venue_calls_empty_is_waited_for() -> None:
    ticker = fixture("pionex", "ticker")
    told = [row | {"headers": {"x-ratelimit-tokens": "3"}} for row in ticker["calls"]]
    connector = scripted("pionex", told)
    assert len(connector.tickers([BTC])) == 1
    assert isinstance(connector._transport, ScriptedTransport)
    assert len(connector._transport.sent) == 3
