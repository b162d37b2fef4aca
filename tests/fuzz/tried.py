"""One service's whole document tried: seeded, thought of by schemathesis, mutated; and what its log said meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fuzz import running
from fuzz.leaks import leaking_lines, logged_to
from fuzz.operations import Tally, ask, seeded, tokens_of, try_mutations
from fuzz.requests import Seeded, example_request
from fuzz.running import EXAMPLES, INPUTS, SEED, Progress
from fuzz.thought_of import as_request, cases_of, documents_of
from fuzz.wire import Connection, served
from starlette.types import ASGIApp
from support.documented import Documented

MUTATED = INPUTS // 2 // 4
TAKEN = 0.8
"""Of all operations so many must have answered 2xx: else what was tried stayed outside."""


async def all_is_answered_as_documented(
    place: Any,
    app: ASGIApp,
    operations: Sequence[Documented],
    walks: Mapping[str, Any],
    *,
    say: Callable[[str], None],
    log_file: Path,
) -> None:
    subjects = await seeded(place, operations, walks)
    with logged_to(log_file):
        async with served(app) as port:
            thought = await try_what_is_thought_of(place, port, subjects)
            progress = Progress(place.service, MUTATED, say)
            mutated = await try_mutations(place, port, subjects, kind=place.service, count=MUTATED, at=progress.at)
    running.report(f"requests to {place.service}", figures(operations, thought, mutated))
    faults = [*thought.faults, *mutated.faults]
    assert not faults, f"{len(faults)} of {sum((thought.statuses + mutated.statuses).values())}:\n" + "\n".join(
        faults[:15]
    )
    shown = leaking_lines(log_file)
    assert not shown, "\n".join(shown[:15])
    share = len(thought.taken) / len(operations)
    assert share >= TAKEN, f"2xx of {share:.0%}; never {sorted({one.name for one in operations} - thought.taken)}"


async def try_what_is_thought_of(place: Any, port: int, subjects: Sequence[Seeded]) -> Tally:
    """Each operation by a caller of its own: nobody's idempotency key has been used before."""
    tally, document, connection = Tally(), documents_of(place.service), Connection(port)
    for at, subject in enumerate(subjects):
        operation = subject.operation
        name, tokens = f"{place.service}-{operation.name}", tokens_of(place, [operation], sub=f"fuzz-{at}")
        await ask(connection, operation, example_request(subject, tokens), tally, name=(name, 0))
        cases = cases_of(document, operation.path, operation.method, count=EXAMPLES, number=SEED * 1000 + at)
        for n, case in enumerate(cases):
            request = as_request(case, subject, tokens, n=n)
            await ask(connection, operation, request, tally, name=(name, n + 1))
    connection.close()
    return tally


def figures(operations: Sequence[Documented], thought: Tally, mutated: Tally) -> dict[str, Any]:
    return {
        "operations": len(operations),
        "answered 2xx": len(thought.taken),
        "by schemathesis": dict(sorted(thought.statuses.items())),
        "mutated": dict(sorted(mutated.statuses.items())),
        "faults": len(thought.faults) + len(mutated.faults),
    }


def app_of(place: Any) -> ASGIApp:
    """The one that the place's client talks to in this process."""
    app: ASGIApp = place.client._transport.app
    return app
