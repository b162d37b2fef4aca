"""Where a stack keeps what, and what it is told from outside. Two stacks with two layouts never meet."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from stack.ports import Ports

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Layout:
    """`database_url` and `kafka_bootstrap_servers`, when given, replace the servers of our own."""

    state: Path
    ports: Ports
    cache: Path = ROOT / ".local/cache"
    root: Path = ROOT
    database_url: str | None = None
    kafka_bootstrap_servers: str | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The stack of this clone: state in .local, ports and servers from the environment."""
        return cls(
            state=ROOT / ".local",
            ports=Ports.from_environment(environ),
            database_url=environ.get("DATABASE_URL") or None,
            kafka_bootstrap_servers=environ.get("KAFKA_BOOTSTRAP_SERVERS") or None,
        )

    @property
    def facts(self) -> Path:
        return self.state / "stack.json"

    @property
    def lock(self) -> Path:
        return self.state / "supervisor.lock"

    @property
    def secrets(self) -> Path:
        return self.state / "secrets"

    @property
    def logs(self) -> Path:
        return self.state / "log"

    @property
    def data(self) -> Path:
        return self.state / "data"

    @property
    def postgres_data(self) -> Path:
        return self.data / "postgres"

    @property
    def kafka_data(self) -> Path:
        return self.data / "kafka"

    @property
    def sockets(self) -> Path:
        """Where our own PostgreSQL listens beside its port. Not among its data: a copy of them holds files alone."""
        return self.state / "run"

    def working_folder(self, process: str) -> Path:
        """A child's working directory; by it the next supervisor recognises what a killed one left behind."""
        return self.state / "run" / process

    def make_folders(self) -> None:
        for folder in (self.state, self.logs, self.data, self.state / "run"):
            folder.mkdir(parents=True, exist_ok=True)
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        self.secrets.chmod(0o700)
