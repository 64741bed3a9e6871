"""Signatures against vectors the venues and independent clients published."""

import json

import pytest

from apps.exchanges.connectors.signing import Signer
from tests.exchanges.connectors.scripted import VENUES

VECTORS = json.loads((VENUES / "signatures.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['exchange']}-{v['name']}")
def test_signature_equals_the_published_one(vector: dict[str, str]) -> None:
    signer = Signer(vector["secret"])
    sign = signer.base64 if vector.get("encoding") == "base64" else signer.hex
    assert sign(vector["prehash"].encode()) == vector["expected"]
    assert sign(vector["prehash"].encode()) == vector["expected"]  # the prepared state isn't used up


@pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
def test_signer_equals_the_standard_library_for_any_key_length(length: int) -> None:
    import hmac

    assert Signer("k" * length).hex(b"message") == hmac.new(b"k" * length, b"message", "sha256").hexdigest()
