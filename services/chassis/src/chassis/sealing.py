"""Encryption of single fields, and keyed hashes to find them again without opening them."""

import base64
import binascii
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_AES_256_GCM = 1  # first byte of everything sealed, so that another algorithm can come beside it
_NONCE_BYTES = 12


class CannotOpen(Exception):
    """Unknown key, other context (`aad`), or bytes that were changed. Says nothing about the content."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by id; new values are sealed with the active one, old values opened with whatever sealed them.

    Nonces are random: one key is good for 2^32 values, then a new one becomes active.
    """

    active: str
    keys: Mapping[str, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        if self.active not in self.keys:
            raise ValueError("the active key is not on the ring")
        for key_id, key in self.keys.items():
            if not 1 <= len(key_id.encode()) <= 255 or len(key) != 32:
                raise ValueError("a key needs an id and 32 bytes")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `{"active": "k1", "keys": {"k1": "<base64>"}}`; ValueError never quotes a key."""
        try:
            document = json.loads(text)
            keys = {str(key_id): key_bytes(encoded) for key_id, encoded in document["keys"].items()}
            return cls(active=str(document["active"]), keys=keys)
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError):
            raise ValueError("not a keyring") from None

    def seal(self, plain: bytes, aad: bytes) -> bytes:
        """Encrypt under the active key. `aad` names the place of the value; without it the value does not open."""
        header = _header(self.active)
        nonce = os.urandom(_NONCE_BYTES)
        return header + nonce + AESGCM(self.keys[self.active]).encrypt(nonce, plain, header + _required(aad))

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """The plain bytes; raises CannotOpen."""
        key_id = key_id_of(sealed)
        header = _header(key_id)
        rest = sealed[len(header) :]
        try:
            cipher = AESGCM(self.keys[key_id])
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], header + _required(aad))
        except (KeyError, InvalidTag, ValueError) as error:
            raise CannotOpen(f"sealed with key {key_id}: {type(error).__name__}") from None


def key_id_of(sealed: bytes) -> str:
    """Which key sealed this; raises CannotOpen when it was not sealed here."""
    if len(sealed) < 2 or sealed[0] != _AES_256_GCM or len(sealed) < 2 + sealed[1] + _NONCE_BYTES:
        raise CannotOpen("not a sealed value")
    try:
        return bytes(sealed[2 : 2 + sealed[1]]).decode()
    except UnicodeDecodeError:
        raise CannotOpen("not a sealed value") from None


def index_of(key: bytes, value: str) -> bytes:
    """HMAC-SHA-256 of a value brought into its normal form by the caller: equal values, equal index."""
    if len(key) < 32:
        raise ValueError("an index key has at least 32 bytes")
    return hmac.new(key, value.encode(), hashlib.sha256).digest()


def key_bytes(encoded: str) -> bytes:
    """Decode a key kept as base64; ValueError does not quote it."""
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None


def _header(key_id: str) -> bytes:
    encoded = key_id.encode()
    return bytes((_AES_256_GCM, len(encoded))) + encoded


def _required(aad: bytes) -> bytes:
    if not aad:
        raise ValueError("a sealed value needs its context")
    return aad
