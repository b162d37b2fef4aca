from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from chassis.sealing import CannotOpen, Keyring, index_of, key_id_of
from hypothesis import given
from hypothesis import strategies as st

OLD = Keyring(active="k1", keys={"k1": b"1" * 32})
NEW = Keyring(active="k2", keys={"k1": b"1" * 32, "k2": b"2" * 32})


@given(st.binary(), st.binary(min_size=1))
def test_what_was_sealed_opens_with_the_same_context(plain: bytes, aad: bytes) -> None:
    assert OLD.open(OLD.seal(plain, aad), aad) == plain


def test_the_same_value_never_looks_the_same_and_never_shows() -> None:
    sealed = {OLD.seal("王建国".encode(), b"party/1") for _ in range(100)}

    assert len(sealed) == 100
    assert all("王建国".encode() not in each for each in sealed)


def test_another_context_does_not_open_it() -> None:
    with pytest.raises(CannotOpen):
        OLD.open(OLD.seal(b"x", b"party/1/name"), b"party/2/name")


@given(st.integers(min_value=0))
def test_a_changed_bit_does_not_open(place: int) -> None:
    sealed = bytearray(OLD.seal(b"content", b"place"))
    sealed[place % len(sealed)] ^= 1

    with pytest.raises(CannotOpen):
        OLD.open(bytes(sealed), b"place")


@given(st.binary(max_size=60))
def test_bytes_that_were_never_sealed_do_not_open(junk: bytes) -> None:
    with pytest.raises(CannotOpen):
        OLD.open(junk, b"place")


def test_after_rotation_new_values_use_the_new_key_and_old_ones_still_open() -> None:
    before = OLD.seal(b"old", b"place")
    after = NEW.seal(b"new", b"place")

    assert (key_id_of(before), key_id_of(after)) == ("k1", "k2")
    assert NEW.open(before, b"place") == b"old"
    with pytest.raises(CannotOpen, match="k2"):
        OLD.open(after, b"place")


def test_the_same_key_id_with_other_bytes_does_not_open() -> None:
    other = Keyring(active="k1", keys={"k1": b"3" * 32})

    with pytest.raises(CannotOpen):
        other.open(OLD.seal(b"x", b"place"), b"place")


def test_a_context_is_required() -> None:
    with pytest.raises(ValueError, match="context"):
        OLD.seal(b"x", b"")
    with pytest.raises(CannotOpen):
        OLD.open(OLD.seal(b"x", b"place"), b"")


def test_a_keyring_reads_its_file_and_does_not_show_its_keys() -> None:
    key = base64.b64encode(b"1" * 32).decode()
    ring = Keyring.parse(json.dumps({"active": "k1", "keys": {"k1": key}}))

    assert ring.open(OLD.seal(b"x", b"place"), b"place") == b"x"
    assert key not in repr(ring)
    assert "1111" not in repr(ring)


def test_an_index_is_the_hmac_of_the_value() -> None:
    key = b"i" * 32

    assert index_of(key, "13800138000") == hmac.digest(key, b"13800138000", hashlib.sha256)
    assert index_of(b"j" * 32, "13800138000") != index_of(key, "13800138000")
    with pytest.raises(ValueError, match="32 bytes"):
        index_of(b"short", "13800138000")
