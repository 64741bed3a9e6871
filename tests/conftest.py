"""The cast every test knows: Alice owns, Bob trades on his own, Charlie is refused, and what they own."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_django
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher
from django.db import connection as database
from django.utils import timezone
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient

from apps.accounts.models import Role, User
from apps.accounts.services import user_register
from apps.accounts.tokens import tokens_issue
from apps.exchanges.connectors.base import Credentials
from apps.exchanges.crypto import credentials_seal
from apps.exchanges.models import Connection, Instrument
from apps.exchanges.selectors import instruments_forget
from cts import bus
from tests.chromium import chromium_path
from tests.paper_fixtures import _quiet_paper_venue, moving_paper_venue, paper_venue  # noqa: F401

# A busy machine is slow, not wrong: how long something takes is the benchmarks' business.
hypothesis_settings.register_profile("cts", deadline=None)
hypothesis_settings.load_profile("cts")

PASSWORD = "Correct-horse-battery-9"
UserFactory = Callable[..., User]
ConnectionFactory = Callable[..., Connection]
InstrumentFactory = Callable[..., Instrument]
Api = Callable[[User | None], APIClient]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="only the tests that use the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _skip_without_browser(items)
    if config.getoption("--database-only"):
        kept = [item for item in items if _uses_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if not _uses_database(item)])
        items[:] = kept


def _uses_database(item: pytest.Item) -> bool:
    names = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(names & {"db", "transactional_db"})


def _skip_without_browser(items: list[pytest.Item]) -> None:
    if chromium_path() is None:
        skip = pytest.mark.skip(reason="NO BROWSER TESTED: install chromium, or set CTS_CHROMIUM to one")
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[None]:
    """The product's own threads (leases, pushes) may still hold a connection when the last test is over."""
    yield
    if database.vendor == "postgresql":
        with django_db_blocker.unblock(), database.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BCryptSHA256PasswordHasher, "rounds", 4)


@pytest.fixture(autouse=True)
def _instruments_unknown() -> None:
    """What a process remembers of a venue's list is taken back with the rows of the test before."""
    instruments_forget()


@pytest.fixture(autouse=True)
def _empty_redis(request: pytest.FixtureRequest) -> None:
    """Counters, marks and heartbeats of one test are no business of the next; each xdist worker has a database of its own."""
    if _uses_database(request.node):
        bus.client().flushdb()


@pytest.fixture
def user_factory(db: None) -> UserFactory:
    def create(username: str, role: Role = Role.TRADER) -> User:
        return user_register(username=username, password=PASSWORD, email=f"{username}@example.org", role=role)

    return create


@pytest.fixture
def alice(user_factory: UserFactory) -> User:
    """Owns what the tests are about."""
    return user_factory("alice")


@pytest.fixture
def bob(user_factory: UserFactory) -> User:
    """Another trader, with things of his own."""
    return user_factory("bob")


@pytest.fixture
def charlie(user_factory: UserFactory) -> User:
    """A stranger: refused wherever something of Alice's is asked for."""
    return user_factory("charlie")


@pytest.fixture
def viewer(user_factory: UserFactory) -> User:
    """May look, may not act."""
    return user_factory("vera", Role.VIEWER)


@pytest.fixture
def administrator(user_factory: UserFactory) -> User:
    return user_factory("ada", Role.ADMINISTRATOR)


@pytest.fixture
def api(db: None) -> Api:
    """`api(alice)` calls the API as Alice with a token of hers; `api(None)` as nobody."""

    def client(user: User | None) -> APIClient:
        caller = APIClient()
        if user is not None:
            caller.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens_issue(user).access}")
        return caller

    return client


@pytest.fixture
def connection_factory(alice: User) -> ConnectionFactory:
    """A connection of Alice's unless told otherwise. Its keys are sealed for real; the venue has not been asked."""

    def create(*, credentials: Credentials | None = None, **fields: Any) -> Connection:
        number = Connection.objects.count() + 1
        keys = credentials or Credentials(api_key=f"key{number:013d}", api_secret=f"secret{number:026d}")
        values: dict[str, Any] = {
            "owner": alice,
            "name": f"Account {number}",
            "exchange": "bybit",
            "environment": "paper",
            "symbols": ["BTC/USDT:USDT"],
            "is_test_passed": True,
        }
        row = Connection.objects.create(credentials=b"", key_hint=keys.api_key[-4:], **{**values, **fields})
        row.credentials = credentials_seal(keys, connection_id=row.pk)
        row.save(update_fields=["credentials"])
        return row

    return create


@pytest.fixture
def connection(connection_factory: ConnectionFactory) -> Connection:
    return connection_factory()


@pytest.fixture
def instrument_factory(db: None) -> InstrumentFactory:
    def create(symbol: str = "BTC/USDT:USDT", *, exchange: str = "bybit", **fields: Any) -> Instrument:
        base = symbol.split("/")[0]
        values: dict[str, Any] = {
            "exchange": exchange,
            "environment": "paper",
            "market": "linear",
            "symbol": symbol,
            "venue_symbol": f"{base}USDT",
            "base": base,
            "quote": "USDT",
            "settle": "USDT",
            "tick_size": Decimal("0.1"),
            "lot_step": Decimal("0.001"),
            "min_quantity": Decimal("0.001"),
            "min_notional": Decimal(5),
            "max_leverage": 100,
            "taker_fee_rate": Decimal("0.00055"),
            "maker_fee_rate": Decimal("0.0002"),
            "synced_at": timezone.now(),
        }
        return Instrument.objects.create(**{**values, **fields})

    return create


@pytest.fixture
def instrument(instrument_factory: InstrumentFactory) -> Instrument:
    """BTC perpetual on Bybit paper."""
    return instrument_factory()
