"""Clients that send the same call at once, contradict themselves, or hang up in the middle."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from chaos.load import Answer
from chaos.process_faults import Fault
from chaos.scene import NotMet, Scene
from chassis.problems import RETRY_AFTER_SECONDS

AT_ONCE = 8
SHED_SECONDS = 60.0


async def duplicates(scene: Scene) -> None:
    """One body, eight times at once: one 202, seven 200, one call."""
    answers = await _all_answered(scene, lambda: [scene.load.calls.plain()] * AT_ONCE)
    counted = Counter(answer.status_code for answer in answers)
    assert counted == {202: 1, 200: AT_ONCE - 1}, f"the same call {AT_ONCE} times at once answered {dict(counted)}"
    for answer in answers:
        scene.load.keep(answer.json())
    assert len({answer.json()["call_id"] for answer in answers}) == 1
    scene.met(f"one call out of {AT_ONCE} POSTs")


async def conflicts(scene: Scene) -> None:
    """Eight contents under one `updated_at`, at once: one is taken, seven are told so, all eight are kept."""
    answers = await _all_answered(scene, lambda: _contents_of(scene.load.calls.plain()))
    counted = Counter(answer.status_code for answer in answers)
    assert counted == {202: 1, 409: AT_ONCE - 1}, f"{AT_ONCE} contents at once answered {dict(counted)}"
    (taken,) = (answer for answer in answers if answer.status_code == 202)
    promise = scene.load.keep(taken.json())
    kinds = await scene.eyes.rows(
        """SELECT v.kind, count(*), count(b.version_id) FROM intake.call_version v
           LEFT JOIN intake.vault b USING (version_id) WHERE v.call_id = $1 GROUP BY 1 ORDER BY 1""",
        promise.call_id,
    )
    assert [tuple(row) for row in kinds] == [("conflict", AT_ONCE - 1, AT_ONCE - 1), ("current", 1, 1)], kinds
    scene.met(f"one of {AT_ONCE} contents taken, all kept")


async def hang_up(scene: Scene) -> None:
    """Clients that are gone before the answer, and ask again later with the same body."""
    calls = [scene.load.calls.plain() for _ in range(AT_ONCE)]
    cut = 0
    for number, call in enumerate(calls):
        try:
            async with asyncio.timeout(0.002 * (number + 1)):
                await scene.load.post(json.dumps(call).encode(), is_first=False)
        except TimeoutError:
            cut += 1
    if not cut:
        raise NotMet("every answer was there before the client could hang up")
    await asyncio.gather(*(scene.load.accepted(call) for call in calls))
    scene.met(f"{cut} of {AT_ONCE} hung up and asked again")


def _contents_of(call: dict[str, Any]) -> list[dict[str, Any]]:
    call = call | {"updated_at": datetime.now(UTC).isoformat()}
    return [call | {"content": f"{call['content']}第{number}次陈述。"} for number in range(AT_ONCE)]


async def _all_answered(scene: Scene, make: Callable[[], list[dict[str, Any]]]) -> list[Answer]:
    """All at once. While the service sheds load some are refused: then each asks until it is answered, and it is tried
    anew with another call.
    """
    until = time.monotonic() + SHED_SECONDS
    while True:
        bodies = [json.dumps(call).encode() for call in make()]
        answers = await asyncio.gather(*(scene.load.post(body, is_first=False) for body in bodies))
        heard = [answer for answer in answers if answer is not None and answer.status_code != 503]
        if len(heard) == len(answers):
            return heard
        if time.monotonic() > until:
            raise NotMet("the service was away while calls were sent in parallel")
        await asyncio.gather(*(_settle(scene, body) for body in bodies))


async def _settle(scene: Scene, body: bytes) -> None:
    """One whose answer was lost may have been taken: what the checker counts as promised must hold it."""
    while True:
        answer = await scene.load.post(body, is_first=False)
        if answer is not None and answer.status_code != 503:
            break
        await asyncio.sleep(RETRY_AFTER_SECONDS)
    if answer.status_code in (200, 202):
        scene.load.keep(answer.json())


POSTS = [
    Fault("the same call eight times at once", duplicates),
    Fault("eight contents of one call at once", conflicts),
    Fault("clients gone before the answer", hang_up),
]
