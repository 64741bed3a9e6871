"""Callers of the API."""

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from tests.conftest import Api


@pytest.fixture
def as_alice(api: Api, alice: User) -> APIClient:
    return api(alice)


@pytest.fixture
def as_charlie(api: Api, charlie: User) -> APIClient:
    return api(charlie)


@pytest.fixture
def as_viewer(api: Api, viewer: User) -> APIClient:
    return api(viewer)
