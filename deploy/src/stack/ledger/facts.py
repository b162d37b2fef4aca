"""What the four services say of themselves, asked twice.

Positions are read from the first round and heads from the second, so a head can never be older than a position that
counts against it: whatever was written in between is in flight, never a negative number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import httpx

from stack.running import SERVICES, RunningStack

TRIES, PAUSE = 5, 0.5


class Unreachable(Exception):
    """A service did not answer, or not with its ledger."""


@dataclass(frozen=True)
class ServiceFacts:
    service: str
    heads: int
    outbox: Mapping[str, int]
    positions: Mapping[str, int]
    parked: Mapping[str, Mapping[str, int]]
    quarantined: Mapping[str, int]
    lacking: Mapping[str, Mapping[str, int]]
    distrusted: Sequence[str]
    counts: Mapping[str, Any]
    raw: Mapping[str, Any]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        return cls(
            service=raw["service"],
            heads=raw["heads"]["sum"],
            outbox=raw["outbox"],
            positions={producer: position["sum"] for producer, position in raw["positions"].items()},
            parked=raw["parked"],
            quarantined=raw["quarantined"],
            lacking=raw["lacking"],
            distrusted=raw["distrusted"],
            counts=raw["counts"],
            raw=raw,
        )


@dataclass(frozen=True)
class Facts:
    """`positions` holds the first round's answers, `heads` the second's, by service."""

    positions: Mapping[str, ServiceFacts]
    heads: Mapping[str, ServiceFacts]


async def collect(client: httpx.AsyncClient, stack: RunningStack) -> Facts:
    """Raises Unreachable, NotRunning."""
    token = stack.token("ops")
    first = await _round(client, stack, token)
    second = await _round(client, stack, token)
    return Facts(first, second)


async def _round(client: httpx.AsyncClient, stack: RunningStack, token: str) -> Mapping[str, ServiceFacts]:
    answers = await asyncio.gather(*(_ask(client, service, stack.services[service], token) for service in SERVICES))
    return {facts.service: facts for facts in answers}


async def _ask(client: httpx.AsyncClient, service: str, url: str, token: str) -> ServiceFacts:
    trouble = ""
    for number in range(TRIES):
        if number:
            await asyncio.sleep(PAUSE * number)
        try:
            answer = await client.get(f"{url}/v1/ops/ledger", headers={"Authorization": f"Bearer {token}"})
        except httpx.TransportError as error:
            trouble = type(error).__name__
            continue
        if answer.status_code == 200:
            return _read(service, url, answer)
        trouble = f"HTTP {answer.status_code}"
        if answer.status_code != 503:
            break
    raise Unreachable(f"{service} 没有给出账目 gives no ledger at {url} ({trouble})")


def _read(service: str, url: str, answer: httpx.Response) -> ServiceFacts:
    try:
        facts = ServiceFacts.of(answer.json())
    except (ValueError, KeyError, TypeError) as error:
        raise Unreachable(f"{service} 的账目无法读取 its ledger cannot be read at {url}: {error!r}") from error
    if facts.service != service:
        raise Unreachable(f"{url} 应答的是 {facts.service} 而不是 {service} answers as another service")
    return facts
