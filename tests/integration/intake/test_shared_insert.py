"""Calls that come together share one statement: each answered by its own commit, a bad one falls out alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from chassis.database_errors import DatabaseUnavailable
from chassis.ids import new_id, new_tracking_code
from intake_svc.api.reading import CallReader
from intake_svc.rules.loading import load_rules
from intake_svc.store import shared_insert
from intake_svc.store.submissions import NewIds
from intake_svc.store.vault import Vault
from intake_svc.use_cases.submit_call import Accepted, Answer, SubmitCall
from support.stack import eventually

TOGETHER = 20
Outcome = Accepted | BaseException


class Crowd:
    """Submits as the route does, but all in one statement: nobody writes until the last has come."""

    def __init__(self, intake: Any, monkeypatch: pytest.MonkeyPatch, codes: Iterator[str] | None = None) -> None:
        self._patch = monkeypatch
        self._reader = CallReader(load_rules().masking, intake.settings.index_key)
        self._submit = SubmitCall(
            intake.units,
            Vault(intake.settings.keyring),
            make_ids=lambda: NewIds(new_id(), new_id(), new_id(), next(codes) if codes else new_tracking_code()),
        )

    async def begin(self, calls: Sequence[dict[str, Any]]) -> list[asyncio.Task[Accepted]]:
        self._patch.setattr(shared_insert, "WRITERS", 0)
        tasks = [asyncio.create_task(self._submit(self._read(call))) for call in calls[:-1]]
        await asyncio.sleep(0)
        self._patch.setattr(shared_insert, "WRITERS", 1)
        return [*tasks, asyncio.create_task(self._submit(self._read(calls[-1])))]

    async def all(self, calls: Sequence[dict[str, Any]]) -> list[Outcome]:
        return await asyncio.gather(*await self.begin(calls), return_exceptions=True)

    def _read(self, call: dict[str, Any]) -> Any:
        return self._reader.read(json.dumps(call).encode())[0]


@pytest.fixture
def crowd(intake: Any, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    return Crowd(intake, monkeypatch)


@asynccontextmanager
async def held(call: dict[str, Any], migrated: Any) -> AsyncIterator[None]:
    """Somebody else has inserted this call and not committed: a statement that brings it waits. Rolled back."""
    other = await asyncpg.connect(migrated.admin_url)
    await other.execute("BEGIN")
    await other.execute(
        """INSERT INTO intake.call (call_id, source, call_no, referral_id, tracking_code, state, version, version_id,
                                    content_hash, reported_at)
           VALUES ($1, $2, $3, $4, 'LD-HELD', 'received', 1, $5, '\\x00', now())""",
        new_id(), call["source"], call["call_no"], new_id(), new_id(),
    )  # fmt: skip
    try:
        yield
    finally:
        await other.close()


async def waiting_backend(intake: Any) -> int | None:
    rows = await intake.rows("SELECT a.pid FROM pg_stat_activity a JOIN pg_locks l USING (pid) WHERE NOT l.granted")
    return rows[0]["pid"] if rows else None


async def count(intake: Any, table: str) -> int:
    return len(await intake.rows(f"SELECT 1 FROM intake.{table}"))


def answers(outcomes: Sequence[Outcome]) -> list[Answer]:
    return [outcome.answer for outcome in outcomes if isinstance(outcome, Accepted)]


async def test_calls_that_come_together_share_one_commit_and_each_gets_its_own_answer(
    intake: Any, crowd: Crowd
) -> None:
    calls = [intake.a_call() for _ in range(TOGETHER)]
    outcomes = await crowd.all(calls)
    assert answers(outcomes) == [Answer.NEW] * TOGETHER
    kept = await intake.rows("SELECT call_id, call_no, xmin::text AS commit FROM intake.call")
    expected = {
        call["call_no"]: one.call_id for call, one in zip(calls, outcomes, strict=True) if isinstance(one, Accepted)
    }
    assert {row["call_no"]: row["call_id"] for row in kept} == expected
    assert len({row["commit"] for row in kept}) == 1
    assert [await count(intake, table) for table in ("call_version", "vault")] == [TOGETHER, TOGETHER]


async def test_a_row_that_the_database_refuses_falls_out_alone_and_is_tried_under_another_code(
    intake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, codes = new_tracking_code(), [new_tracking_code() for _ in range(TOGETHER)]
    codes[7] = codes[13] = taken
    crowd = Crowd(intake, monkeypatch, iter([taken, *codes, *(new_tracking_code() for _ in range(2))]))
    outcomes = await crowd.all([intake.a_call()]) + await crowd.all([intake.a_call() for _ in range(TOGETHER)])
    assert answers(outcomes) == [Answer.NEW] * (TOGETHER + 1)
    assert len({one.tracking_code for one in outcomes if isinstance(one, Accepted)}) == TOGETHER + 1
    assert await count(intake, "call") == await count(intake, "vault") == TOGETHER + 1


async def test_what_is_refused_again_is_refused_to_its_own_caller_alone(
    intake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = new_tracking_code()
    codes = iter([taken, taken, *(new_tracking_code() for _ in range(TOGETHER - 1)), taken])
    crowd = Crowd(intake, monkeypatch, codes)
    await crowd.all([intake.a_call()])
    unlucky, *others = await crowd.all([intake.a_call() for _ in range(TOGETHER)])
    assert isinstance(unlucky, asyncpg.UniqueViolationError)
    assert answers(others) == [Answer.NEW] * (TOGETHER - 1)
    assert await count(intake, "call") == TOGETHER


async def test_the_same_call_several_times_in_one_statement_is_kept_once_and_answered_alike(
    intake: Any, crowd: Crowd
) -> None:
    call, other = intake.a_call(), intake.a_call()
    outcomes = await crowd.all([call, other, call, other, call])
    assert sorted(answers(outcomes)) == [Answer.NEW] * 2 + [Answer.REPEAT] * 3
    assert len({one.call_id for one in outcomes if isinstance(one, Accepted)}) == 2
    assert await count(intake, "call") == await count(intake, "vault") == 2


async def test_contents_that_contradict_each_other_in_one_statement_are_one_call_and_all_kept(
    intake: Any, crowd: Crowd
) -> None:
    call = intake.a_call()
    outcomes = await crowd.all([call | {"content": f"内容{n}"} for n in range(4)] + [intake.a_call()])
    assert sorted(answers(outcomes)) == [Answer.CONFLICT] * 3 + [Answer.NEW] * 2
    assert (await count(intake, "call"), await count(intake, "vault")) == (2, 5)


@pytest.mark.parametrize(("point", "kept"), [("submit.before_commit", 0), ("submit.after_commit", TOGETHER)])
async def test_many_that_are_cut_are_there_all_or_none_and_every_retry_is_right(
    intake: Any, crowd: Crowd, armed: Callable[[str, str], Path], point: str, kept: int
) -> None:
    calls = [intake.a_call() for _ in range(TOGETHER)]
    met = armed(point, "raise")
    outcomes = await crowd.all(calls)
    assert met.exists()
    assert answers(outcomes) == []
    assert await count(intake, "call") == kept
    again = await crowd.all(calls)
    assert set(answers(again)) == {Answer.REPEAT if kept else Answer.NEW}
    assert await count(intake, "call") == await count(intake, "vault") == len(answers(again)) == TOGETHER


async def test_a_server_that_ends_in_the_middle_of_the_statement_costs_a_retry_and_nothing_else(
    intake: Any, crowd: Crowd, migrated: Any
) -> None:
    calls = [intake.a_call() for _ in range(TOGETHER)]
    async with held(calls[TOGETHER // 2], migrated):
        submitting = await crowd.begin(calls)
        backend = await eventually(lambda: waiting_backend(intake))
        await intake.admin.execute("SELECT pg_terminate_backend($1)", backend)
        outcomes = await asyncio.gather(*submitting, return_exceptions=True)
    assert all(isinstance(outcome, DatabaseUnavailable) for outcome in outcomes)
    assert await count(intake, "call") == await count(intake, "vault") == 0
    assert answers(await crowd.all(calls)) == [Answer.NEW] * TOGETHER


async def test_a_key_that_somebody_else_holds_delays_its_own_call_alone(
    intake: Any, crowd: Crowd, migrated: Any
) -> None:
    """After the limit for waiting each is tried by itself, and only the held one is asked to come again."""
    calls = [intake.a_call() for _ in range(4)]
    async with held(calls[2], migrated):
        outcomes = await crowd.all(calls)
        assert [isinstance(outcome, Accepted) for outcome in outcomes] == [True, True, False, True]
        assert isinstance(outcomes[2], asyncpg.LockNotAvailableError)
    assert answers(await crowd.all(calls)) == [Answer.REPEAT, Answer.REPEAT, Answer.NEW, Answer.REPEAT]


async def test_a_caller_that_goes_away_takes_nobody_with_it_and_is_kept(
    intake: Any, crowd: Crowd, migrated: Any
) -> None:
    calls = [intake.a_call() for _ in range(4)]
    async with held(calls[0], migrated):
        submitting = await crowd.begin(calls)
        await eventually(lambda: waiting_backend(intake))
        submitting[2].cancel()
    outcomes = await asyncio.gather(*submitting, return_exceptions=True)
    assert [isinstance(outcome, Accepted) for outcome in outcomes] == [True, True, False, True]
    assert await count(intake, "call") == 4
