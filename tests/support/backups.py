"""One service's database as it was: as a dump of its schema, or as a copy of its server's data directory."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import asyncpg
from stack import postgres
from support.stack import PostgresServer, a_postgres


def dump(url: str, schema: str) -> bytes:
    return _run([str(postgres.programs() / "pg_dump"), "--schema", schema, "--format", "custom", "--dbname", url])


async def load(url: str, schema: str, kept: bytes) -> None:
    """Over whatever is there, as an operator would who has only the dump left."""
    admin = await asyncpg.connect(url)
    await admin.execute(f"DROP SCHEMA {schema} CASCADE")
    await admin.close()
    await asyncio.to_thread(_run, [str(postgres.programs() / "pg_restore"), "--dbname", url], kept)


def _run(command: list[str], stdin: bytes | None = None) -> bytes:
    library = postgres.programs().parent / "lib"
    env = {**os.environ, **postgres.environment(), "LD_LIBRARY_PATH": str(library)}
    return subprocess.run(command, input=stdin, env=env, capture_output=True, check=True).stdout


class CopiedServer:
    """A server of its own, stopped to be copied and stopped to be copied back."""

    def __init__(self, folder: Path) -> None:
        self.server: PostgresServer = a_postgres(folder)
        self._copy = folder / "copy"

    def back_up(self) -> None:
        self.server.stop()
        shutil.copytree(self.server.data, self._copy, symlinks=True)
        self.server.start()

    def restore(self) -> None:
        self.server.stop()
        kept = self.server.data.stat()
        shutil.rmtree(self.server.data)
        shutil.copytree(self._copy, self.server.data, symlinks=True)
        for one in (self.server.data, *self.server.data.rglob("*")):
            os.chown(one, kept.st_uid, kept.st_gid, follow_symlinks=False)
        self.server.start()
