"""Signatures against vectors the venues and independent clients published."""

import json

import pytest

from apps.exchanges.connectors.signing import Signer
from tests.exchanges.connectors.scripted import VENUES

VECTORS = json.loads((VENUES / "signatures.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['exchange']}-{v['name']}")
def test_signature_equals_the_published_one(vector: dict[str, str]) -> None:
    signer = Signer(vector["secret"])
    for _ in range(2):  # the prepared state isn't used up
        assert made(signer, vector) == vector["expected"]


def made(signer: Signer, vector: dict[str, str]) -> str:
    if vector.get("encoding") == "base64":
        return signer.base64(vector["prehash"].encode())
    digest = signer.hex(vector["prehash"].encode())
    # One venue takes the text of the digest for bytes, and writes those in hexadecimal once more.
    return digest.encode().hex() if vector.get("encoding") == "hex of hex" else digest


@pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
def test_signer_equals_the_standard_library_for_any_key_length(length: int) -> None:
    import hmac

    assert Signer("k" * length).hex(b"message") == hmac.new(b"k" * length, b"message", "sha256").hexdigest()
