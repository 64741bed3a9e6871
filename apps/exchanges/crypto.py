"""Venue keys at rest: AES-256-GCM envelopes that name their key and belong to one row. Only the factory opens them."""

import os
import re
from functools import lru_cache

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.exchanges.connectors.base import Credentials

_VERSION = 1
_NONCE_BYTES = 12
_PAIR = re.compile(r"([A-Za-z0-9_-]{1,32}):([0-9a-fA-F]{64})")


class EnvelopeError(Exception):
    """An envelope that no key of ours opens, or that belongs to another row. Says which key id, never what is inside."""


class _Envelope(msgspec.Struct, frozen=True, array_like=True):
    version: int
    key_id: str
    nonce: bytes
    sealed: bytes


@lru_cache(maxsize=4)
def _keyring(text: str) -> dict[str, AESGCM]:
    """Key id -> cipher, in the order given: the first seals, all open."""
    ring: dict[str, AESGCM] = {}
    for pair in text.split(","):
        match = _PAIR.fullmatch(pair.strip())
        if match is None:
            raise ImproperlyConfigured("CTS_ENCRYPTION_KEYS must be id:hex pairs of 32-byte keys, separated by commas")
        ring[match[1]] = AESGCM(bytes.fromhex(match[2]))
    return ring


def current_key_id() -> str:
    return next(iter(_keyring(settings.ENCRYPTION_KEYS)))


def seal(plain: bytes, *, context: str) -> bytes:
    """An envelope that opens only with the same `context`, so that a row's secret can't be moved to another row."""
    key_id, cipher = next(iter(_keyring(settings.ENCRYPTION_KEYS).items()))
    nonce = os.urandom(_NONCE_BYTES)
    sealed = cipher.encrypt(nonce, plain, context.encode())
    return msgspec.msgpack.encode(_Envelope(_VERSION, key_id, nonce, sealed))


def unseal(envelope: bytes, *, context: str) -> bytes:
    parts = _parts(envelope)
    cipher = _keyring(settings.ENCRYPTION_KEYS).get(parts.key_id)
    if cipher is None:
        raise EnvelopeError(f"sealed with key {parts.key_id!r}, which CTS_ENCRYPTION_KEYS does not list")
    try:
        return cipher.decrypt(parts.nonce, parts.sealed, context.encode())
    except InvalidTag:
        raise EnvelopeError(f"key {parts.key_id!r} does not open this envelope for {context}") from None


def envelope_key_id(envelope: bytes) -> str:
    return _parts(envelope).key_id


def _parts(envelope: bytes) -> _Envelope:
    try:
        parts = msgspec.msgpack.decode(envelope, type=_Envelope)
    except msgspec.MsgspecError:
        raise EnvelopeError("not an envelope") from None
    if parts.version != _VERSION:
        raise EnvelopeError(f"envelope version {parts.version} is not known")
    return parts


def credentials_seal(credentials: Credentials, *, connection_id: int) -> bytes:
    return seal(msgspec.json.encode(credentials), context=f"connection:{connection_id}")


def credentials_unseal(envelope: bytes | memoryview, *, connection_id: int) -> Credentials:
    return msgspec.json.decode(unseal(bytes(envelope), context=f"connection:{connection_id}"), type=Credentials)
