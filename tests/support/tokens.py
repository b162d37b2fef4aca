"""An issuer of tokens, and the secret files of a service, in a folder of the test's own."""

from __future__ import annotations

import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import jwt
from chassis.settings import ServiceSettings
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Issuer:
    """`token(...)` signs what the service behind `settings()` accepts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.private_key = Ed25519PrivateKey.generate()
        public = self.private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self._write("token.pub", public.decode())
        key = base64.b64encode(os.urandom(32)).decode()
        self._write("keyring.json", json.dumps({"active": "k1", "keys": {"k1": key}}))
        self._write("index.key", base64.b64encode(os.urandom(32)).decode())
        self._write("service.jwt", self.token("service"))

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text + "\n")

    def token(self, *roles: str, **changes: Any) -> str:
        """Claims can be changed by name; None takes one out."""
        claims: dict[str, Any] = {
            "iss": "liandong-local",
            "aud": "liandong",
            "sub": "somebody",
            "roles": list(roles),
            "scope_path": "31/310109",
            "exp": int(time.time()) + 600,
        }
        claims.update(changes)
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, self.private_key, algorithm="EdDSA")

    def bearer(self, *roles: str, **changes: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(*roles, **changes)}"}

    def environment(self, prefix: str = "INTAKE_", **changes: str) -> dict[str, str]:
        """The environment variables of one service."""
        variables = {
            "DATABASE_URL": "postgresql://intake_app:not-used@127.0.0.1:1/liandong",
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "HTTP_PORT": "8101",
            "TOKEN_PUBLIC_KEY_FILE": str(self.folder / "token.pub"),
            "SERVICE_TOKEN_FILE": str(self.folder / "service.jwt"),
            "KEYRING_FILE": str(self.folder / "keyring.json"),
            "INDEX_KEY_FILE": str(self.folder / "index.key"),
        } | changes
        return {prefix + name: value for name, value in variables.items()}

    def settings(self, **changes: str) -> ServiceSettings:
        return ServiceSettings.model_validate(
            {name.lower(): value for name, value in self.environment("", **changes).items()}
        )
