"""Keys at rest: bound to their row, opened by any listed key, silent about what they hold."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from apps.exchanges.connectors.base import Credentials
from apps.exchanges.crypto import (
    EnvelopeError,
    credentials_seal,
    credentials_unseal,
    current_key_id,
    envelope_key_id,
    seal,
    unseal,
)

SECRETS = Credentials(api_key="key-1234", api_secret="secret-5678", passphrase="phrase")


def test_credentials_come_back_whole() -> None:
    envelope = credentials_seal(SECRETS, connection_id=5)
    assert credentials_unseal(envelope, connection_id=5) == SECRETS


def test_an_envelope_moved_to_another_row_does_not_open() -> None:
    envelope = credentials_seal(SECRETS, connection_id=5)
    with pytest.raises(EnvelopeError):
        credentials_unseal(envelope, connection_id=6)


def test_nothing_readable_is_stored_and_equal_secrets_look_different() -> None:
    one, two = (credentials_seal(SECRETS, connection_id=5) for _ in range(2))
    assert one != two
    assert not any(word in one for word in (b"key-1234", b"secret-5678", b"phrase"))


def test_a_changed_byte_is_noticed() -> None:
    envelope = bytearray(seal(b"plain", context="a"))
    envelope[-1] ^= 1
    with pytest.raises(EnvelopeError):
        unseal(bytes(envelope), context="a")


def test_a_new_first_key_seals_and_the_old_one_still_opens(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = "old:" + "11" * 32
    envelope = seal(b"plain", context="a")
    settings.ENCRYPTION_KEYS = "new:" + "22" * 32 + ",old:" + "11" * 32
    assert unseal(envelope, context="a") == b"plain"
    assert envelope_key_id(envelope) == "old"
    assert envelope_key_id(seal(b"plain", context="a")) == current_key_id() == "new"


def test_a_key_that_is_gone_is_named_in_the_error(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = "old:" + "11" * 32
    envelope = seal(b"plain", context="a")
    settings.ENCRYPTION_KEYS = "new:" + "22" * 32
    with pytest.raises(EnvelopeError, match="'old'"):
        unseal(envelope, context="a")


@pytest.mark.parametrize("envelope", [b"", b"plain text", b"\x00" * 40])
def test_what_is_no_envelope_is_refused(envelope: bytes) -> None:
    with pytest.raises(EnvelopeError):
        unseal(envelope, context="a")


@pytest.mark.parametrize("keys", ["short:abcd", "no-hex:" + "zz" * 32, "", "a:" + "11" * 32 + ";b:" + "22" * 32])
def test_bad_key_lists_stop_at_first_use(settings: Settings, keys: str) -> None:
    settings.ENCRYPTION_KEYS = keys
    with pytest.raises(ImproperlyConfigured):
        seal(b"plain", context="a")
