"""Spot on the simulated venue: assets change hands, orders set money aside, nothing is made or lost."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cts.domain.matching import engine, liquidation, margin, spot, wallet
from cts.domain.matching.events import MoneyMoved, OrderUpdated, Refusal, Refused
from cts.domain.matching.state import Account, BookStatus, EntryKind, Order, Request, Rules
from cts.domain.types import Market, OrderType, PositionMode, Side, TimeInForce
from tests.domain.test_matching import BTC, D, Desk, quote

COIN = "BTC/USDT"


class SpotDesk(Desk):
    """An account with 10,000 USDT for spot, in the shared wallet or in one of its own."""

    def __init__(self, *, price: str = "60000", is_unified: bool = True, **policy: Any) -> None:
        super().__init__(price=price, is_wallet_unified=is_unified, **policy)
        self.venue.rules[COIN] = Rules(
            symbol=COIN,
            tick_size=D("0.1"),
            lot_step=D("0.001"),
            min_quantity=D("0.001"),
            max_quantity=D(1000),
            max_market_quantity=D(100),
            min_notional=D(5),
        )
        self.venue.quotes[COIN] = msgspec.structs.replace(quote(price), symbol=COIN)
        if not is_unified:
            self.events += spot.deposit(self.account, policy=self.venue.policy, asset="USDT", amount=D(10000), now_ms=0)

    def trade(self, side: str, quantity: str, price: str | None = None, **more: Any) -> Order:
        return self.place(side, quantity, price, symbol=COIN, **more)

    def trade_refusal(self, side: str, quantity: str, price: str | None = None, **more: Any) -> Refusal:
        return self.refusal(side, quantity, price, symbol=COIN, **more)

    def has(self, asset: str) -> Decimal:
        return wallet.total(self.account, asset, policy=self.venue.policy)

    def can_spend(self, asset: str) -> Decimal:
        return spot.available(self.account, asset, venue=self.venue)

    def move(self, price: str) -> None:
        self.now_ms += 1
        for symbol in (BTC, COIN):
            self.venue.quotes[symbol] = msgspec.structs.replace(quote(price), symbol=symbol)
            self.events += engine.on_quote(self.account, venue=self.venue, symbol=symbol, now_ms=self.now_ms)
        self.events += liquidation.liquidate(self.account, venue=self.venue, now_ms=self.now_ms)


WALLETS = pytest.mark.parametrize("is_unified", [True, False])


@WALLETS
def test_a_buy_pays_its_fee_in_what_it_got_and_a_sell_in_what_it_was_paid(is_unified: bool) -> None:
    desk = SpotDesk(is_unified=is_unified)
    desk.trade("buy", "0.1")
    (bought,) = desk.account.fills
    assert (bought.price, bought.fee, bought.fee_asset) == (D("60000.1"), D("0.0001"), "BTC")
    assert (desk.has("BTC"), desk.has("USDT")) == (D("0.0999"), D("3999.99"))
    desk.move("61000")
    desk.trade("sell", "0.099")
    sold = desk.account.fills[1]
    assert (sold.price, sold.fee, sold.fee_asset) == (D(61000), D("6.039"), "USDT")
    assert (desk.has("BTC"), desk.has("USDT")) == (D("0.0009"), D("10032.951"))
    assert not list(desk.account.open_legs())


def test_where_the_venue_takes_its_fee_in_quote_it_is_set_aside_with_the_price() -> None:
    desk = SpotDesk(is_spot_fee_in_quote=True)
    desk.trade("buy", "0.1", "50000")
    assert desk.can_spend("USDT") == D(4995)
    desk.move("49999.9")
    (fill,) = desk.account.fills
    assert (fill.fee, fill.fee_asset, desk.has("BTC"), desk.has("USDT")) == (D(5), "USDT", D("0.1"), D(4995))


@WALLETS
def test_open_orders_set_aside_what_they_may_cost(is_unified: bool) -> None:
    desk = SpotDesk(is_unified=is_unified)
    desk.trade("buy", "0.1")
    bid = desk.trade("buy", "0.05", "50000")
    ask = desk.trade("sell", "0.06", "65000")
    assert (desk.can_spend("USDT"), desk.can_spend("BTC")) == (D("1499.99"), D("0.0399"))
    assert desk.trade_refusal("buy", "0.03", "50000.1") is Refusal.INSUFFICIENT_BALANCE
    assert desk.trade_refusal("sell", "0.04") is Refusal.INSUFFICIENT_BALANCE
    for order in (bid, ask):
        engine.cancel(desk.account, order_id=order.id, now_ms=9)
    assert (desk.can_spend("USDT"), desk.can_spend("BTC")) == (D("3999.99"), D("0.0999"))


def test_an_order_at_a_better_price_gives_the_rest_back() -> None:
    desk = SpotDesk()
    desk.trade("buy", "0.1", "65000")
    assert (desk.has("USDT"), desk.can_spend("USDT")) == (D("3999.99"), D("3999.99"))


@pytest.mark.parametrize("quantity", ["0.2", "100"])
def test_more_than_is_held_is_refused(quantity: str) -> None:
    assert SpotDesk().trade_refusal("buy", quantity) is Refusal.INSUFFICIENT_BALANCE
    assert SpotDesk().trade_refusal("sell", "0.001") is Refusal.INSUFFICIENT_BALANCE


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"is_reduce_only": True}, Refusal.REDUCE_ONLY),
        ({"is_close_position": True}, Refusal.REDUCE_ONLY),
        ({"leg": "long"}, Refusal.POSITION_SIDE),
        ({"trail_ratio": D(1)}, Refusal.TRAIL),
    ],
)
def test_what_spot_has_not_is_refused(terms: dict[str, Any], reason: Refusal) -> None:
    assert SpotDesk().trade_refusal("buy", "0.1", **terms) is reason


def test_a_stop_that_sets_nothing_aside_finds_its_money_when_triggered_or_not_at_all() -> None:
    desk = SpotDesk()
    desk.trade("buy", "0.1")
    first = desk.trade("sell", "0.09", trigger_price="59000")
    second = desk.trade("sell", "0.09", trigger_price="58900")
    assert desk.can_spend("BTC") == D("0.0999")
    desk.move("58900")
    assert (first.status, second.status) == (BookStatus.FILLED, BookStatus.REJECTED)
    assert (second.reason, desk.has("BTC")) == ("insufficient_balance", D("0.0099"))


def test_a_stop_that_sets_its_money_aside_needs_it_from_the_start() -> None:
    desk = SpotDesk(is_spot_conditional_reserved=True)
    desk.trade("buy", "0.1")
    stop = desk.trade("sell", "0.09", trigger_price="59000")
    assert desk.can_spend("BTC") == D("0.0099")
    assert desk.trade_refusal("sell", "0.09", trigger_price="58900") is Refusal.INSUFFICIENT_BALANCE
    desk.move("59000")
    assert (stop.status, desk.has("BTC")) == (BookStatus.FILLED, D("0.0099"))


def test_an_amendment_counts_what_the_order_has_set_aside() -> None:
    desk = SpotDesk()
    order = desk.trade("buy", "0.15", "60000")
    amend: dict[str, Any] = {"venue": desk.venue, "order_id": order.id, "now_ms": 9}
    engine.amend(desk.account, **amend, quantity=D("0.16"))
    with pytest.raises(Refused) as refused:
        engine.amend(desk.account, **amend, quantity=D("0.167"))
    assert (refused.value.reason, order.quantity) == (Refusal.INSUFFICIENT_BALANCE, D("0.16"))


def test_one_wallet_backs_both_markets_and_two_know_nothing_of_each_other() -> None:
    shared, apart = SpotDesk(), SpotDesk(is_unified=False)
    for desk in (shared, apart):
        desk.trade("buy", "0.15", "60000")
    assert (shared.available(), apart.available()) == (D(1000), D(10000))
    assert shared.refusal("buy", "0.5") is Refusal.INSUFFICIENT_MARGIN
    apart.place("buy", "0.5")
    shared.place("buy", "0.3")
    assert shared.can_spend("USDT") == shared.available() < D(100)
    assert apart.can_spend("USDT") == D(1000)


def test_spot_orders_hinder_neither_modes_nor_funding_nor_liquidation() -> None:
    desk = SpotDesk(is_unified=False)
    waiting = desk.trade("buy", "0.01", "50000")
    liquidation.set_position_mode(desk.account, mode=PositionMode.HEDGE)
    liquidation.set_position_mode(desk.account, mode=PositionMode.ONE_WAY)
    desk.place("buy", "3")
    desk.move("56500")
    assert (desk.held(), desk.account.balance >= 0, waiting.status) == (D(0), True, BookStatus.NEW)


def test_what_perpetuals_lost_of_a_shared_wallet_no_spot_order_can_spend() -> None:
    desk = SpotDesk()
    desk.place("buy", "2")
    bid = desk.trade("buy", "0.05", "57000")
    desk.move("55800")
    desk.move("50000")
    assert desk.account.balance >= 0
    assert bid.status in (BookStatus.CANCELED, BookStatus.FILLED)


# --- what must hold whatever anybody does ---------------------------------------------------------------------------------
STEPS = st.lists(
    st.tuples(
        st.just("order"),
        st.sampled_from([COIN, COIN, BTC]),
        st.sampled_from(Side),
        st.integers(1, 300).map(lambda n: D(n) / 1000),
        st.none() | st.integers(-40, 40),
        st.sampled_from(TimeInForce),
        st.none() | st.integers(-40, 40).filter(bool),
    )
    | st.tuples(st.just("price"), st.integers(45_000, 75_000).map(str))
    | st.tuples(st.just("cancel"), st.integers(0, 5))
    | st.tuples(st.just("amend"), st.integers(0, 5), st.integers(1, 300).map(lambda n: D(n) / 1000)),
    max_size=40,
)
POLICIES = st.fixed_dictionaries(
    {
        "is_unified": st.booleans(),
        "is_spot_fee_in_quote": st.booleans(),
        "is_spot_conditional_reserved": st.booleans(),
    }
)


def act(desk: SpotDesk, number: int, step: tuple[Any, ...]) -> None:
    account, open_ids = desk.account, list(desk.account.open_orders)
    desk.now_ms = number + 1
    try:
        if step[0] == "order":
            _, symbol, side, quantity, offset, force, trigger = step
            last = desk.venue.quotes[symbol].last
            request = Request(
                symbol=symbol,
                side=side,
                order_type=OrderType.MARKET if offset is None else OrderType.LIMIT,
                quantity=quantity,
                price=None if offset is None else last + offset * 50,
                time_in_force=force,
                trigger_price=None if trigger is None else last + trigger * 100,
                is_rising=bool(trigger and trigger > 0),
                client_id=f"c{number}",
            )
            desk.events += engine.place(account, venue=desk.venue, request=request, now_ms=desk.now_ms)
        elif step[0] == "price":
            desk.move(step[1])
        elif open_ids and step[0] == "cancel":
            chosen = open_ids[step[1] % len(open_ids)]
            desk.events += engine.cancel(account, order_id=chosen, now_ms=desk.now_ms)
        elif open_ids:
            chosen = open_ids[step[1] % len(open_ids)]
            desk.events += engine.amend(
                account, venue=desk.venue, order_id=chosen, now_ms=desk.now_ms, quantity=step[2]
            )
    except Refused:
        pass


@settings(max_examples=150, deadline=None)
@given(policy=POLICIES, steps=STEPS)
def test_every_asset_is_conserved_and_none_goes_negative(policy: dict[str, Any], steps: list[Any]) -> None:
    desk = SpotDesk(**policy)
    account = desk.account
    for number, step in enumerate(steps):
        act(desk, number, step)
        fills = [fill for fill in account.fills if fill.symbol == COIN]
        fees = {asset: sum((f.fee for f in fills if f.fee_asset == asset), D(0)) for asset in ("BTC", "USDT")}
        got = sum((f.side.sign * f.quantity for f in fills), D(0))
        paid = sum((f.side.sign * f.quantity * f.price for f in fills), D(0))
        assert desk.has("BTC") == got - fees["BTC"] >= 0
        if not policy["is_unified"]:
            assert desk.has("USDT") == 10_000 - paid - fees["USDT"] >= 0
        for asset in ("BTC", "USDT"):
            kept = [e.amount for e in account.ledger if e.asset == asset and e.market is Market.SPOT]
            assert account.assets.get(asset, D(0)) == sum(kept, D(0))
            assert desk.can_spend(asset) >= 0
        assert account.balance == sum((e.amount for e in account.ledger if e.market is Market.LINEAR), D(0))


@settings(max_examples=150, deadline=None)
@given(policy=POLICIES, steps=STEPS)
def test_without_perpetuals_what_is_set_aside_is_always_there(policy: dict[str, Any], steps: list[Any]) -> None:
    desk = SpotDesk(**policy)
    for number, step in enumerate(steps):
        act(desk, number, (step[0], COIN, *step[2:]) if step[0] == "order" else step)
        for asset in ("BTC", "USDT"):
            assert wallet.reserved(desk.account, asset, policy=desk.venue.policy) <= desk.has(asset)
    reasons = {order.reason for order in desk.account.closed_orders.values() if not order.is_conditional}
    assert "insufficient_balance" not in reasons


@settings(max_examples=80, deadline=None)
@given(policy=POLICIES, steps=STEPS, cut=st.integers(0, 40))
def test_a_stored_account_goes_on_and_its_events_rebuild_it(policy: dict[str, Any], steps: list[Any], cut: int) -> None:
    living, revived = SpotDesk(**policy), SpotDesk(**policy)
    for number, step in enumerate(steps):
        if number == cut:
            revived.account = msgspec.json.decode(msgspec.json.encode(revived.account), type=Account)
        act(living, number, step)
        act(revived, number, step)
    assert revived.account == living.account
    account, orders = living.account, {}
    for event in living.events:
        if isinstance(event, OrderUpdated):
            orders[event.order.id] = event.order
    assert orders == {**account.closed_orders, **account.open_orders}
    moved = [event.entry for event in living.events if isinstance(event, MoneyMoved)]
    assert moved == account.ledger
    assert {entry.kind for entry in moved} <= set(EntryKind)
    assert margin.available(account, venue=living.venue) >= 0
