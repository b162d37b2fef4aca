"""Whether a service's schema was already brought to today's code: written on the schema itself.

It saves a start five interpreters. As a comment on the schema it goes where the schema goes: one that comes back
from an older backup brings its older mark along, and is migrated again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import asyncpg

from stack.keys import Keys
from stack.layout import Layout

SOURCES = ("*.py", "*.yaml", "*.mako")


def digest_of(layout: Layout, keys: Keys, service: str) -> str:
    """Over everything that a migration, and the loading of the sample directory, depends on."""
    folders = (layout.root / f"services/{service}-svc/src", layout.root / "services/chassis/src")
    files = [file for folder in folders for pattern in SOURCES for file in folder.rglob(pattern)]
    files += [keys.owner_password_file(service), keys.app_password_file(service)]
    files += [sample_directory(layout)] if service == "triage" else []
    return digest(sorted(files))


def digest(files: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()[:32]


def sample_directory(layout: Layout) -> Path:
    return layout.root / "deploy/sample/hongkou.yaml"


async def marks(url: str) -> dict[str, str]:
    """Schema → the digest it was last migrated with."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname !~ '^pg_'"
        )
    finally:
        await connection.close()
    return {row[0]: row[1] or "" for row in rows}


async def mark(url: str, service: str, value: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"COMMENT ON SCHEMA {service} IS '{value}'")
    finally:
        await connection.close()
