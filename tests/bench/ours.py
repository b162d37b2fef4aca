"""Our own services as the subject of a measurement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bench.servers import fresh_layout, servers
from bench.subject import OURS, Subject
from stack.launch import Stack
from stack.layout import Layout
from stack.parts import Overrides
from stack.ports import SERVICES

OVERRIDES: Overrides = {"intake": {"QUEUE_LIMIT": "100000000"}}
"""Only how many calls may wait to be screened: while POSTs alone are measured nobody screens."""


@asynccontextmanager
async def running_ours(
    *, services: Sequence[str] = SERVICES, overrides: Overrides | None = None, layout: Layout | None = None
) -> AsyncIterator[tuple[Stack, Subject]]:
    layout = layout or fresh_layout("ours")
    async with servers(layout, services=services, overrides={**OVERRIDES, **(overrides or {})}) as stack:
        subject = subject_of(stack)
        try:
            yield stack, subject
        finally:
            await subject.close()


def subject_of(stack: Stack) -> Subject:
    facts = stack.facts()
    processes = facts["processes"]
    return Subject(
        "ours", stack.layout.ports.intake, facts["tokens"]["dispatch"], facts["postgres"]["url"], OURS, processes
    )
