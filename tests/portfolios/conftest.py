"""The desk of the tests of orders."""

from tests.orders.conftest import desk, desk_factory  # noqa: F401
