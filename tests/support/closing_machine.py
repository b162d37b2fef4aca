"""Tries every way to close too early, by chance, and keeps its own account of what had happened by then."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import orjson
from chassis.ids import new_id
from followup_svc.store.closing_gate import REFUSED
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from referral_schemas import intake, mediation
from referral_schemas.agreements import FoundBy
from referral_schemas.envelope import PublicEvent
from support.consumers import AT, an_arrival
from support.watching import Desk, a_visit, blocked, delivered, effective, ended, graded, lifted, performed, signed

T = TypeVar("T")
GRAVITY = ["blue", "yellow", "orange", "red"]
YESTERDAY, TOMORROW = date(2026, 1, 1), date(2199, 1, 1)


@dataclass
class Account:
    """What the rules of DOMAIN §1.3 ask of a closing, from what was said alone."""

    grade: str = "yellow"
    proposed: str | None = None
    has_outcome: bool = False
    promises: dict[UUID, str] = field(default_factory=dict)
    milestones: dict[UUID, bool] = field(default_factory=dict)
    halts: set[int] = field(default_factory=set)
    unseen: list[tuple[PublicEvent, int, UUID]] = field(default_factory=list)
    is_closed: bool = False
    cycle: int = 1

    def bars(self, *, visits_open: int, silent: bool) -> list[str]:
        grades = [self.grade, self.proposed or "blue"]
        found = {
            "outcome": not self.has_outcome,
            "visit": visits_open > 0,
            "promise": any(state in ("overdue", "breached") for state in self.promises.values()),
            "grade": max(grades, key=GRAVITY.index) in ("orange", "red"),
            "halt": bool(self.halts),
            "milestone": not all(self.milestones.values()),
            "unseen": bool(self.unseen),
            "silent": silent,
        }
        return [name for name, is_so in found.items() if is_so]

    def late(self) -> None:
        """A fact after the closing: the next round."""
        if self.is_closed:
            self.is_closed, self.has_outcome, self.proposed = False, False, None
            self.cycle += 1


class ClosingMachine(RuleBasedStateMachine):
    """`desk` and `loop` are given by the test; every example has a referral of its own."""

    desk: Desk
    runner: asyncio.Runner
    met: Counter[str]
    domain_forgets = False  # the domain's rules are switched off: a refusal is the database's

    @initialize(grade=st.sampled_from(["blue", "yellow"]))
    def open(self, grade: str) -> None:
        self.account = Account(grade)
        self.referral = self.wait(self.desk.dispatched(grade))
        self.desk.producers.silent.clear()

    def wait(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    def state(self, event: PublicEvent) -> UUID:
        return self.wait(self.desk.state(self.referral, event))[0]

    # ── what the other services say; while something of theirs is on its way they say nothing behind it ─────────────

    @precondition(lambda self: not self.account.unseen)
    @rule(due=st.sampled_from([None, YESTERDAY, TOMORROW]))
    def agree(self, due: date | None) -> None:
        promise = new_id()
        fact = self.state(effective([(promise, due)]))
        self.account.late()
        self._supersede()
        self.account.promises[promise] = "overdue" if due == YESTERDAY else "open"
        self.account.has_outcome = True
        self.account.milestones[fact] = False

    @precondition(lambda self: not self.account.unseen)
    @rule()
    def end(self) -> None:
        fact = self.state(ended())
        self.account.late()
        self.account.has_outcome = True
        self.account.milestones[fact] = False

    @precondition(lambda self: not self.account.unseen)
    @rule()
    def begin_the_case_again(self) -> None:
        self.state(mediation.CaseReopened(reason="x", cycle=2))
        self.account.late()
        self._supersede()
        self.account.has_outcome = False

    @precondition(lambda self: not self.account.unseen and self.account.promises)
    @rule(data=st.data(), word=st.sampled_from(["performed", "breached", "told"]))
    def keep_or_break(self, data: st.DataObject, word: str) -> None:
        promise = data.draw(st.sampled_from(sorted(self.account.promises)))
        facts: dict[str, PublicEvent] = {
            "performed": performed(promise),
            "breached": mediation.ObligationBreached(obligation_ids=(promise,), found_by=FoundBy.PARTY),
            "told": mediation.BreachTold(obligation_ids=(promise,), remedies_informed_at=AT),
        }
        self.state(facts[word])
        if word == "breached":
            self.account.late()
        if self.account.promises[promise] not in ("performed", "superseded"):
            self.account.promises[promise] = word

    @precondition(lambda self: not self.account.unseen)
    @rule(grade=st.sampled_from(GRAVITY), cause=st.sampled_from(["calls", "person", "visit"]))
    def grade(self, grade: str, cause: str) -> None:
        self.state(graded(grade, cause=cause))
        account = self.account
        account.grade = grade
        if account.proposed and (cause == "person" or GRAVITY.index(grade) >= GRAVITY.index(account.proposed)):
            account.proposed = None

    @precondition(lambda self: not self.account.unseen)
    @rule()
    def block(self) -> None:
        self.state(blocked())
        self.account.halts.add(self.desk.producers.heads["intake", self.referral][0])

    @precondition(lambda self: not self.account.unseen and self.account.halts)
    @rule()
    def lift(self) -> None:
        self.state(lifted(self.account.halts.pop()))

    @precondition(lambda self: not self.account.unseen)
    @rule()
    def sign(self) -> None:
        self.account.milestones[self.state(signed())] = False

    @precondition(lambda self: not self.account.unseen and not all(self.account.milestones.values()))
    @rule(awaits=st.booleans(), answer=st.sampled_from(["none", "acknowledged", "waived", "failed"]))
    def tell_the_source(self, awaits: bool, answer: str) -> None:
        fact = next(fact for fact, is_told in self.account.milestones.items() if not is_told)
        self.state(delivered(fact, awaits=awaits))
        body: dict[str, Any] = {"milestone": "result", "fact_id": fact}
        answers: dict[str, PublicEvent] = {
            "acknowledged": _loose(intake.FeedbackAcknowledged, body | {"acknowledged_at": AT}),
            "waived": _loose(intake.FeedbackWaived, body | {"by": "x", "reason": "y"}),
            "failed": _loose(intake.FeedbackFailed, body | {"reason": "y"}),
        }
        if answer != "none":
            self.state(answers[answer])
        self.account.milestones[fact] = answer in ("acknowledged", "waived") or (answer == "none" and not awaits)

    @precondition(lambda self: not self.account.unseen)
    @rule()
    def say_something_that_is_on_its_way(self) -> None:
        self.wait(self.desk.state(self.referral, graded("red"), apply=False))
        number, event_id = self.desk.producers.heads["triage", self.referral]
        self.account.unseen.append((graded("red"), number, event_id))

    @precondition(lambda self: self.account.unseen)
    @rule()
    def arrive(self) -> None:
        event, number, event_id = self.account.unseen.pop()
        self.wait(self.desk.consumer.apply(an_arrival(event, self.referral, number, event_id=event_id)))
        self.account.grade, self.account.proposed = "red", None

    @rule(producer=st.sampled_from(["intake", "triage", "mediation"]), is_silent=st.booleans())
    def fall_silent_or_answer(self, producer: str, is_silent: bool) -> None:
        (self.desk.producers.silent.add if is_silent else self.desk.producers.silent.discard)(producer)

    # ── what people and clocks do ────────────────────────────────────────────────────────────────────────────────

    @rule()
    def let_time_pass(self) -> None:
        self.wait(self.desk.fire(self.referral))

    @rule(data=st.data(), outcome=st.sampled_from(["settled", "settled", "settled", "continues"]))
    def visit(self, data: st.DataObject, outcome: str) -> None:
        due = [one for one in self._visits() if one["state"] == "due"]
        if due:
            grade = data.draw(st.sampled_from([None, None, "blue", "red"]))
            visit = data.draw(st.sampled_from([one["visit_id"] for one in due]))
            body = a_visit(outcome=outcome, proposed_grade=grade)
            answer = self.wait(self.desk.post(f"/v1/visits/{visit}/record", body))
            assert (answer.status_code == 409) == bool(self.account.halts), answer.text
            if answer.status_code == 200 and grade is not None:
                known = max([self.account.grade, self.account.proposed or "blue"], key=GRAVITY.index)
                if GRAVITY.index(grade) > GRAVITY.index(known):
                    self.account.proposed = grade

    @rule()
    def make_every_visit(self) -> None:
        self.let_time_pass()
        for visit in self._visits():
            if visit["state"] == "due":
                self.wait(self.desk.post(f"/v1/visits/{visit['visit_id']}/record", a_visit()))

    @rule()
    def miss(self) -> None:
        for visit in self._visits():
            if visit["state"] == "due":
                self.wait(self.desk.post(f"/v1/visits/{visit['visit_id']}/miss", {}))
                return

    @rule()
    def waive(self) -> None:
        for visit in self._visits():
            if visit["state"] in ("planned", "due", "unreachable"):
                path = f"/v1/visits/{visit['visit_id']}/waive"
                self.wait(self.desk.post(path, {"reason": "moved_away"}, "bureau_supervisor"))
                return

    @precondition(lambda self: self.account.is_closed)
    @rule()
    def reopen(self) -> None:
        body = {"target": "triage", "reason": "new_conflict"}
        answer = self.wait(self.desk.post(f"/v1/watches/{self.referral}/reopen", body, "bureau_supervisor"))
        assert answer.status_code == 200, answer.text
        self.account.late()

    @rule(then_closes=st.booleans())
    def clear_the_way(self, then_closes: bool) -> None:
        """All that is needed, so that the next step of chance spoils or closes what is nearly closed."""
        account = self.account
        while account.unseen:
            self.arrive()
        if account.is_closed:
            return
        self.desk.producers.silent.clear()
        while account.halts:
            self.lift()
        if not account.has_outcome:
            self.agree(None)
        for promise, state in account.promises.items():
            if state in ("overdue", "breached"):
                self.state(performed(promise))
                account.promises[promise] = "performed"
        self.grade("blue", "person")
        while not all(account.milestones.values()):
            self.tell_the_source(False, "none")
        self.make_every_visit()
        if then_closes:
            self.close()

    # ── the ways to close ────────────────────────────────────────────────────────────────────────────────────────

    @rule()
    def close(self) -> None:
        bars = self._bars()
        answer = self.wait(self.desk.close(self.referral))
        if self.account.is_closed:
            assert answer.json()["code"] == "transition_refused"
            return
        assert (answer.status_code == 200) == (bars == []), (bars, answer.text)
        waits = set(bars) & {"unseen", "silent"}
        may_wait = bool(waits) and ("outcome" not in bars if self.domain_forgets else waits == set(bars))
        assert (answer.status_code == 202) == may_wait, (bars, answer.text)
        self.account.is_closed = answer.status_code == 200
        self.met[str(answer.status_code)] += 1

    @rule()
    def let_the_worker_try(self) -> None:
        """What waits may be closed by the worker; never what the account bars."""
        bars = self._bars()
        self.wait(self.desk.closings.try_one(self.referral))
        self._look(bars)

    @precondition(lambda self: not self.account.is_closed)
    @rule()
    def close_behind_the_gates_back(self) -> None:
        """The serving role writes the row itself."""
        bars = self._bars()
        self.wait(self._write_closed())
        self._look(bars)

    def _look(self, bars: list[str]) -> None:
        watch = self.wait(self.desk.watch(self.referral))
        if watch["state"] == "closed" and not self.account.is_closed:
            assert bars == [], f"closed although {bars}"
            self.account.is_closed = True
            self.met["closed otherwise"] += 1
        assert watch["cycle"] == self.account.cycle

    async def _write_closed(self) -> None:
        database = self.desk.consumer.database
        try:
            async with database.transaction() as connection:
                await connection.execute(
                    """UPDATE followup.watch SET state = 'closed', closed_at = now() WHERE referral_id = $1
                       AND NOT EXISTS (SELECT 1 FROM followup.gate_check WHERE referral_id = $1)""",
                    self.referral,
                )
        except asyncpg.PostgresError as error:
            if error.sqlstate != REFUSED:
                raise

    # ── the account's own look ───────────────────────────────────────────────────────────────────────────────────

    def _bars(self) -> list[str]:
        is_silent = bool(self.desk.producers.silent)
        return self.account.bars(visits_open=self.wait(self._open_visits()), silent=is_silent)

    async def _open_visits(self) -> int:
        """From followup's statements alone: the last plan of the round, less what was recorded or waived."""
        rows = await self.desk.consumer.rows(
            "SELECT type, body FROM followup.event_log WHERE referral_id = $1 ORDER BY seq", self.referral
        )
        planned: set[str] = set()
        for row in rows:
            fact, body = row["type"].split(".")[3], row["body"]
            if fact == "plan_changed":
                planned = {one["visit_id"] for one in body["visits"] if one["mandatory"]} - _done(rows)
            elif fact in ("visit_recorded", "visit_waived"):
                planned.discard(body["visit_id"])
            elif fact == "referral_reopened":
                planned = set()
        return len(planned)

    def _visits(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.wait(self.desk.watch(self.referral))["visits"]
        return found

    def _supersede(self) -> None:
        for promise, state in self.account.promises.items():
            if state in ("open", "overdue", "breached"):
                self.account.promises[promise] = "superseded"


def _done(rows: list[dict[str, Any]]) -> set[str]:
    return {row["body"]["visit_id"] for row in rows if row["type"].split(".")[3] in ("visit_recorded", "visit_waived")}


def _loose(model: Any, body: dict[str, Any]) -> PublicEvent:
    event: PublicEvent = model.parse(orjson.dumps(body, default=str))
    return event
