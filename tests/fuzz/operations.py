"""All operations of one service's document, tried by schemathesis and by mutation, at its real door."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from fuzz import running
from fuzz.leaks import leaks
from fuzz.requests import Seeded, hostile_request
from fuzz.wire import Connection, RawRequest
from support.documented import Documented, Example
from support.documented_ops import brought_to_it

AT_ONCE = 4
ANYWHERE = {400, 404, 405, 408, 413, 415, 422, 431}
"""What a bent request may be answered wherever it goes: it may not have found its operation at all."""


@dataclass
class Tally:
    """What came back, by operation and status, and what should not have."""

    statuses: Counter[int] = field(default_factory=Counter)
    taken: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def note(self, operation: Documented, answer: httpx.Response) -> None:
        self.statuses[answer.status_code] += 1
        if answer.is_success:
            self.taken.add(operation.name)


async def seeded(place: Any, operations: Sequence[Documented], walks: Mapping[str, Any]) -> list[Seeded]:
    """Each operation's object brought to where it waits for it: one for the document's example, one for the others."""
    return [
        Seeded(
            operation, await brought_to_it(place, operation, walks), await brought_to_it(place, operation, walks),
            list(operation.examples()),
        )
        for operation in operations
    ]  # fmt: skip


def tokens_of(place: Any, operations: Sequence[Documented], *, sub: str = "fuzz") -> dict[str, str]:
    roles = {role for operation in operations for role in operation.roles}
    claims = {"source": "hongkou-110", "sub": sub}
    return {role: place.issuer.token(role, **claims) for role in roles}


async def try_mutations(
    place: Any, port: int, subjects: Sequence[Seeded], *, kind: str, count: int, at: Callable[[int], None]
) -> Tally:
    """`count` requests from the seed; what is answered wrongly is kept."""
    tally, tokens = Tally(), tokens_of(place, [one.operation for one in subjects])
    numbers = iter(range(count))

    async def one_after_another() -> None:
        connection = Connection(port)
        for n in numbers:
            rng = random.Random(f"{running.SEED}/{kind}/{n}")
            subject = rng.choice(subjects)
            request = hostile_request(place, subject, tokens, rng)
            await ask(connection, subject.operation, request, tally, name=(kind, n))
            at(n + 1)
        connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(one_after_another())
    return tally


async def ask(
    connection: Connection, operation: Documented, request: RawRequest, tally: Tally, *, name: tuple[str, int]
) -> None:
    try:
        answer = await connection.ask(request)
    except (ConnectionError, TimeoutError) as error:
        wrong = [f"no answer: {error!r}"]
    else:
        tally.note(operation, answer)
        wrong = list(wrongs(operation, answer, is_its=request.method == operation.method.upper()))
    if wrong:
        kept = running.keep(name[0], running.SEED, name[1], as_kept(request))
        tally.faults.append(f"{operation.name}: {wrong}; kept as {kept.name}")


def wrongs(operation: Documented, answer: httpx.Response, *, is_its: bool) -> Iterator[str]:
    """`is_its`: by its method, so that its document speaks of it; another method may find another operation."""
    status = answer.status_code
    if status >= 500 or (is_its and str(status) not in operation.node["responses"] and status not in ANYWHERE):
        yield f"{status} {answer.text[:300]}"
    elif status >= 400:
        problem = json.loads(answer.content)
        if not {"code", "detail_zh", "detail_en", "status"} <= problem.keys() or problem["status"] != status:
            yield f"{status} is no problem: {answer.text[:200]}"
        if len(answer.content) > 16_384:
            yield f"{status} in {len(answer.content)} bytes"
    elif is_its and answer.content and operation.node["responses"].get(str(status)):
        try:
            operation.check(answer, Example("mutated"))
        except AssertionError as error:
            yield str(error)[:600]
    shown = [what for what in leaks(answer.text) if what != "a person" or status >= 400]
    if shown:
        yield f"{status} shows {shown}: {answer.text[:300]}"


def as_kept(request: RawRequest) -> dict[str, Any]:
    """Without its token: whoever sends it again signs a new one."""
    headers = [
        [name.hex(), "a token" if value.startswith(b"Bearer eyJ") else value.hex()] for name, value in request.headers
    ]
    body = None if request.body is None else request.body.hex()
    return {"method": request.method, "target": request.target.decode("ascii"), "headers": headers, "body": body}
