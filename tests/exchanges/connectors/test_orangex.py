"""What only OrangeX's connector does: signing in, and finding orders it can't ask for by our ids."""

import json
import logging
from decimal import Decimal

import msgspec
import pytest

from apps.exchanges.connectors.base import Credentials
from apps.exchanges.connectors.orangex.session import Session, SignIn, client_signature, session_of
from apps.exchanges.connectors.signing import Signer
from cts.domain.errors import AmbiguousResult, AuthFailed, OrderNotFound, Rejected, Unavailable
from cts.domain.types import OrderRequest, OrderStatus, OrderType, Side
from cts.domain.venue import KeyRights
from tests.exchanges.connectors.orangex_script import (
    ACK,
    BALANCES,
    BTC,
    EMPTY,
    REFUSED,
    ROW,
    aged,
    call,
    connect,
    grants,
    listed,
    lost,
)
from tests.exchanges.connectors.scripted import KEY, ScriptedTransport, fixture
from tests.exchanges.connectors.test_contract import LIMIT


# --- signing in ---------------------------------------------------------------------------------------------------------
def test_connectors_of_an_account_share_one_sign_in() -> None:
    first, second = connect([BALANCES]), connect([BALANCES])
    first.balances()
    second.balances()
    assert (grants(first), grants(second)) == (["client_credentials"], [])
    assert isinstance(second._transport, ScriptedTransport)
    assert second._transport.sent[0].headers["Authorization"] == "bearer tok-1"


def test_wrong_secret_gains_nothing_by_the_sign_in_of_the_right_one() -> None:
    connect([BALANCES]).balances()
    wrong = Credentials(api_key=KEY.api_key, api_secret="another")
    other = connect([call("public/auth", answer=REFUSED)], credentials=wrong)
    for _ in range(2):  # the second is refused by us: not again within half a minute
        with pytest.raises(AuthFailed):
            other.balances()
    other.close()


@pytest.mark.parametrize(("life_s", "is_due_at"), [(43_199, 42_600), (600, 301)])
def test_token_is_renewed_before_it_ends_by_the_refresh_token(life_s: int, is_due_at: int) -> None:
    granted = fixture("orangex", "asides")[0]["answer"]["result"]
    connector = connect([call("public/auth", granted | {"expires_in": life_s}), *[BALANCES] * 3])
    connector.balances()
    aged(connector, is_due_at - 10)
    connector.balances()
    assert grants(connector) == []
    aged(connector, 20)
    connector.balances()
    assert grants(connector) == ["refresh_token"]


def test_token_that_cannot_be_renewed_serves_until_its_end() -> None:
    down = call("public/auth", raises=Unavailable("down"))
    connector = connect([BALANCES, down, BALANCES])
    connector.balances()
    aged(connector, 42_700)
    assert connector.balances()


def test_refused_token_is_renewed_and_the_order_sent_again_once() -> None:
    connector = connect([ACK, ACK | {"answer": REFUSED}, ACK])
    connector.place(LIMIT)
    aged(connector, 31)
    assert connector.place(LIMIT).client_order_id == "cid1"
    connector.close()
    assert grants(connector) == ["client_credentials", "refresh_token"]


def test_fresh_token_that_is_refused_is_refreshed_at_once_and_only_once() -> None:
    connector = connect([ACK, ACK | {"answer": REFUSED}, ACK, ACK | {"answer": REFUSED}])
    for _ in range(2):
        assert connector.place(LIMIT).client_order_id == "cid1"
    with pytest.raises(Unavailable, match="30 s after"):
        connector.place(LIMIT)
    connector.close()
    assert grants(connector) == ["client_credentials", "refresh_token"]


def test_token_refused_again_right_after_its_renewal_is_final() -> None:
    connector = connect([BALANCES, BALANCES | {"answer": REFUSED}, BALANCES | {"answer": REFUSED}])
    connector.balances()
    aged(connector, 31)
    with pytest.raises(AuthFailed):
        connector.balances()
    connector.close()


def test_refused_refresh_token_leads_to_the_key() -> None:
    connector = connect([BALANCES, BALANCES | {"answer": REFUSED}, call("public/auth", answer=REFUSED), BALANCES])
    connector.balances()
    aged(connector, 31)
    assert connector.balances()
    assert grants(connector) == ["client_credentials", "client_credentials"]


