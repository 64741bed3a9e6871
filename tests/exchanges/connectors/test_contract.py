"""What every connector does, checked against payloads of its venue and values worked out by hand."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from apps.exchanges.connectors.base import Connector
from apps.exchanges.connectors.spec import Capability
from cts.domain import errors
from cts.domain.errors import (
    AmbiguousResult,
    AuthFailed,
    OrderNotFound,
    RateLimited,
    Rejected,
    Unavailable,
    Unsupported,
)
from cts.domain.types import (
    Balance,
    Candle,
    Environment,
    Instrument,
    MarginMode,
    Market,
    OrderAck,
    OrderRequest,
    OrderType,
    PositionMode,
    Side,
    Ticker,
    TimeInForce,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from cts.domain.venue import AmendRequest, CancelRequest, FundingPayment, FundingRate, KeyRights
from tests.exchanges.connectors.scripted import PLACES, ScriptedTransport, btc, fixture, parameters, scripted, spec_of

BTC = "BTC/USDT:USDT"
READS: dict[str, tuple[Callable[[Connector], Any], Any]] = {
    "time": (lambda c: c.server_time_ms(), int),
    "instruments": (lambda c: c.instruments(), list[Instrument]),
    "tickers": (lambda c: c.tickers(), list[Ticker]),
    "ticker": (lambda c: c.tickers([btc(c)]), list[Ticker]),
    "candles": (lambda c: c.candles(btc(c), timeframe_s=60, limit=3), list[Candle]),
    "balances": (lambda c: c.balances(), list[Balance]),
    "positions": (lambda c: c.positions(), list[VenuePosition]),
    "position_mode": (lambda c: c.position_mode(), PositionMode),
    "order": (lambda c: c.order(btc(c), client_order_id="cid1"), VenueOrder),
    "order_final": (lambda c: c.order(btc(c), client_order_id="cid1"), VenueOrder),
    "order_conditional": (lambda c: c.order(btc(c), client_order_id="cid1", is_conditional=True), VenueOrder),
    "open_orders": (lambda c: c.open_orders(btc(c)), list[VenueOrder]),
    "fills": (lambda c: c.fills(btc(c), since_ms=1_699_990_000_000), list[VenueFill]),
}
OPTIONAL_READS: dict[str, tuple[Capability, Callable[[Connector], Any], Any]] = {
    "funding_rates": (Capability.FUNDING_HISTORY, lambda c: c.funding_rates(btc(c), limit=2), list[FundingRate]),
    "funding_rates_since": (
        Capability.FUNDING_HISTORY,
        lambda c: c.funding_rates(btc(c), since_ms=1_699_900_000_000, limit=2),
        list[FundingRate],
    ),
    "funding_payments": (
        Capability.FUNDING_PAYMENTS,
        lambda c: c.funding_payments(since_ms=1_699_990_000_000),
        list[FundingPayment],
    ),
    "key_rights": (Capability.KEY_RIGHTS, lambda c: c.key_rights(), KeyRights),
}
AMENDMENTS: dict[Capability, dict[str, Any]] = {
    Capability.AMEND_PRICE: {"price": Decimal(59000)},
    Capability.AMEND_QUANTITY: {"quantity": Decimal("0.02")},
    Capability.AMEND_TRIGGER: {"trigger_price": Decimal(58000), "is_conditional": True},
}
WRITES: dict[str, Callable[[Connector], None]] = {
    "cancel": lambda c: c.cancel(btc(c), client_order_id="cid1"),
    "cancel_conditional": lambda c: c.cancel(btc(c), client_order_id="cid1", is_conditional=True),
    "cancel_by_venue_id": lambda c: c.cancel(btc(c), client_order_id="", venue_order_id="77"),
    "cancel_all": lambda c: c.cancel_all(btc(c)),
    "set_leverage": lambda c: c.set_leverage(btc(c), leverage=7, margin_mode=MarginMode.CROSS),
    "set_leverage_already": lambda c: c.set_leverage(btc(c), leverage=7, margin_mode=MarginMode.CROSS),
    "set_margin_mode": lambda c: c.set_margin_mode(btc(c), margin_mode=MarginMode.ISOLATED, leverage=7),
    "set_position_mode": lambda c: c.set_position_mode(PositionMode.HEDGE),
    "set_position_mode_already": lambda c: c.set_position_mode(PositionMode.HEDGE),
}
# Venues whose calls carry a token in place of a signature.
BY_TOKEN = {"orangex", "orangex-spot"}
LIMIT = OrderRequest(
    client_order_id="cid1",
    symbol=BTC,
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    quantity=Decimal("0.010"),
    price=Decimal("60000.10"),
)


MISSING = {
    OrderType.STOP_MARKET: Capability.CONDITIONAL,
    OrderType.TAKE_PROFIT_MARKET: Capability.CONDITIONAL,
    OrderType.TRAILING_STOP: Capability.TRAILING_STOP,
}
FORCES = {
    TimeInForce.IOC: Capability.IMMEDIATE_OR_CANCEL,
    TimeInForce.FOK: Capability.FILL_OR_KILL,
    TimeInForce.POST_ONLY: Capability.POST_ONLY,
}


def limit(exchange: str, **changes: Any) -> OrderRequest:
    return msgspec.structs.replace(LIMIT, symbol=btc(exchange), **changes)


def order_of(exchange: str, order_type: OrderType, **changes: Any) -> OrderRequest:
    trigger = Decimal(59000) if order_type.is_conditional else None
    price = LIMIT.price if order_type is OrderType.LIMIT else None
    trail = Decimal("0.01") if order_type is OrderType.TRAILING_STOP else None
    terms = {"price": price, "trigger_price": trigger, "trail_ratio": trail} | changes
    return limit(exchange, order_type=order_type, **terms)


# The trigger's side of the price makes the difference there, and nothing else.
ONE_WORD_FOR_STOP_AND_TARGET = {"bingx-spot", "bybit-spot"}
# What a spot market hasn't: refused before anything is sent, or empty.
NOT_SPOT = {
    *("positions", "position_mode", "set_leverage", "set_leverage_already", "set_margin_mode"),
    *("set_position_mode", "set_position_mode_already"),
}


def is_absent(exchange: str, verb: str) -> bool:
    if "conditional" in verb:
        return not spec_of(exchange).can(Capability.CONDITIONAL)
    return spec_of(exchange).market is Market.SPOT and verb in NOT_SPOT


def _assert_no_such_thing(exchange: str, verb: Callable[[Connector], Any]) -> None:
    connector = scripted(exchange)
    if verb is READS["positions"][0]:
        assert verb(connector) == []
    else:
        with pytest.raises(Unsupported):
            verb(connector)
    connector.close()


def test_spot_market_says_what_it_has_not(exchange: str) -> None:
    spec = spec_of(exchange)
    if spec.market is not Market.SPOT:
        assert spec.suffix == "/USDT:USDT"
        return
    assert spec.suffix == "/USDT"
    lacking = {Capability.LEVERAGE, Capability.MARGIN_MODE, Capability.HEDGE, Capability.POSITION_MODE_SET}
    lacking |= {Capability.FUNDING_HISTORY, Capability.FUNDING_PAYMENTS, Capability.REDUCE_ONLY_IN_HEDGE}
    assert not lacking & spec.capabilities
    assert scripted(exchange).positions() == []
    with pytest.raises(Unsupported, match="reduce-only"):
        scripted(exchange).place(limit(exchange, is_reduce_only=True))


@pytest.mark.parametrize("kind", MISSING)
def test_kind_of_order_the_venue_lacks_is_refused_before_anything_is_sent(exchange: str, kind: OrderType) -> None:
    connector = scripted(exchange)
    if connector.spec.can(MISSING[kind]):
        assert connector.order_request_bytes(order_of(exchange, kind)).path
        return
    with pytest.raises(Unsupported):
        connector.place(order_of(exchange, kind))
    connector.close()


@pytest.mark.parametrize("verb", READS)
def test_read_gives_the_values_worked_out_by_hand(exchange: str, verb: str) -> None:
    read, kind = READS[verb]
    if is_absent(exchange, verb):
        _assert_no_such_thing(exchange, read)
        return
    script = fixture(exchange, verb)
    connector = scripted(exchange, script["calls"])
    assert read(connector) == msgspec.convert(script["expected"], kind)
    connector.close()


@pytest.mark.parametrize("verb", OPTIONAL_READS)
def test_read_not_every_venue_has_gives_the_values_worked_out_by_hand_or_is_refused(exchange: str, verb: str) -> None:
    capability, read, kind = OPTIONAL_READS[verb]
    if not scripted(exchange).spec.can(capability):
        with pytest.raises(Unsupported):
            read(scripted(exchange))
        return
    script = fixture(exchange, verb)
    connector = scripted(exchange, script["calls"])
    assert read(connector) == msgspec.convert(script["expected"], kind)
    connector.close()


@pytest.mark.parametrize("capability", AMENDMENTS)
def test_amendment_the_venue_lacks_is_refused_before_anything_is_sent(exchange: str, capability: Capability) -> None:
    connector = scripted(exchange)
    wanted = AmendRequest(symbol=btc(exchange), client_order_id="cid1", **AMENDMENTS[capability])
    if not connector.spec.can(capability):
        with pytest.raises(Unsupported):
            connector.amend(wanted)
        return
    cases = fixture(exchange, "amend")
    term = next(iter(AMENDMENTS[capability]))
    assert any(case["request"].get(term) for case in cases)
    for case in cases:
        connector = scripted(exchange, case["calls"])
        connector.amend(msgspec.convert(case["request"], AmendRequest))
        connector.close()


def test_amendment_of_nothing_or_of_nonsense_is_refused(exchange: str) -> None:
    nonsense: list[dict[str, Any]] = [{}, {"price": Decimal(0)}, {"quantity": Decimal("NaN")}]
    for terms in nonsense:
        with pytest.raises(Rejected):
            scripted(exchange).amend(AmendRequest(symbol=btc(exchange), client_order_id="cid1", **terms))


def named(exchange: str, client_id: str) -> OrderRequest:
    return limit(exchange, client_order_id=client_id)


def test_every_order_of_many_has_an_outcome_of_its_own(exchange: str) -> None:
    """One the venue takes, one that never leaves, one the venue refuses; in a batch where it takes batches."""
    script = fixture(exchange, "batches")["place"]
    connector = scripted(exchange, script["calls"])
    taken, unsent, refused = connector.place_many(
        [named(exchange, "many1"), named(exchange, "Many2"), named(exchange, "many3")]
    )
    connector.close()
    assert isinstance(taken, OrderAck)
    assert (taken.client_order_id, taken.venue_order_id) == ("many1", script["venue_order_id"])
    assert type(unsent) is Rejected
    assert type(refused).__name__ == script["error"]


def test_many_orders_whose_answer_is_lost_are_all_ambiguous(exchange: str) -> None:
    lost = [call | {"raises": AmbiguousResult("timed out")} for call in fixture(exchange, "batches")["place"]["calls"]]
    connector = scripted(exchange, lost)
    assert {
        type(outcome) for outcome in connector.place_many([named(exchange, "many1"), named(exchange, "many3")])
    } == {AmbiguousResult}
    connector.close()


def test_every_cancel_of_many_has_an_outcome_of_its_own(exchange: str) -> None:
    script = fixture(exchange, "batches")["cancel"]
    connector = scripted(exchange, script["calls"])
    requests = [CancelRequest(symbol=btc(exchange), client_order_id=client_id) for client_id in ("many1", "gone")]
    done, gone = connector.cancel_many(requests)
    connector.close()
    assert done is None
    assert type(gone) is OrderNotFound


def test_many_orders_are_split_into_batches_the_venue_takes(exchange: str) -> None:
    connector = scripted(exchange)
    if not connector.spec.can(Capability.BATCH_PLACE):
        assert connector.spec.batch_max == 1
        return
    sizes: list[int] = []

    def send(requests: list[OrderRequest]) -> list[OrderAck]:
        sizes.append(len(requests))
        return [OrderAck(client_order_id=request.client_order_id, venue_order_id="1") for request in requests]

    connector._place_batch = send  # type: ignore[assignment, method-assign]
    most = connector.spec.batch_max
    outcomes = connector.place_many([named(exchange, f"many{n}") for n in range(2 * most + 1)])
    assert sizes == [most, most, 1]
    assert [outcome.client_order_id for outcome in outcomes if isinstance(outcome, OrderAck)] == [
        f"many{n}" for n in range(2 * most + 1)
    ]


def test_order_that_no_source_knows_is_not_found(exchange: str) -> None:
    script = fixture(exchange, "order_absent")
    connector = scripted(exchange, script["calls"])
    with pytest.raises(OrderNotFound):
        connector.order(btc(exchange), client_order_id="cid1")
    connector.close()


APART = [name for name in PLACES if spec_of(name).can(Capability.CONDITIONAL_SEPARATE)]


@pytest.mark.parametrize("exchange", APART)
def test_triggered_conditional_order_is_told_with_the_fills_of_what_it_became(exchange: str) -> None:
    script = fixture(exchange, "order_triggered")
    connector = scripted(exchange, script["calls"])
    order = connector.order(btc(exchange), client_order_id="cid1", is_conditional=True)
    assert order == msgspec.convert(script["expected"], VenueOrder)
    connector.close()


@pytest.mark.parametrize("verb", WRITES)
def test_write_sends_exactly_what_the_venue_expects(exchange: str, verb: str) -> None:
    if is_absent(exchange, verb):
        _assert_no_such_thing(exchange, WRITES[verb])
        return
    connector = scripted(exchange, fixture(exchange, "writes")[verb]["calls"])
    WRITES[verb](connector)
    connector.close()


def test_place_sends_exactly_what_the_venue_expects(exchange: str) -> None:
    cases = fixture(exchange, "place")
    can = scripted(exchange).spec.can
    wanted = {kind for kind in OrderType if kind not in MISSING or can(MISSING[kind])} - {OrderType.TAKE_PROFIT_MARKET}
    assert {case["request"]["order_type"] for case in cases} >= wanted
    for case in cases:
        connector = scripted(exchange, [case["call"]], mode=PositionMode(case["mode"]))
        ack = connector.place(msgspec.convert(case["request"], OrderRequest))
        assert (ack.client_order_id, ack.venue_order_id) == ("cid1", case["venue_order_id"])
        connector.close()


def test_every_kind_side_and_force_is_worded_differently(exchange: str) -> None:
    connector = scripted(exchange, mode=PositionMode.ONE_WAY)
    kinds = [kind for kind in OrderType if kind not in MISSING or connector.spec.can(MISSING[kind])]
    if exchange in ONE_WORD_FOR_STOP_AND_TARGET:
        kinds.remove(OrderType.TAKE_PROFIT_MARKET)
    forces = [force for force in TimeInForce if force not in FORCES or connector.spec.can(FORCES[force])]
    orders = [order_of(exchange, kind, side=side) for kind in kinds for side in Side]
    orders += [order_of(exchange, OrderType.LIMIT, time_in_force=force, side=side) for force in forces for side in Side]
    words = set()
    for order in orders:
        sent = connector.order_request_bytes(order)
        told = parameters(sent)
        words.add((urlsplit(sent.path).path, *sorted((k, str(v)) for k, v in told.items() if k != "signature")))
    # GTC limits appear in both lists.
    assert len(words) == len(orders) - len(Side)


def test_signature_covers_the_very_bytes_that_leave(exchange: str) -> None:
    connector = scripted(exchange, fixture(exchange, "balances")["calls"] if exchange in BY_TOKEN else None)
    one = connector.order_request_bytes(limit(exchange))
    other = connector.order_request_bytes(limit(exchange, quantity=Decimal("0.011")))

    if exchange in BY_TOKEN:
        assert one.headers["Authorization"] == other.headers["Authorization"] == "bearer "
        assert one.body != other.body
        connector.balances()
        assert connector.order_request_bytes(limit(exchange)).headers["Authorization"] == "bearer tok-1"
        return

    def signature(request: Any) -> str:
        told = (value for name, value in request.headers.items() if "SIGN" in name.upper())
        return str(next(told, None) or parameters(request).get("signature"))

    assert len(signature(one)) in (44, 64)  # base64, hexadecimal
    assert signature(one) != signature(other)
    assert signature(one) == signature(connector.order_request_bytes(limit(exchange)))


@pytest.mark.parametrize("client_id", ["", "Abc", "1abc", "a-b", "a" * 33, "a b", "aé"])
def test_client_id_that_is_not_portable_is_refused_before_anything_is_sent(exchange: str, client_id: str) -> None:
    connector = scripted(exchange)
    with pytest.raises(Rejected, match="client order id"):
        connector.place(limit(exchange, client_order_id=client_id))


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN"])
def test_quantity_that_is_not_above_zero_is_refused(exchange: str, quantity: str) -> None:
    with pytest.raises(Rejected):
        scripted(exchange).place(limit(exchange, quantity=Decimal(quantity)))


def test_symbol_of_another_market_is_refused(exchange: str) -> None:
    other = BTC if spec_of(exchange).market is Market.SPOT else "BTC/USDT"
    for symbol in (other, "BTC/USDC:USDC", "BTCUSDT", ""):
        with pytest.raises(Rejected):
            scripted(exchange).place(msgspec.structs.replace(LIMIT, symbol=symbol))


def test_symbols_go_out_and_come_back_the_same(exchange: str) -> None:
    connector = scripted(exchange)
    for symbol in (f"{base}{connector.spec.suffix}" for base in ("BTC", "1000PEPE", "币安人生")):
        assert connector.symbol({"symbol": connector.venue_symbol(symbol)}) == symbol


def test_private_call_without_a_key_fails_before_anything_is_sent(exchange: str) -> None:
    with pytest.raises(AuthFailed):
        scripted(exchange, credentials=None).balances()


def _case_call(exchange: str, table: dict[str, Any], case: dict[str, Any], verb: dict[str, Any]) -> dict[str, Any]:
    call = {"method": verb["method"], "path": verb["path"], "status": case.get("status", table["status"])}
    if "text" in case:
        return call | {"text": case["text"]}
    error = {table["code_field"]: case["code"], table["message_field"]: case["message"]}
    body = table["body"] | ({table["error_field"]: error} if "error_field" in table else error)
    return call | {"answer": body}


def test_venue_errors_become_the_five_by_table(exchange: str) -> None:
    table = fixture(exchange, "errors")
    for case in table["cases"]:
        call = _case_call(exchange, table, case, fixture(exchange, "place")[0]["call"])
        connector = scripted(exchange, [call, call])
        with pytest.raises(errors.ExchangeError) as caught:
            connector.place(limit(exchange))
        assert type(caught.value).__name__ == case["place"], case
        assert caught.value.exchange == spec_of(exchange).name


def test_same_errors_on_a_read_leave_nothing_ambiguous(exchange: str) -> None:
    table = fixture(exchange, "errors")
    for case in table["cases"]:
        call = _case_call(exchange, table, case, fixture(exchange, "balances")["calls"][0])
        connector = scripted(exchange, [call, call, call])
        with pytest.raises(errors.ExchangeError) as caught:
            connector.balances()
        assert type(caught.value).__name__ == case["read"], case


def test_ban_carries_the_time_the_venue_named_and_closes_the_address(exchange: str) -> None:
    table = fixture(exchange, "errors")
    case = next(case for case in table["cases"] if case.get("is_ban"))
    connector = scripted(exchange, [_case_call(exchange, table, case, fixture(exchange, "place")[0]["call"])])
    with pytest.raises(RateLimited) as caught:
        connector.place(limit(exchange))
    assert caught.value.is_ban
    if "retry_at_ms" in case:
        # A moment of the venue's clock, which stands still in another year: what counts is how long from its now.
        assert caught.value.retry_at is not None
        left_s = (caught.value.retry_at - datetime.now(UTC)).total_seconds()
        assert left_s == pytest.approx((case["retry_at_ms"] - connector.now_ms()) / 1000, abs=2)
    else:
        with pytest.raises(RateLimited, match="budget"):
            connector.tickers()


@pytest.mark.parametrize("exchange", sorted(set(PLACES) - BY_TOKEN))
def test_skew_error_syncs_the_clock_and_signs_again_once(exchange: str) -> None:
    table = fixture(exchange, "errors")
    code = next(code for code, kind in spec_of(exchange).errors.items() if kind == "resign")
    # As number or as text, as the venue spells its codes.
    case = {"code": type(table["cases"][0]["code"])(code), "message": "timestamp"}
    good = fixture(exchange, "place")[0]["call"]
    connector = scripted(exchange, [_case_call(exchange, table, case, good), good])
    assert connector.place(limit(exchange)).client_order_id == "cid1"
    assert isinstance(connector._transport, ScriptedTransport)
    # Two samples at first use, one where every reply is a further one; two more after the refusal.
    assert connector._transport.times_asked == (3 if connector.tells_time else 4)
    connector.close()


def test_ambiguous_place_is_never_sent_twice(exchange: str) -> None:
    good = fixture(exchange, "place")[0]["call"]
    connector = scripted(exchange, [good | {"raises": AmbiguousResult("timed out")}])
    with pytest.raises(AmbiguousResult):
        connector.place(limit(exchange))
    connector.close()


def test_unreadable_ack_is_ambiguous_not_lost(exchange: str) -> None:
    good = fixture(exchange, "place")[0]["call"]
    kept = {name: {} if isinstance(part, dict) else part for name, part in good["answer"].items()}
    answer = kept | {"orderId": None} | ({"data": [{}]} if isinstance(kept.get("data"), list) else {})
    with pytest.raises(AmbiguousResult):
        scripted(exchange, [good | {"answer": answer}]).place(limit(exchange))


def test_unavailable_read_is_repeated_and_given_up_after_three(exchange: str) -> None:
    script = fixture(exchange, "balances")
    down = script["calls"][0] | {"raises": Unavailable("down")}
    connector = scripted(exchange, [down, down, *script["calls"]])
    assert connector.balances() == msgspec.convert(script["expected"], list[Balance])
    with pytest.raises(Unavailable):
        scripted(exchange, [down, down, down]).balances()


def test_unavailable_cancel_is_repeated(exchange: str) -> None:
    calls = fixture(exchange, "writes")["cancel"]["calls"]
    connector = scripted(exchange, [calls[0] | {"raises": Unavailable("down")}, *calls])
    connector.cancel(btc(exchange), client_order_id="cid1")
    connector.close()


def test_timeframe_the_venue_lacks_is_refused(exchange: str) -> None:
    with pytest.raises(Rejected):
        scripted(exchange).candles(btc(exchange), timeframe_s=61)


def test_spec_names_everything_a_connection_needs(exchange: str) -> None:
    spec = spec_of(exchange)
    assert spec.name == exchange.partition("-")[0]
    assert {Environment.LIVE} <= set(spec.environments) <= {Environment.TESTNET, Environment.LIVE}
    for endpoints in spec.environments.values():
        assert endpoints.rest.startswith("https://")
        assert all(url.startswith("wss://") for urls in endpoints.ws.values() for url in urls)
        assert set(endpoints.ws) == set(spec.paper_ws_paths)
    assert 60 in spec.timeframes
    assert spec.keys_help
    assert all(url.startswith("https://") for url in (spec.keys_url, spec.docs_url))
    rules = {rule.name for rule in spec.rate_rules}
    assert len(rules) == len(spec.rate_rules)


def test_secrets_show_nowhere(exchange: str) -> None:
    connector = scripted(exchange)
    shown = repr(connector) + str(vars(connector)) + repr(connector._signer)
    assert "test-secret-5678" not in shown
    assert "test-passphrase-9012" not in shown
