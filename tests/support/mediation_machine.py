"""A mediation office over HTTP beside a plain model of the case: each rule asks, and compares what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from referral_schemas.triage import Grade, GradeCause, GradeChanged
from support.mediation_case_model import Model
from support.mediation_desk import Desk, Dispute, block, closed, lift, now_text, reopened

T = TypeVar("T")
PARTY = st.integers(0, 1)
PLACE = st.integers(0, 2)
STAGES = [0, 2, 5, 5, 6, 9, 10, 10, 11, 12, 13, 14]  # right steps before the walk goes anywhere: 10 are to the seal


class Case(RuleBasedStateMachine):
    desk: ClassVar[Desk]
    loop: ClassVar[asyncio.AbstractEventLoop]
    reached: ClassVar[set[str]] = set()
    dispute: Dispute
    model: Model
    changes = 0

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout=60)

    def ask(self, command: str, body: dict[str, Any], *, expected: bool) -> dict[str, Any]:
        """The answer; a refusal must be a problem that leaves the case as it was."""
        answer = self.wait(self.dispute.ask(command, body))
        assert answer.status_code == (200 if expected else 409), (command, self.model, answer.text)
        said: dict[str, Any] = answer.json()
        if expected:
            self.reached.add(command.rpartition("/")[2])
            self.changes += 1
        else:
            assert said["detail_zh"]
            assert said["detail_en"]
            assert "allowed" in said or said["basis"]
        return said

    def step(self, command: str, body: dict[str, Any], *, expected: bool) -> dict[str, Any]:
        said = self.ask(command, body, expected=expected)
        if expected:
            self.model.go(command)
            assert said["state"] == self.model.state, command
        return said

    @initialize(stage=st.sampled_from(STAGES))
    def hand_over(self, stage: int) -> None:
        self.dispute = self.wait(self.desk.dispute())
        self.model = Model([str(one) for one in self.dispute.parties])
        for _ in range(stage):
            self.go_on()

    @rule()
    def go_on(self) -> None:
        """The next right step, so that the far end of the road is reached too."""
        if self.model.blocks or self.model.refuses():
            return
        if self.model.state == "consent_pending" and not self.model.wills:
            self.consent(0, "given")
        elif self.model.state == "consent_pending":
            self.accept()
        elif self.model.state == "agreed_written":
            self.sign_next()
        elif self.model.state in ("effective", "performing"):
            self.perform(0) if "performed" not in self.model.owed.values() else self.perform(1)
        elif self.model.state in ("performed", "breached_told", "terminated"):
            self.file() if self.model.is_closed else self.close()
        elif step := self.following().get(self.model.state):
            step()

    def following(self) -> dict[str, Callable[[], None]]:
        return {
            "accepted": self.assign,
            "assigned": self.inform,
            "informed": self.meet,
            "in_mediation": self.agree_in_two,
            "breached": self.tell_remedies,
            "suspended": self.resume,
        }

    def sign_next(self) -> None:
        for signer in (0, 1, 2):
            name = self.model.parties[signer] if signer < 2 else "mediator"
            if name not in self.model.signed:
                self.sign(signer)
                return
        self.seal()

    @rule(party=PARTY, will=st.sampled_from(["given", "given", "given", "refused", "withdrawn"]))
    def consent(self, party: int, will: str) -> None:
        who = self.model.parties[party]
        expected = self.model.may("consent")
        said = self.ask("consent", {"party_id": who, "consent": will, "how": "oral"}, expected=expected)
        if expected:
            self.model.wills[who] = will
            assert said["state"] == self.model.state

    @rule()
    def accept(self) -> None:
        expected = self.model.may_accept()
        self.step("accept", {}, expected=expected)
        if expected:
            assert not self.model.refuses()

    @rule()
    def assign(self) -> None:
        body = {"mediator_codes": ["M-1"], "chosen_by": "parties"}
        self.step("assign", body, expected=self.model.may("assign"))

    @rule()
    def inform(self) -> None:
        self.step("inform", {}, expected=self.model.may("inform"))

    @rule()
    def meet(self) -> None:
        body = {"held_at": now_text(), "present": self.model.parties[:1]}
        self.step("meet", body, expected=self.model.may("meet"))

    @rule(on_spot=st.booleans(), wants_document=st.booleans(), due=st.sampled_from([None, "2030-01-04"]))
    def agree_orally(self, on_spot: bool, wants_document: bool, due: str | None) -> None:
        expected = self.model.may_agree_orally(on_spot=on_spot, wants_document=wants_document, later=due is not None)
        body = {"obligations": [{"kind": "apology", "due_on": due}], "performed_on_spot": on_spot}
        said = self.ask(
            "oral-agreement", {**body, "parties_agree_no_document": not wants_document, "note": "x"}, expected=expected
        )
        if expected:
            self.model.take_effect({one["obligation_id"]: one["state"] for one in said["obligations"]})
            assert said["state"] == self.model.state == ("performed" if on_spot else "effective")

    @rule(count=st.integers(0, 2))
    def agree_in_writing(self, count: int) -> None:
        body = {"obligations": [{"kind": "payment", "due_on": "2030-01-04"}] * count, "note": "x"}
        expected = self.model.may("written-agreement")
        self.step("written-agreement", body, expected=expected)
        if expected:
            self.model.drafted, self.model.signed = count, set()

    def agree_in_two(self) -> None:
        self.agree_in_writing(2)

    @rule(signer=st.integers(0, 2))
    def sign(self, signer: int) -> None:
        name = self.model.parties[signer] if signer < 2 else "mediator"
        body = {"signer": "party", "party_id": name} if signer < 2 else {"signer": "mediator"}
        expected = self.model.may("sign") and name not in self.model.signed
        said = self.ask("sign", body, expected=expected)
        if expected:
            self.model.signed.add(name)
            assert said["state"] == "agreed_written"

    @rule()
    def seal(self) -> None:
        expected = self.model.may_seal()
        said = self.ask("seal", {}, expected=expected)
        if expected:
            assert self.model.signed == {*self.model.parties, "mediator"}
            assert len(said["obligations"]) == self.model.drafted
            self.model.take_effect({one["obligation_id"]: one["state"] for one in said["obligations"]})
            assert said["state"] == self.model.state

    @rule(party=PARTY)
    def withdraw(self, party: int) -> None:
        body = {"party_id": self.model.parties[party]}
        self.step("withdraw", body, expected=self.model.may("withdraw"))

    @precondition(lambda self: self.model.owed)
    @rule(place=PLACE)
    def perform(self, place: int) -> None:
        one = sorted(self.model.owed)[place % len(self.model.owed)]
        expected = self.model.may("performed") and self.model.owed[one] != "performed"
        said = self.ask(f"obligations/{one}/performed", {}, expected=expected)
        if expected:
            self.model.perform(one)
            assert said["state"] == self.model.state

    @precondition(lambda self: self.model.owed)
    @rule(place=PLACE, found_by=st.sampled_from(["party", "visit"]))
    def breach(self, place: int, found_by: str) -> None:
        one = sorted(self.model.owed)[place % len(self.model.owed)]
        expected = self.model.may("breached") and self.model.owed[one] == "open"
        said = self.ask(f"obligations/{one}/breached", {"found_by": found_by}, expected=expected)
        if expected:
            self.model.breach(one)
            assert said["state"] == self.model.state

    @rule()
    def urging_helped(self) -> None:
        expected = self.model.may("resume-performance")
        said = self.ask("resume-performance", {}, expected=expected)
        if expected:
            self.model.urge()
            assert said["state"] == self.model.state

    @rule()
    def tell_remedies(self) -> None:
        body = {"remedies_informed_at": now_text()}
        self.step("remedies-told", body, expected=self.model.may("remedies-told"))

    @rule()
    def hold_invalid(self) -> None:
        self.step("hold-invalid", {"reason": "court_annulled"}, expected=self.model.may_reopen("hold-invalid"))

    @rule()
    def reopen(self) -> None:
        self.step("reopen", {"reason": "dispute_revived"}, expected=self.model.may_reopen("reopen"))

    @rule(often=st.integers(0, 4))
    def terminate(self, often: int) -> None:
        """Seldom: it would end most walks before they begin."""
        if often:
            return
        body = {"reason": "no_agreement", "remedies_informed_at": now_text()}
        self.step("terminate", body, expected=self.model.may("terminate"))

    @rule()
    def suspend(self) -> None:
        self.step("suspend", {"reason": "party_unable"}, expected=self.model.may("suspend"))

    @rule()
    def resume(self) -> None:
        self.step("resume", {}, expected=self.model.may("resume"))

    @rule()
    def extend(self) -> None:
        self.ask("extend", {"days": 5, "agreed_by": self.model.parties}, expected=self.model.may("extend"))

    @rule()
    def escalate(self) -> None:
        body = {"reason": "signs_of_violence", "receipt": "R-1"}
        self.ask("escalate-to-police", body, expected=self.model.may("escalate-to-police"))

    @rule()
    def file(self) -> None:
        self.step("file", {}, expected=self.model.may_file())

    @rule(often=st.integers(0, 3))
    def block(self, often: int) -> None:
        if often:
            return
        self.wait(self.dispute.tell(block()))
        self.model.blocks.add(self.dispute.said["intake"])

    @precondition(lambda self: self.model.blocks)
    @rule()
    def lift(self) -> None:
        self.wait(self.dispute.tell(lift(*self.model.blocks)))
        self.model.blocks = set()

    @rule(grade=st.sampled_from([Grade.RED, Grade.BLUE, Grade.YELLOW]))
    def change_grade(self, grade: Grade) -> None:
        self.wait(self.dispute.tell(GradeChanged(grade=grade, previous=Grade.YELLOW, cause=GradeCause.PERSON)))
        self.model.grade = grade.value

    @precondition(lambda self: self.model.state in ("performed", "breached_told", "terminated"))
    @rule()
    def close(self) -> None:
        """Followup's word: it asks its own gate."""
        if not self.model.is_closed:
            cycle = self.dispute.said.get("followup", 0) + 1
            self.wait(self.dispute.tell(closed(cycle)))
            self.model.is_closed = True

    @precondition(lambda self: self.model.is_closed)
    @rule()
    def reopen_from_followup(self) -> None:
        cycle = self.dispute.said["followup"] + 1
        self.wait(self.dispute.tell(reopened(cycle)))
        self.model.is_closed = False
        if self.model.state in ("performed", "breached_told", "terminated", "filed", "breached"):
            self.model.begin_again()

    @invariant()
    def what_is_read_is_what_the_model_says(self) -> None:
        if not hasattr(self, "dispute"):
            return
        case = self.wait(self.dispute.read())
        assert case["state"] == self.model.state
        assert {one["party_id"]: one["consent"] for one in case["parties"] if one["consent"]} == self.model.wills
        if case["agreement"] and case["agreement"]["effective_at"] and case["agreement"]["form"] == "written":
            assert len(case["agreement"]["signatures"]) == 3
            assert case["agreement"]["sealed_at"]
