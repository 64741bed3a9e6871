"""What each verb must do at every venue that has it. Each asks the venue itself, not the connector, whether it was done."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

import pytest

from apps.exchanges.connectors.spec import Capability, ExchangeSpec
from cts.domain.errors import AmbiguousResult, Rejected, Unsupported
from cts.domain.types import MarginMode, Market, OrderStatus, OrderType, PositionMode, Side, TimeInForce
from cts.domain.venue import AmendRequest, CancelRequest
from tests.exchanges.certification.stage import Stage

Work = Callable[[Stage], None]


def unsent(ask: Callable[[Stage], object]) -> Work:
    """A venue that lacks the verb: refused by us, by name, and nothing leaves."""

    def absent(stage: Stage) -> None:
        before = len(stage.transport.sent)
        with pytest.raises(Unsupported):
            ask(stage)
        assert len(stage.transport.sent) == before

    return absent


@dataclass(frozen=True)
class Verb:
    """`absent` shows that a venue without the capability is unable, or a market that has no legs."""

    work: Work
    needs: Capability | None = None
    absent: Work | None = None
    needs_legs: bool = False

    def is_offered_by(self, spec: ExchangeSpec) -> bool:
        has_legs = spec.market is not Market.SPOT or not self.needs_legs
        return has_legs and (self.needs is None or spec.can(self.needs))

    def refused(self, stage: Stage) -> None:
        assert self.absent is not None, "say how a venue without it shows that"
        self.absent(stage)


def _server_time(stage: Stage) -> None:
    assert abs(stage.connector.server_time_ms() / 1000 - time.time()) < 60


def _instruments(stage: Stage) -> None:
    listed = {instrument.symbol: instrument for instrument in stage.connector.instruments()}
    assert {stage.symbol, stage.other} <= listed.keys()
    assert all(i.tick_size > 0 and i.lot_step > 0 and i.min_quantity > 0 for i in listed.values())


def _tickers(stage: Stage) -> None:
    told = {ticker.symbol: ticker for ticker in stage.connector.tickers([stage.symbol, stage.other])}
    assert (told[stage.symbol].last, told[stage.other].last) == (Decimal(60000), Decimal(3000))


def _candles(stage: Stage) -> None:
    opens = [candle.open_ms for candle in stage.connector.candles(stage.symbol, timeframe_s=60, limit=130)]
    assert opens == list(range(opens[0], opens[-1] + 1, 60_000))
    # At the turn of a minute our clock may be a hair ahead, and the venue not yet have begun the newest bar.
    assert len(opens) in (129, 130)


def _balances(stage: Stage) -> None:
    (usdt,) = [balance for balance in stage.connector.balances() if balance.asset == "USDT"]
    assert (usdt.total, usdt.available) == (Decimal(10000), Decimal(10000))


def _positions(stage: Stage) -> None:
    assert stage.connector.positions() == []
    stage.entered()
    (leg,) = stage.connector.positions()
    assert (leg.symbol, leg.side, leg.quantity) == (stage.symbol, "long", Decimal("0.01"))


def _no_positions(stage: Stage) -> None:
    """What is held is told as balances."""
    stage.entered()
    assert stage.connector.positions() == []


def _leverage(stage: Stage) -> None:
    for _ in range(2):
        stage.connector.set_leverage(stage.symbol, leverage=7, margin_mode=MarginMode.CROSS)
    stage.entered()
    (leg,) = stage.connector.positions()
    assert leg.leverage in (None, 7)


def _margin_mode(stage: Stage) -> None:
    for mode in (MarginMode.ISOLATED, MarginMode.ISOLATED, MarginMode.CROSS):
        stage.connector.set_margin_mode(stage.symbol, margin_mode=mode, leverage=5)


def _position_mode(stage: Stage) -> None:
    wanted = PositionMode.HEDGE if stage.is_hedged else stage.connector.position_mode()
    assert stage.connector.position_mode() is wanted


def _position_mode_set(stage: Stage) -> None:
    for mode in (PositionMode.ONE_WAY, PositionMode.ONE_WAY, PositionMode.HEDGE):
        stage.connector.set_position_mode(mode)
        assert stage.connector.position_mode() is mode


def _position_mode_unset(stage: Stage) -> None:
    if stage.is_spot:
        unsent(lambda s: s.connector.set_position_mode(PositionMode.HEDGE))(stage)
        return
    other = {PositionMode.HEDGE: PositionMode.ONE_WAY, PositionMode.ONE_WAY: PositionMode.HEDGE}
    with pytest.raises(Rejected):
        stage.connector.set_position_mode(other[stage.connector.position_mode()])


def _market(stage: Stage) -> None:
    request = stage.entered()
    stage.settles(request, OrderStatus.FILLED)
    assert stage.holds()


def _limit(stage: Stage) -> None:
    request = stage.placed(stage.resting())
    told = stage.found(request)
    assert (told.status, told.price, told.filled_quantity) == (OrderStatus.ACCEPTED, Decimal(56000), Decimal(0))
    stage.price(55900)
    stage.settles(request, OrderStatus.FILLED)


def _post_only(stage: Stage) -> None:
    resting = stage.placed(stage.resting(time_in_force=TimeInForce.POST_ONLY))
    assert stage.is_open(resting)
    taking = stage.order(OrderType.LIMIT, price=Decimal(60100), time_in_force=TimeInForce.POST_ONLY)
    with suppress(Rejected):
        stage.connector.place(taking)
    assert not stage.is_open(taking)
    assert stage.is_flat()


def _immediate_or_cancel(stage: Stage) -> None:
    far = stage.placed(stage.resting(time_in_force=TimeInForce.IOC))
    near = stage.placed(stage.order(OrderType.LIMIT, price=Decimal(60100), time_in_force=TimeInForce.IOC))
    assert not stage.is_open(far)
    stage.settles(near, OrderStatus.FILLED)


def _fill_or_kill(stage: Stage) -> None:
    far = stage.resting(time_in_force=TimeInForce.FOK)
    with suppress(Rejected):
        stage.connector.place(far)
    assert not stage.is_open(far)
    near = stage.placed(stage.order(OrderType.LIMIT, price=Decimal(60100), time_in_force=TimeInForce.FOK))
    stage.settles(near, OrderStatus.FILLED)


def _reduce_only(stage: Stage) -> None:
    with pytest.raises(Rejected):
        stage.connector.place(stage.reduction())
    stage.entered()
    stage.placed(stage.reduction())
    assert stage.is_flat()


def _stop(stage: Stage) -> None:
    stage.entered()
    stop = stage.placed(stage.reduction(OrderType.STOP_MARKET, trigger_price=Decimal(59000)))
    assert stage.is_open(stop)
    stage.price(58990)
    assert stage.is_flat()
    stage.settles(stop, OrderStatus.FILLED)


def _take_profit(stage: Stage) -> None:
    stage.entered()
    target = stage.placed(stage.reduction(OrderType.TAKE_PROFIT_MARKET, trigger_price=Decimal(61000)))
    assert stage.is_open(target)
    stage.price(61010)
    assert stage.is_flat()


def _trailing_stop(stage: Stage) -> None:
    stage.entered()
    trail = stage.placed(stage.reduction(OrderType.TRAILING_STOP, trail_ratio=Decimal("0.01")))
    stage.price(62000)
    stage.price(61500)
    assert stage.holds()
    stage.price(61300)
    assert stage.is_flat()
    assert not stage.is_open(trail)


def _amend_price(stage: Stage) -> None:
    request = stage.placed(stage.resting())
    # Binance asks for both; the others take what is new.
    stage.connector.amend(_amendment(stage, request.client_order_id, price=Decimal(56500), quantity=Decimal("0.01")))
    assert stage.found(request).price == 56500


def _amend_quantity(stage: Stage) -> None:
    request = stage.placed(stage.resting())
    stage.connector.amend(_amendment(stage, request.client_order_id, quantity=Decimal("0.02"), price=None))
    assert stage.found(request).quantity == Decimal("0.02")


def _amend_trigger(stage: Stage) -> None:
    stage.entered()
    stop = stage.placed(stage.reduction(OrderType.STOP_MARKET, trigger_price=Decimal(59000)))
    change = AmendRequest(
        symbol=stage.symbol,
        client_order_id=stop.client_order_id,
        side=Side.SELL,
        trigger_price=Decimal(59500),
        is_conditional=True,
    )
    stage.connector.amend(change)
    assert stage.found(stop).trigger_price == 59500


def _amendment(stage: Stage, client_id: str, *, price: Decimal | None, quantity: Decimal | None) -> AmendRequest:
    can_price = stage.spec.can(Capability.AMEND_PRICE)
    can_quantity = stage.spec.can(Capability.AMEND_QUANTITY)
    return AmendRequest(
        symbol=stage.symbol,
        client_order_id=client_id,
        side=Side.BUY,
        price=price if can_price or quantity is None or not can_quantity else None,
        quantity=quantity if can_quantity or price is None or not can_price else None,
    )


def _cancel(stage: Stage) -> None:
    request = stage.placed(stage.resting())
    stage.cancel(request)
    assert not stage.is_open(request)
    stage.settles(request, OrderStatus.CANCELED)


def _cancel_all(stage: Stage) -> None:
    requests = [stage.placed(stage.resting()) for _ in range(2)]
    if stage.spec.can(Capability.CONDITIONAL):
        requests.append(stage.placed(stage.order(OrderType.STOP_MARKET, trigger_price=Decimal(61000))))
    stage.connector.cancel_all(stage.symbol)
    assert not any(map(stage.is_open, requests))


def _batch_place(stage: Stage) -> None:
    requests = [stage.resting() for _ in range(3)]
    outcomes = stage.connector.place_many([*requests, stage.resting(quantity=Decimal(1000))])
    assert [getattr(o, "client_order_id", None) for o in outcomes[:3]] == [r.client_order_id for r in requests]
    assert isinstance(outcomes[3], Rejected)
    assert all(map(stage.is_open, requests))


def _batch_cancel(stage: Stage) -> None:
    requests = [stage.placed(stage.resting()) for _ in range(2)]
    asked = [CancelRequest(symbol=stage.symbol, client_order_id=r.client_order_id) for r in requests]
    absent = CancelRequest(symbol=stage.symbol, client_order_id="nosuchorder")
    outcomes = stage.connector.cancel_many([*asked, absent])
    assert outcomes[:2] == [None, None]
    assert isinstance(outcomes[2], Rejected)
    assert not any(map(stage.is_open, requests))


def _one_by_one(work: Work) -> Work:
    """Without batches the verb still works, a request for each."""

    def absent(stage: Stage) -> None:
        before = len(stage.transport.sent)
        work(stage)
        assert len(stage.transport.sent) - before > 3

    return absent


def _duplicate(stage: Stage) -> None:
    request = stage.placed(stage.resting())
    with pytest.raises(AmbiguousResult):
        stage.connector.place(request)
    assert stage.times_taken(request) == 1


def _duplicate_taken(stage: Stage) -> None:
    """Such a venue makes a second order: nothing of ours may ever send one id twice."""
    request = stage.placed(stage.resting())
    stage.connector.place(request)
    assert stage.times_taken(request) == 2


def _open_orders(stage: Stage) -> None:
    requests = [stage.placed(stage.resting())]
    if stage.spec.can(Capability.CONDITIONAL):
        requests.append(stage.placed(stage.order(OrderType.STOP_MARKET, trigger_price=Decimal(61000))))
    wanted = {request.client_order_id for request in requests}
    assert {order.client_order_id for order in stage.connector.open_orders(stage.symbol)} == wanted
    assert {order.client_order_id for order in stage.connector.open_orders()} == wanted


def _fills(stage: Stage) -> None:
    request = stage.entered()
    (fill,) = stage.connector.fills(stage.symbol)
    assert (fill.client_order_id, fill.quantity) == (request.client_order_id, Decimal("0.01"))
    venue = stage.state()["fills"][0]
    assert (fill.price, fill.fee) == (Decimal(venue["price"]), Decimal(venue["fee"]))


def _funding_history(stage: Stage) -> None:
    rates = stage.connector.funding_rates(stage.symbol, limit=5)
    assert len(rates) == 5
    assert [rate.at_ms for rate in rates] == sorted(rate.at_ms for rate in rates)
    assert all(abs(rate.rate) < 1 for rate in rates)


def _funding_payments(stage: Stage) -> None:
    stage.entered()
    stage.venue.fund()
    (payment,) = stage.connector.funding_payments()
    (entry,) = [entry for entry in stage.state()["ledger"] if entry["kind"] == "funding"]
    assert (payment.symbol, payment.amount) == (stage.symbol, Decimal(entry["amount"]))


def _key_rights(stage: Stage) -> None:
    rights = stage.connector.key_rights()
    assert rights.can_withdraw is False


def _place(order_type: OrderType = OrderType.LIMIT, **terms: object) -> Callable[[Stage], object]:
    return lambda stage: stage.connector.place(stage.order(order_type, **terms))


def _amend(**terms: Decimal) -> Callable[[Stage], object]:
    return lambda stage: stage.connector.amend(
        AmendRequest(symbol=stage.symbol, client_order_id="some1", **terms)  # type: ignore[arg-type]
    )


_FAR = Decimal(56000)
_NO_STOP = unsent(_place(OrderType.STOP_MARKET, trigger_price=Decimal(61000)))

VERBS: dict[str, Verb] = {
    "server time": Verb(_server_time),
    "instruments": Verb(_instruments),
    "tickers": Verb(_tickers),
    "candles": Verb(_candles),
    "balances": Verb(_balances),
    "positions": Verb(_positions, absent=_no_positions, needs_legs=True),
    "leverage": Verb(
        _leverage,
        Capability.LEVERAGE,
        unsent(lambda s: s.connector.set_leverage(s.symbol, leverage=5, margin_mode=MarginMode.CROSS)),
    ),
    "margin mode": Verb(
        _margin_mode,
        Capability.MARGIN_MODE,
        unsent(lambda s: s.connector.set_margin_mode(s.symbol, margin_mode=MarginMode.CROSS, leverage=5)),
    ),
    "position mode, read": Verb(_position_mode, absent=unsent(lambda s: s.connector.position_mode()), needs_legs=True),
    "position mode, set": Verb(_position_mode_set, Capability.POSITION_MODE_SET, _position_mode_unset),
    "market order": Verb(_market),
    "limit order": Verb(_limit),
    "post-only": Verb(
        _post_only, Capability.POST_ONLY, unsent(_place(price=_FAR, time_in_force=TimeInForce.POST_ONLY))
    ),
    "immediate or cancel": Verb(
        _immediate_or_cancel,
        Capability.IMMEDIATE_OR_CANCEL,
        unsent(_place(price=_FAR, time_in_force=TimeInForce.IOC)),
    ),
    "fill or kill": Verb(
        _fill_or_kill, Capability.FILL_OR_KILL, unsent(_place(price=_FAR, time_in_force=TimeInForce.FOK))
    ),
    "reduce-only": Verb(
        _reduce_only, absent=unsent(_place(OrderType.MARKET, side=Side.SELL, is_reduce_only=True)), needs_legs=True
    ),
    "stop on the venue": Verb(_stop, Capability.CONDITIONAL, _NO_STOP),
    "take profit on the venue": Verb(_take_profit, Capability.CONDITIONAL, _NO_STOP),
    "trailing stop": Verb(
        _trailing_stop,
        Capability.TRAILING_STOP,
        unsent(_place(OrderType.TRAILING_STOP, trail_ratio=Decimal("0.01"))),
    ),
    "amend price": Verb(_amend_price, Capability.AMEND_PRICE, unsent(_amend(price=_FAR))),
    "amend quantity": Verb(_amend_quantity, Capability.AMEND_QUANTITY, unsent(_amend(quantity=Decimal(1)))),
    "amend trigger": Verb(_amend_trigger, Capability.AMEND_TRIGGER, unsent(_amend(trigger_price=_FAR))),
    "cancel": Verb(_cancel),
    "cancel all": Verb(_cancel_all),
    "batch of orders": Verb(_batch_place, Capability.BATCH_PLACE, _one_by_one(_batch_place)),
    "batch of cancels": Verb(_batch_cancel, Capability.BATCH_CANCEL, _one_by_one(_batch_cancel)),
    "duplicate id refused": Verb(_duplicate, Capability.REFUSES_DUPLICATE_CLIENT_ID, _duplicate_taken),
    "open orders": Verb(_open_orders),
    "fills": Verb(_fills),
    "funding rates": Verb(
        _funding_history, Capability.FUNDING_HISTORY, unsent(lambda s: s.connector.funding_rates(s.symbol))
    ),
    "funding payments": Verb(
        _funding_payments, Capability.FUNDING_PAYMENTS, unsent(lambda s: s.connector.funding_payments())
    ),
    "rights of the key": Verb(_key_rights, Capability.KEY_RIGHTS, unsent(lambda s: s.connector.key_rights())),
}
