"""Secrets of a local stack, minted once into `.local/secrets` (files 0600): no secret has a default."""

from __future__ import annotations

import json
import os
import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stack.ports import SERVICES

ISSUER = "liandong-local"
AUDIENCE = "liandong"
VALIDITY = timedelta(days=366)
CITY, DISTRICT, OFFICE = "31", "31/310109", "31/310109/310109010"
OTHER_SAMPLE_AREAS = ("310109009", "310109011", "310109014", "310109016", "310109017", "310109018", "310109019")
OFFICE_ROLES = {
    "clerk": "office_clerk",
    "head": "committee_head",
    "mediator": "mediator",
    "visitor": "visitor",
}


@dataclass(frozen=True)
class Person:
    roles: tuple[str, ...]
    scope_path: str
    source: str | None = None


PEOPLE = {
    "dispatch": Person(("source_system",), DISTRICT, source="hongkou-110"),
    "feed": Person(("source_system",), DISTRICT, source="feed"),
    "police": Person(("police_officer",), DISTRICT),
    "screener": Person(("screener",), DISTRICT),
    "dispatcher": Person(("dispatcher",), DISTRICT),
    **{name: Person((role,), OFFICE) for name, role in OFFICE_ROLES.items()},
    **{
        f"{name}@{area}": Person((role,), f"{DISTRICT}/{area}")
        for area in OTHER_SAMPLE_AREAS
        for name, role in OFFICE_ROLES.items()
    },
    "supervisor": Person(("bureau_supervisor",), DISTRICT),
    "city": Person(("city_supervisor",), CITY),
    "security": Person(("security_admin",), CITY),
    "ops": Person(("ops",), CITY),
    "auditor": Person(("auditor",), CITY),
    "partner": Person(("partner",), CITY),
}


@dataclass(frozen=True)
class Keys:
    """Reads what `mint` has put into the folder."""

    folder: Path

    @property
    def postgres_password_file(self) -> Path:
        return self.folder / "postgres-password"

    @property
    def public_key_file(self) -> Path:
        return self.folder / "token-public.pem"

    @property
    def signing_key_file(self) -> Path:
        return self.folder / "token-signing.pem"

    @property
    def index_key_file(self) -> Path:
        return self.folder / "index-key"

    def owner_password_file(self, service: str) -> Path:
        return self.folder / f"{service}-owner-password"

    def app_password_file(self, service: str) -> Path:
        return self.folder / f"{service}-app-password"

    def keyring_file(self, service: str) -> Path:
        return self.folder / f"{service}-keyring.json"

    def service_token_file(self, service: str) -> Path:
        return self.folder / f"{service}-token"

    def read(self, file: Path) -> str:
        return file.read_text().strip()

    def tokens(self) -> dict[str, str]:
        """One bearer token per name of CONTRACTS §8, signed anew: valid for a year from this start."""
        return {name: self.token(f"local:{name}", person) for name, person in PEOPLE.items()}

    def token(self, subject: str, person: Person) -> str:
        now = datetime.now(UTC)
        claims: dict[str, Any] = {
            "sub": subject,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + VALIDITY,
            "roles": list(person.roles),
            "scope_path": person.scope_path,
        }
        if person.source:
            claims["source"] = person.source
        return jwt.encode(claims, self.signing_key_file.read_text(), algorithm="EdDSA")


def mint(folder: Path) -> Keys:
    """What is there stays; what is missing is made. Service tokens are signed anew each time."""
    keys = Keys(folder)
    once(keys.postgres_password_file, secrets.token_urlsafe)
    once(keys.index_key_file, key_text)
    once(keys.signing_key_file, signing_key)
    write_secret(keys.public_key_file, public_key(keys.signing_key_file))
    for service in SERVICES:
        once(keys.owner_password_file(service), secrets.token_urlsafe)
        once(keys.app_password_file(service), secrets.token_urlsafe)
        once(keys.keyring_file(service), keyring)
        write_secret(keys.service_token_file(service), keys.token(f"{service}-svc", Person(("service",), CITY)))
    return keys


def once(file: Path, make: Callable[[], str]) -> None:
    if not file.exists():
        write_secret(file, make())


def write_secret(file: Path, text: str) -> None:
    """Whole or not at all, and never readable by others, not for a moment."""
    unfinished = file.with_name(file.name + ".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
    unfinished.replace(file)


def key_text() -> str:
    return b64encode(secrets.token_bytes(32)).decode()


def keyring() -> str:
    return json.dumps({"active": "k1", "keys": {"k1": key_text()}})


def signing_key() -> str:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode()


def public_key(signing_key_file: Path) -> str:
    private = serialization.load_pem_private_key(signing_key_file.read_bytes(), password=None)
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()
