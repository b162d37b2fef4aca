"""A password as PostgreSQL stores it, so that the password itself never travels in a statement or lands in a log."""

import base64
import hashlib
import hmac
import os

_ITERATIONS = 4096


def scram_verifier(password: str, salt: bytes | None = None) -> str:
    """RFC 5802 / 7677, as in `pg_authid.rolpassword`. ASCII only: SASLprep of anything else is not done here."""
    salt = salt or os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    stored = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
    server = _hmac(salted, b"Server Key")
    return f"SCRAM-SHA-256${_ITERATIONS}:{_base64(salt)}${_base64(stored)}:{_base64(server)}"


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
