"""One account on a simulated venue: prices in, orders and money out."""

from decimal import Decimal
from typing import Any

import pytest

from cts.domain.matching import engine, liquidation, margin
from cts.domain.matching.events import Event, LegChanged, MoneyMoved, OrderUpdated, Refusal, Refused
from cts.domain.matching.state import (
    Account,
    BookStatus,
    EntryKind,
    Order,
    Policy,
    Quote,
    Request,
    Rules,
    TriggerBy,
    Venue,
)
from cts.domain.types import MarginMode, OrderType, PositionMode, PositionSide, Side, TimeInForce

BTC = "BTC/USDT:USDT"
D = Decimal


def rules(**change: Any) -> Rules:
    fields: dict[str, Any] = {
        "symbol": BTC,
        "tick_size": D("0.1"),
        "lot_step": D("0.001"),
        "min_quantity": D("0.001"),
        "max_quantity": D(1000),
        "max_market_quantity": D(100),
        "min_notional": D(5),
        "max_leverage": 100,
        "maintenance_ratio": D("0.005"),
    }
    return Rules(**fields | change)


def quote(price: str, *, mark: str | None = None) -> Quote:
    last = D(price)
    return Quote(symbol=BTC, last=last, bid=last, ask=last + D("0.1"), mark=D(mark or price), at_ms=0)


def status(order: Order) -> BookStatus:
    return order.status


class Desk:
    """An account at a venue, driven one line at a time."""

    def __init__(self, *, balance: str = "10000", price: str = "60000", **policy: Any) -> None:
        fees = {"maker_fee_rate": D("0.0002"), "taker_fee_rate": D("0.0005")}
        self.venue = Venue(policy=Policy(**fees | policy), rules={BTC: rules()}, quotes={BTC: quote(price)})
        self.account = Account(number=1)
        self.now_ms = 0
        self.events: list[Event] = engine.deposit(self.account, amount=D(balance), now_ms=0)

    def place(self, side: str, quantity: str, price: str | None = None, **more: Any) -> Order:
        self.now_ms += 1
        fields: dict[str, Any] = {
            "symbol": BTC,
            "side": Side(side),
            "order_type": OrderType.LIMIT if price else OrderType.MARKET,
            "quantity": D(quantity),
            "price": D(price) if price else None,
            "client_id": f"c{self.now_ms}",
        }
        if "trigger_price" in more:
            more["trigger_price"] = D(more["trigger_price"])
        request = Request(**fields | more)
        events = engine.place(self.account, venue=self.venue, request=request, now_ms=self.now_ms)
        self.events += events
        assert isinstance(events[0], OrderUpdated)
        found = self.account.order(events[0].order.id)
        assert found is not None
        return found

    def refusal(self, *args: Any, **more: Any) -> Refusal:
        before = (self.account.balance, self.account.sequence, len(self.account.open_orders), len(self.account.fills))
        with pytest.raises(Refused) as refused:
            self.place(*args, **more)
        after = (self.account.balance, self.account.sequence, len(self.account.open_orders), len(self.account.fills))
        assert after == before
        return refused.value.reason

    def price(self, price: str, *, mark: str | None = None) -> list[Event]:
        self.now_ms += 1
        self.venue.quotes[BTC] = quote(price, mark=mark)
        events = engine.on_quote(self.account, venue=self.venue, symbol=BTC, now_ms=self.now_ms)
        events += liquidation.liquidate(self.account, venue=self.venue, now_ms=self.now_ms)
        self.events += events
        return events

    def held(self, side: PositionSide = PositionSide.LONG) -> Decimal:
        return self.account.held(BTC, side)

    def available(self) -> Decimal:
        return margin.available(self.account, venue=self.venue)


def test_a_small_market_order_fills_at_the_touch_and_pays_the_taker_fee() -> None:
    desk = Desk()
    order = desk.place("buy", "0.1")
    (fill,) = desk.account.fills
    assert (order.status, fill.price, fill.quantity) == (BookStatus.FILLED, D("60000.1"), D("0.1"))
    assert fill.fee == D("3.00000500")
    assert desk.account.balance == D(10_000) - fill.fee


def test_a_large_market_order_walks_the_book_and_pays_more() -> None:
    desk = Desk(balance="10000000")
    order = desk.place("buy", "10")
    prices = [fill.price for fill in desk.account.fills]
    assert prices == sorted(prices)
    assert len(prices) > 3
    assert sum((fill.quantity for fill in desk.account.fills), D(0)) == 10
    assert order.average_price is not None
    assert D("60000.1") < order.average_price < D("60030")


