"""Who the tests of accounts are about."""

import pytest

from apps.accounts.models import User
from apps.accounts.services import user_register

PASSWORD = "correct horse battery"


@pytest.fixture
def dana(db: None) -> User:
    return user_register(username="dana", password=PASSWORD, email="dana@example.org")
