"""Rows for the tests of lists: written straight to the tables, as the lists only read."""

from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.engine.models import Engine, EngineEvent
from apps.exchanges.models import Connection
from apps.orders.models import EntryLock, Fill, Order, OrderEvent
from apps.portfolios.models import Portfolio
from apps.positions.models import Discrepancy, FundingEntry, Position
from apps.strategies.models import Configuration, Line, RuleSet, Study, StudyFollow
from tests.conftest import ConnectionFactory

_numbers = count(1)
SYMBOL = "BTC/USDT:USDT"


class Maker:
    """One home connection per owner, and rows on it."""

    def __init__(self, connection_factory: ConnectionFactory) -> None:
        self._create = connection_factory
        self._homes: dict[int, Connection] = {}

    def home(self, owner: User) -> Connection:
        if owner.pk not in self._homes:
            self._homes[owner.pk] = self._create(owner=owner)
        return self._homes[owner.pk]

    def order(self, owner: User, **fields: Any) -> Order:
        number = next(_numbers)
        values = {
            "connection": self.home(owner),
            "client_order_id": f"c{number}",
            "intent_key": f"test:{number}",
            "symbol": SYMBOL,
            "side": "buy",
            "position_side": "long",
            "order_type": "limit",
            "quantity": Decimal(1),
            "price": Decimal(100),
            "purpose": "entry",
            "origin": "main",
            "status": "accepted",
        }
        return Order.objects.create(**{**values, **fields})

    def order_event(self, owner: User) -> OrderEvent:
        order = Order.objects.filter(connection=self.home(owner)).first() or self.order(owner)
        return OrderEvent.objects.create(order=order, sequence=order.events.count() + 1, kind="ack", data={"a": 1})

    def fill(self, owner: User) -> Fill:
        return Fill.objects.create(
            connection=self.home(owner),
            order=self.order(owner),
            venue_trade_id=f"t{next(_numbers)}",
            symbol=SYMBOL,
            side="buy",
            position_side="long",
            price=Decimal(100),
            quantity=Decimal(1),
            executed_at=timezone.now(),
            source="poll",
        )

    def position(self, owner: User, **fields: Any) -> Position:
        values = {
            "connection": self.home(owner),
            "key": f"p{next(_numbers)}",
            "symbol": SYMBOL,
            "side": "long",
            "status": "open",
            "origin": "main",
            "quantity": Decimal(1),
            "average_entry_price": Decimal(100),
        }
        return Position.objects.create(**{**values, **fields})

    def entry_lock(self, owner: User, **fields: Any) -> EntryLock:
        values = {"reason_code": "stop_guard", "reason": "4 stops", "until": timezone.now() + timedelta(hours=1)}
        return EntryLock.objects.create(connection=self.home(owner), **{**values, **fields})

    def discrepancy(self, owner: User) -> Discrepancy:
        sums = {"ours": Decimal(1), "venue": Decimal(2), "cause": "unexplained"}
        return Discrepancy.objects.create(connection=self.home(owner), symbol=SYMBOL, side="long", **sums)

    def funding_entry(self, owner: User) -> FundingEntry:
        amounts = {"amount": Decimal("-0.25"), "given": Decimal("-0.25"), "asset": "USDT"}
        return FundingEntry.objects.create(
            connection=self.home(owner),
            symbol=SYMBOL,
            payment_id=f"p{FundingEntry.objects.count()}",
            paid_at=timezone.now(),
            **amounts,
        )

    def portfolio(self, owner: User) -> Portfolio:
        row = Portfolio.objects.create(owner=owner, name=f"Portfolio {Portfolio.objects.count()}", max_positions=5)
        row.connections.add(self.home(owner))
        return row

    def engine(self, owner: User) -> Engine:
        # One engine a connection, so each has a connection of its own.
        return Engine.objects.create(connection=self._create(owner=owner))

    def engine_event(self, owner: User) -> EngineEvent:
        engine, _ = Engine.objects.get_or_create(connection=self.home(owner))
        return EngineEvent.objects.create(engine=engine, kind="started", actor="test")

    def study(self, owner: User) -> Study:
        venue = {"exchange": "bybit", "environment": "paper", "market": "linear", "symbols": [SYMBOL]}
        study = Study.objects.create(digest=f"study{next(_numbers)}", fee_ratio=0.0005, **venue)
        rule_set, _ = RuleSet.objects.get_or_create(owner=None, name="Test")
        StudyFollow.objects.create(connection=self._create(owner=owner), study=study, rule_set=rule_set)
        return study

    def line(self, owner: User) -> Line:
        study = Study.objects.filter(follows__connection__owner=owner).first() or self.study(owner)
        exits = {"take_profit_steps": 2, "stop_loss_ratio": 1.0}
        configuration = Configuration.objects.create(
            digest=f"configuration{next(_numbers)}", indication="move", parameters={"n": 5}, **exits
        )
        return Line.objects.create(study=study, configuration=configuration, symbol=SYMBOL, side="long")