def test_a_limit_rests_until_the_price_comes_through_then_fills_as_maker_at_its_price() -> None:
    desk = Desk()
    order = desk.place("buy", "0.1", "59000")
    assert (order.status, desk.price("59000.0")) == (BookStatus.NEW, [])
    desk.price("58999.9")
    (fill,) = desk.account.fills
    assert (order.status, fill.price, fill.is_maker) == (BookStatus.FILLED, D(59000), True)
    assert fill.fee == D("1.18000000")


def test_a_large_limit_fills_in_pieces() -> None:
    desk = Desk(balance="1000000")
    order = desk.place("buy", "2", "59000")
    desk.price("58999.9")
    assert order.status is BookStatus.PARTIALLY_FILLED
    assert 0 < order.filled_quantity < 2
    desk.price("58950")
    assert (order.status, order.filled_quantity) == (BookStatus.FILLED, D(2))


@pytest.mark.parametrize(
    ("tif", "price", "is_refused", "outcome"),
    [
        (TimeInForce.POST_ONLY, "60100", True, Refusal.WOULD_TAKE),
        (TimeInForce.POST_ONLY, "60100", False, BookStatus.CANCELED),
        (TimeInForce.POST_ONLY, "59900", True, BookStatus.NEW),
        (TimeInForce.FOK, "59900", True, Refusal.WOULD_NOT_FILL),
        (TimeInForce.FOK, "59900", False, BookStatus.CANCELED),
        (TimeInForce.FOK, "60100", True, BookStatus.FILLED),
        (TimeInForce.IOC, "59900", True, BookStatus.EXPIRED),
        (TimeInForce.IOC, "60100", True, BookStatus.FILLED),
        (TimeInForce.GTC, "60100", True, BookStatus.FILLED),
    ],
)
def test_time_in_force(tif: TimeInForce, price: str, is_refused: bool, outcome: Refusal | BookStatus) -> None:
    desk = Desk(is_crossing_refused=is_refused)
    if isinstance(outcome, Refusal):
        assert desk.refusal("buy", "0.1", price, time_in_force=tif) is outcome
    else:
        assert desk.place("buy", "0.1", price, time_in_force=tif).status is outcome


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (("buy", "0.0005"), Refusal.QUANTITY_STEP),
        (("buy", "101"), Refusal.QUANTITY_TOO_LARGE),
        (("buy", "0.001", "4000"), Refusal.NOTIONAL_TOO_SMALL),
        (("buy", "0.1", "59000.05"), Refusal.PRICE_TICK),
        (("buy", "0.1", "66600"), Refusal.PRICE_BAND),
        (("sell", "0.1", "53000"), Refusal.PRICE_BAND),
        (("buy", "10"), Refusal.INSUFFICIENT_MARGIN),
        (("buy", "0"), Refusal.QUANTITY_TOO_SMALL),
    ],
)
def test_filters_refuse_and_change_nothing(order: tuple[str, ...], reason: Refusal) -> None:
    assert Desk().refusal(*order) is reason


def test_an_unlisted_symbol_is_refused() -> None:
    assert Desk().refusal("buy", "1", symbol="PEPE/USDT:USDT") is Refusal.UNKNOWN_SYMBOL


def test_a_client_id_is_taken_for_ever_or_while_open_as_the_venue_has_it() -> None:
    for is_reusable in (False, True):
        desk = Desk(is_client_id_reusable=is_reusable)
        first = desk.place("buy", "0.1", "59000", client_id="same")
        assert desk.refusal("buy", "0.1", "59000", client_id="same") is Refusal.DUPLICATE_CLIENT_ID
        engine.cancel(desk.account, order_id=first.id, now_ms=9)
        if is_reusable:
            assert desk.place("buy", "0.1", "59000", client_id="same").id != first.id
        else:
            assert desk.refusal("buy", "0.1", "59000", client_id="same") is Refusal.DUPLICATE_CLIENT_ID


def test_a_stop_waits_then_closes_at_the_market() -> None:
    desk = Desk()
    desk.place("buy", "0.1")
    stop = desk.place("sell", "0.1", trigger_price="59000", is_reduce_only=True)
    desk.price("59000.1")
    assert status(stop) is BookStatus.UNTRIGGERED
    desk.price("58990")
    assert (status(stop), desk.held(), desk.account.fills[-1].price) == (BookStatus.FILLED, D(0), D(58990))


def test_a_take_profit_of_a_short_triggers_on_the_way_down() -> None:
    desk = Desk()
    desk.place("sell", "0.1")
    target = desk.place("buy", "0.1", trigger_price="59000", is_rising=False, is_reduce_only=True)
    desk.price("58900")
    assert (status(target), desk.held(PositionSide.SHORT)) == (BookStatus.FILLED, D(0))


def test_a_mark_trigger_ignores_the_last_price() -> None:
    desk = Desk()
    desk.place("buy", "0.1")
    stop = desk.place("sell", "0.1", trigger_price="59000", trigger_by=TriggerBy.MARK, is_reduce_only=True)
    desk.price("58000", mark="60000")
    assert status(stop) is BookStatus.UNTRIGGERED
    desk.price("60000", mark="58999")
    assert status(stop) is BookStatus.FILLED


