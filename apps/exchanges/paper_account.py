"""Accounts on the paper venue: opened there for a paper connection that brings no keys."""

import secrets

import requests
from django.conf import settings

from apps.exchanges.connectors.base import Credentials
from apps.exchanges.connectors.spec import Capability, ExchangeSpec
from cts.domain.errors import DomainError

PAPER_BALANCE = "100000"


def paper_credentials(spec: ExchangeSpec) -> dict[str, str]:
    """Keys for a paper account nobody brought keys for."""
    made = {"api_key": f"paper{secrets.token_hex(8)}", "api_secret": secrets.token_hex(24)}
    return {**made, "passphrase": secrets.token_hex(8) if "passphrase" in spec.credential_fields else ""}


def paper_account_open(spec: ExchangeSpec, *, credentials: Credentials, position_mode: str) -> None:
    """Open the account, or find it open already. In this position mode where no call could change it afterwards.

    Raises:
        DomainError: `paper_unavailable`.
    """
    body = {
        "exchange": spec.name,
        "api_key": credentials.api_key,
        "api_secret": credentials.api_secret,
        "passphrase": credentials.passphrase,
        "balance": PAPER_BALANCE,
        "position_mode": None if spec.can(Capability.POSITION_MODE_SET) else position_mode,
    }
    try:
        answer = requests.post(f"{settings.PAPER_URL}/_accounts", json=body, timeout=settings.VENUE_TIMEOUT_S)
        answer.raise_for_status()
    except requests.RequestException:
        # Not the exception's text: it may carry the request.
        raise DomainError(
            "paper_unavailable",
            f"The paper venue at {settings.PAPER_URL} does not answer; start it with: manage.py paper_venue",
            field="environment",
        ) from None