def test_signature_in_place_of_the_secret_is_made_as_the_venues_own_client_makes_it() -> None:
    vector = next(row for row in json.loads(_vectors()) if row["exchange"] == "orangex")
    client_id, timestamp, nonce, _ = vector["prehash"].split("\n")
    made = client_signature(Signer(vector["secret"]), client_id=client_id, timestamp=timestamp, nonce=nonce)
    assert made == vector["expected"]
    asked: list[dict[str, str]] = []
    session = Session(KEY, sign_in=SignIn.SIGNATURE)
    granted = fixture("orangex", "asides")[0]["answer"]["result"]
    session.ensure(lambda words: asked.append(words) or granted)  # type: ignore[func-returns-value]
    assert asked[0].keys() == {"grant_type", "client_id", "timestamp", "nonce", "signature"}
    assert KEY.api_secret not in str(asked)


def _vectors() -> str:
    from tests.exchanges.connectors.scripted import VENUES

    return (VENUES / "signatures.json").read_text()


def test_token_and_secret_show_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connector = connect([BALANCES])
    connector.balances()
    session = session_of(connector.addresses.rest, KEY)
    shown = f"{vars(connector)}{vars(session)}{session._grant!r}{caplog.text}"
    assert not any(secret in shown for secret in ("tok-1", "ref-1", KEY.api_secret))


def test_rights_of_the_key_are_those_of_its_token() -> None:
    assert connect([]).key_rights() == KeyRights(can_trade=True, can_withdraw=False)


# --- orders -------------------------------------------------------------------------------------------------------------
def test_order_whose_answer_was_lost_is_recognized_by_its_terms_where_its_name_is_not_told() -> None:
    others = [lost(order_id="1", price="60000"), lost(order_id="2", creation_timestamp=1_699_999_000_000)]
    connector = connect([ACK | {"raises": AmbiguousResult("timed out")}, *listed(*others, lost(order_id="3"))])
    with pytest.raises(AmbiguousResult):
        connector.place(LIMIT)
    order = connector.order(BTC, client_order_id="cid1")
    assert (order.venue_order_id, order.client_order_id, order.status) == ("3", "cid1", OrderStatus.ACCEPTED)
    connector.close()
    assert connector.placed.id_of("cid1") == "3"


def test_two_orders_alike_are_never_guessed_between() -> None:
    alike = [lost(order_id="3"), lost(order_id="4")]
    connector = connect([ACK | {"raises": AmbiguousResult("timed out")}, *listed(*alike)])
    with pytest.raises(AmbiguousResult):
        connector.place(LIMIT)
    with pytest.raises(Unavailable, match="could be cid1"):
        connector.order(BTC, client_order_id="cid1")


def test_order_taken_just_now_is_looked_for_in_the_lists_while_it_has_no_state() -> None:
    young = [call("private/get_order_state", answer=EMPTY)] * 3
    connector = connect([ACK, *young, *listed(ROW)])
    connector.place(LIMIT)
    assert connector.order(BTC, client_order_id="cid1").status is OrderStatus.PARTIALLY_FILLED
    unlisted = connect([*young, *listed()])
    with pytest.raises(Unavailable):  # not "not found": the venue took it
        unlisted.order(BTC, client_order_id="cid1")
    unlisted.close()


@pytest.mark.parametrize(
    ("kind", "trigger"), [(OrderType.STOP_MARKET, "60000.2"), (OrderType.TAKE_PROFIT_MARKET, "60000")]
)
def test_trigger_the_price_has_reached_is_refused_before_it_is_sent_and_never_fires(
    kind: OrderType, trigger: str
) -> None:
    prices = fixture("orangex", "ticker")["calls"][1]
    connector = connect([prices])
    order = msgspec.structs.replace(LIMIT, order_type=kind, side=Side.SELL, price=None, trigger_price=Decimal(trigger))
    with pytest.raises(Rejected, match="has reached the trigger"):
        connector.place(order)
    connector.close()


def test_order_that_could_not_leave_is_not_remembered() -> None:
    connector = connect([])
    for change in ({"symbol": "BTC/USDT"}, {"quantity": Decimal(0)}, {"client_order_id": "A-1"}):
        with pytest.raises(Rejected):
            connector.place(msgspec.structs.replace(LIMIT, **change))
    assert connector.placed.symbols == set()


def test_cancel_of_an_order_that_is_not_listed_finds_none() -> None:
    with pytest.raises(OrderNotFound):
        connect([call("private/get_open_orders_by_instrument", [])]).cancel(BTC, client_order_id="cid1")


def test_wish_is_met_by_side_kind_amount_price_and_time_only() -> None:
    wanted = OrderRequest(
        client_order_id="a", symbol=BTC, side=Side.SELL, order_type=OrderType.LIMIT, quantity=Decimal("0.01"), price=LIMIT.price
    )  # fmt: skip
    connector = connect([call("private/sell", raises=AmbiguousResult("lost")), *listed(lost())])
    with pytest.raises(AmbiguousResult):
        connector.place(wanted)
    with pytest.raises(OrderNotFound):
        connector.order(BTC, client_order_id="a")