def test_a_trigger_already_reached_is_refused() -> None:
    assert Desk().refusal("sell", "0.1", trigger_price="60000") is Refusal.TRIGGER_SIDE
    assert Desk().refusal("buy", "0.1", trigger_price="60000", is_rising=True) is Refusal.TRIGGER_SIDE


def test_a_triggered_stop_without_a_position_is_rejected_not_opened() -> None:
    desk = Desk()
    stop = desk.place("sell", "0.1", trigger_price="59000", is_reduce_only=True)
    desk.price("58000")
    assert (stop.status, stop.reason, desk.account.fills) == (BookStatus.REJECTED, "reduce_only", [])


def test_reduce_only_is_trimmed_to_what_is_held_and_refused_when_nothing_is() -> None:
    desk = Desk()
    assert desk.refusal("sell", "0.1", is_reduce_only=True) is Refusal.REDUCE_ONLY
    desk.place("buy", "0.1")
    assert desk.place("sell", "0.5", is_reduce_only=True).filled_quantity == D("0.1")
    assert (desk.held(), desk.held(PositionSide.SHORT)) == (D(0), D(0))


def test_resting_reduce_only_orders_go_with_their_position() -> None:
    desk = Desk()
    desk.place("buy", "0.1")
    target = desk.place("sell", "0.1", "61000", is_reduce_only=True)
    plain = desk.place("sell", "0.1", "61000")
    desk.place("sell", "0.1")
    assert (target.status, plain.status) == (BookStatus.EXPIRED, BookStatus.NEW)


def test_one_way_mode_flips_through_zero_in_one_fill() -> None:
    desk = Desk()
    desk.place("buy", "0.1")
    desk.price("61000")
    desk.place("sell", "0.3")
    fill = desk.account.fills[-1]
    assert (desk.held(), desk.held(PositionSide.SHORT)) == (D(0), D("0.2"))
    assert (fill.closed_quantity, fill.realized_pnl) == (D("0.1"), D("0.1") * (D(61000) - D("60000.1")))


def test_hedge_mode_keeps_legs_apart_and_orders_must_name_theirs() -> None:
    desk = Desk()
    liquidation.set_position_mode(desk.account, mode=PositionMode.HEDGE)
    assert desk.refusal("buy", "0.1") is Refusal.POSITION_SIDE
    desk.place("buy", "0.1", leg=PositionSide.LONG)
    desk.place("sell", "0.2", leg=PositionSide.SHORT)
    assert (desk.held(), desk.held(PositionSide.SHORT)) == (D("0.1"), D("0.2"))
    desk.place("sell", "0.5", leg=PositionSide.LONG)
    assert (desk.held(), desk.held(PositionSide.SHORT)) == (D(0), D("0.2"))
    assert desk.refusal("sell", "0.1", leg=PositionSide.LONG) is Refusal.REDUCE_ONLY


def test_modes_do_not_change_under_positions_or_orders() -> None:
    desk = Desk()
    order = desk.place("buy", "0.1", "59000")
    with pytest.raises(Refused, match="open orders"):
        liquidation.set_position_mode(desk.account, mode=PositionMode.HEDGE)
    with pytest.raises(Refused, match="open orders"):
        liquidation.set_margin_mode(desk.account, mode=MarginMode.ISOLATED, symbol=BTC)
    engine.cancel(desk.account, order_id=order.id, now_ms=5)
    desk.place("buy", "0.1")
    with pytest.raises(Refused, match="open positions"):
        liquidation.set_position_mode(desk.account, mode=PositionMode.HEDGE)


def test_margin_follows_leverage_and_resting_orders_reserve_it() -> None:
    desk = Desk()
    liquidation.set_leverage(desk.account, venue=desk.venue, symbol=BTC, leverage=10, now_ms=0)
    desk.place("buy", "0.1", "59000")
    assert desk.available() == D(10_000) - D(590)
    desk.price("58999.9")
    assert desk.available() == pytest.approx(D(10_000) - D("589.999") - D("1.18") - D("0.01"))
    with pytest.raises(Refused):
        liquidation.set_leverage(desk.account, venue=desk.venue, symbol=BTC, leverage=101, now_ms=0)


def test_orders_that_only_reduce_need_no_margin() -> None:
    desk = Desk(balance="310")
    desk.place("buy", "0.1")
    assert desk.available() < 10
    assert desk.place("sell", "0.1", "60100").status is BookStatus.NEW
    assert desk.refusal("buy", "0.1", "59900") is Refusal.INSUFFICIENT_MARGIN


