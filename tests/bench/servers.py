"""A real PostgreSQL and a real Kafka, and our services on them or not: ports of their own, data in .local/bench."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from stack import postgres
from stack.keys import mint
from stack.launch import Stack, running_stack
from stack.layout import ROOT, Layout
from stack.parts import Overrides
from stack.ports import Ports

FOLDER = ROOT / ".local/bench"
COMMIT_TIMES = "track_commit_timestamp = on\n"
"""The server itself notes when each transaction was committed: what arrived when is read after a run, not during it."""

Say = Callable[[str], None]


def fresh_layout(name: str) -> Layout:
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    return Layout(folder, Ports.free())


@asynccontextmanager
async def servers(
    layout: Layout, *, services: Sequence[str] = (), overrides: Overrides | None = None, say: Say = lambda text: None
) -> AsyncIterator[Stack]:
    """Everything is ready inside; afterwards nothing of it runs, and its data stays until the next fresh layout."""
    await asyncio.to_thread(_make_cluster, layout)
    async with running_stack(layout, services=services, overrides=overrides or {}, say=say) as stack:
        yield stack


def _make_cluster(layout: Layout) -> None:
    """Nothing but the note of commit times differs from the product's own cluster."""
    layout.make_folders()
    if (layout.postgres_data / "PG_VERSION").exists():
        return
    postgres.prepare(layout.postgres_data, mint(layout.secrets).postgres_password_file, layout.sockets)
    with (layout.postgres_data / "postgresql.conf").open("a") as settings:
        settings.write(COMMIT_TIMES)