@pytest.mark.parametrize("mode", [MarginMode.CROSS, MarginMode.ISOLATED])
@pytest.mark.parametrize("side", [PositionSide.LONG, PositionSide.SHORT])
def test_liquidation_comes_at_the_price_it_was_told_for(mode: MarginMode, side: PositionSide) -> None:
    desk = Desk(balance="700" if mode is MarginMode.CROSS else "10000")
    desk.account.margin_mode = mode
    liquidation.set_leverage(desk.account, venue=desk.venue, symbol=BTC, leverage=10, now_ms=0)
    desk.place(side.entry_side.value, "0.1")
    price = margin.liquidation_price(desk.account, desk.account.leg(BTC, side), venue=desk.venue)
    assert price is not None
    desk.price(str(price + side.sign * 5))
    assert desk.held(side) == D("0.1")
    desk.price(str(price - side.sign * 5))
    assert desk.held(side) == 0
    assert desk.account.fills[-1].is_liquidation
    assert desk.account.balance >= 0


def test_an_isolated_position_costs_its_margin_at_most() -> None:
    desk = Desk()
    desk.account.margin_mode = MarginMode.ISOLATED
    liquidation.set_leverage(desk.account, venue=desk.venue, symbol=BTC, leverage=10, now_ms=0)
    desk.place("buy", "0.1")
    paid, staked = D(10_000) - desk.account.balance, desk.account.leg(BTC, PositionSide.LONG).isolated_margin
    desk.price("40000")
    assert desk.account.balance == D(10_000) - paid - staked


def test_cross_liquidation_cancels_orders_and_never_leaves_a_debt() -> None:
    desk = Desk(balance="1000")
    liquidation.set_leverage(desk.account, venue=desk.venue, symbol=BTC, leverage=50, now_ms=0)
    desk.place("buy", "0.5")
    resting = desk.place("sell", "0.1", "65000")
    desk.price("40000")
    assert (desk.held(), resting.status, resting.reason) == (D(0), BookStatus.CANCELED, "liquidated")
    assert desk.account.balance == 0
    assert desk.account.ledger[-1].kind is EntryKind.INSURANCE


def test_longs_pay_shorts_positive_funding() -> None:
    desk = Desk()
    liquidation.set_position_mode(desk.account, mode=PositionMode.HEDGE)
    desk.place("buy", "0.2", leg=PositionSide.LONG)
    desk.place("sell", "0.1", leg=PositionSide.SHORT)
    events = engine.fund(desk.account, venue=desk.venue, symbol=BTC, rate=D("0.0001"), now_ms=9)
    assert [e.entry.amount for e in events if isinstance(e, MoneyMoved)] == [D("-1.2"), D("0.6")]


def test_amending_checks_like_placing_and_may_fill() -> None:
    desk = Desk()
    order = desk.place("buy", "0.1", "59000")
    with pytest.raises(Refused) as refused:
        engine.amend(desk.account, venue=desk.venue, order_id=order.id, now_ms=5, price=D("59000.05"))
    assert refused.value.reason is Refusal.PRICE_TICK
    with pytest.raises(Refused) as refused:
        engine.amend(desk.account, venue=desk.venue, order_id=order.id, now_ms=5, price=D(59000))
    assert refused.value.reason is Refusal.NO_CHANGE
    engine.amend(desk.account, venue=desk.venue, order_id=order.id, now_ms=5, price=D(60100), quantity=D("0.2"))
    assert (order.status, order.filled_quantity) == (BookStatus.FILLED, D("0.2"))


def test_canceling_twice_says_too_late() -> None:
    desk = Desk()
    order = desk.place("buy", "0.1", "59000")
    engine.cancel(desk.account, order_id=order.id, now_ms=5)
    for order_id, reason in ((order.id, Refusal.ALREADY_FINAL), (12345, Refusal.NOT_FOUND)):
        with pytest.raises(Refused) as refused:
            engine.cancel(desk.account, order_id=order_id, now_ms=6)
        assert refused.value.reason is reason


def test_conditional_orders_are_limited_in_number() -> None:
    desk = Desk()
    for number in range(10):
        desk.place("sell", "0.1", trigger_price=str(59000 - number), is_reduce_only=True)
    assert desk.refusal("sell", "0.1", trigger_price="58000", is_reduce_only=True) is Refusal.TOO_MANY_ORDERS


def test_events_come_in_one_unbroken_sequence() -> None:
    desk = Desk()
    desk.place("buy", "0.1")
    desk.place("sell", "0.1", trigger_price="59000", is_reduce_only=True)
    desk.price("58000")
    assert [event.sequence for event in desk.events] == list(range(1, desk.account.sequence + 1))
    kinds = [type(event) for event in desk.events[1:6]]
    assert kinds == [OrderUpdated, MoneyMoved, LegChanged, OrderUpdated, OrderUpdated]
