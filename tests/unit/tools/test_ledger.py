"""The ledger's equations, and the command over a server that serves four ledgers."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stack import ledger
from stack.ledger.balance import Balance
from stack.ledger.facts import Facts, ServiceFacts
from stack.ledger.tables import lines_of_what_stands_aside
from support.scripted import Answer, scripted

SERVICES = ("intake", "triage", "mediation", "followup")
PARK_REASONS = ("waiting", "failed", "conflict", "unknown_version", "behind")
Ledgers = dict[str, dict[str, Any]]

# Ten calls: seven opened referrals, six of them dispatched, one under review; three stand elsewhere. All at rest.
HEADS = {"intake": 8, "triage": 13, "mediation": 0, "followup": 6}
COUNTS: dict[str, dict[str, Any]] = {
    "intake": {
        "accepted": 10,
        "opened": 7,
        "unopened_by_state": {"received": 0, "retained_by_police": 1, "awaiting_screener": 1, "linked": 1},
        "halted": 1,
        "freed": 2,
    },
    "triage": {
        "by_state": {"dispatched": 6, "under_review": 1},
        "open_by_state": {"dispatched": 5, "under_review": 1},
        "closed_by_outcome": {"agreed": 1},
        "dispatched": 6,
        "to_be_watched": 6,
        "open_by_responsible": {"hongkou-110": 7},
        "without_responsible": 0,
        "halted": 1,
    },
    "mediation": {"mirrors": 7, "dispatched_mirrors": 6},
    "followup": {"watches_by_state": {"watching": 5, "closed": 1}},
}


def a_ledger(service: str) -> dict[str, Any]:
    producers = [name for name in SERVICES if name != service]
    return {
        "service": service,
        "at": "2026-01-01T00:00:00Z",
        "heads": {"sum": HEADS[service], "streams": 7},
        "outbox": {"live": 0, "resend": 0, "unsendable": 0},
        "positions": {name: {"sum": HEADS[name], "streams": 7} for name in producers},
        "parked": {name: dict.fromkeys(PARK_REASONS, 0) for name in producers},
        "quarantined": {},
        "distrusted": [],
        "lacking": {name: {"in_flight": 0, "real": 0, "unrepairable": 0} for name in producers},
        "counts": deepcopy(COUNTS[service]),
    }


def ledgers() -> Ledgers:
    return {service: a_ledger(service) for service in SERVICES}


def judge(first: Ledgers, second: Ledgers | None = None) -> Balance:
    def read(each: Ledgers) -> dict[str, ServiceFacts]:
        return {name: ServiceFacts.of(raw) for name, raw in each.items()}

    return Balance(Facts(read(first), read(second or first)))


def test_a_stack_at_rest_balances_and_is_quiet() -> None:
    balance = judge(ledgers())
    assert balance.missing == ()
    assert balance.unquiet == ()


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_the_pair_equation_holds_and_only_what_is_missing_unbalances(
    parked: int, real: int, unrepairable: int, in_flight: int
) -> None:
    facts = ledgers()
    reader = facts["mediation"]
    facts["followup"]["heads"]["sum"] += parked + real + unrepairable + in_flight
    for other in ("intake", "triage"):
        facts[other]["positions"]["followup"]["sum"] = facts["followup"]["heads"]["sum"]
    reader["parked"]["followup"]["failed"] = parked
    reader["lacking"]["followup"] = {"in_flight": 0, "real": real, "unrepairable": unrepairable}
    balance = judge(facts)
    pair = balance.pairs["followup", "mediation"]
    assert pair.heads == pair.positions + pair.parked_ahead + pair.in_flight + pair.missing
    assert pair.in_flight == in_flight
    assert bool(balance.missing) == (real + unrepairable > 0)
    assert bool(balance.unquiet) == (in_flight > 0)


def test_what_is_parked_behind_its_stream_is_shown_and_not_counted() -> None:
    facts = ledgers()
    facts["triage"]["parked"]["intake"] |= {"conflict": 3, "behind": 3}
    balance = judge(facts)
    assert balance.pairs["intake", "triage"].in_flight == 0
    assert balance.missing == ()


def test_a_halt_that_is_on_its_way_is_accounted_for() -> None:
    facts = ledgers()
    facts["intake"]["counts"]["halted"] = 2
    assert judge(facts).missing
    facts["intake"]["heads"]["sum"] += 1
    assert judge(facts).missing == ()


def test_what_a_source_wrote_in_vain_is_shown_beside_the_service_that_refused_it() -> None:
    facts = ledgers()
    facts["intake"]["quarantined"] = {"police.calls.v1": 2, "triage.v1": 1}
    balance = judge(facts)
    assert balance.quarantined_of_outsiders == {("intake", "police.calls.v1"): 2}
    assert "隔离 quarantined, police.calls.v1 → intake: 2" in "\n".join(lines_of_what_stands_aside(balance))


def test_what_is_written_between_the_two_rounds_is_in_flight() -> None:
    later = ledgers()
    later["intake"]["heads"]["sum"] += 1
    later["intake"]["counts"]["accepted"] += 1
    later["intake"]["counts"]["opened"] += 1
    balance = judge(ledgers(), later)
    assert balance.missing == ()
    assert balance.not_yet_in_triage == 1
    assert len(balance.unquiet) == 3


Fault = Callable[[Ledgers], None]


def lose_a_call(facts: Ledgers) -> None:
    facts["intake"]["counts"]["accepted"] += 1


def count_a_call_twice(facts: Ledgers) -> None:
    facts["intake"]["counts"]["unopened_by_state"]["linked"] += 1


def lose_a_referral(facts: Ledgers) -> None:
    facts["triage"]["counts"]["by_state"]["dispatched"] -= 1


def make_a_referral_of_nothing(facts: Ledgers) -> None:
    facts["triage"]["counts"]["by_state"]["under_review"] += 1


def lose_a_mirror(facts: Ledgers) -> None:
    facts["mediation"]["counts"]["dispatched_mirrors"] -= 1


def close_what_followup_has_not_closed(facts: Ledgers) -> None:
    facts["triage"]["counts"]["closed_by_outcome"]["agreed"] += 1


def forget_a_closing(facts: Ledgers) -> None:
    facts["triage"]["counts"]["closed_by_outcome"]["agreed"] -= 1


def watch_one_twice(facts: Ledgers) -> None:
    facts["followup"]["counts"]["watches_by_state"]["watching"] += 1


def go_on_with_what_is_halted(facts: Ledgers) -> None:
    facts["triage"]["counts"]["halted"] = 0


def hold_what_was_freed(facts: Ledgers) -> None:
    facts["triage"]["counts"]["halted"] = 2


def forget_who_is_responsible(facts: Ledgers) -> None:
    facts["triage"]["counts"]["without_responsible"] = 1


def run_ahead_of_a_restored_producer(facts: Ledgers) -> None:
    facts["triage"]["heads"]["sum"] -= 2


def distrust_a_producer(facts: Ledgers) -> None:
    facts["mediation"]["distrusted"] = ["triage"]


@pytest.mark.parametrize(
    "fault",
    [
        distrust_a_producer,
        lose_a_call,
        count_a_call_twice,
        lose_a_referral,
        make_a_referral_of_nothing,
        lose_a_mirror,
        watch_one_twice,
        close_what_followup_has_not_closed,
        forget_a_closing,
        go_on_with_what_is_halted,
        hold_what_was_freed,
        forget_who_is_responsible,
        run_ahead_of_a_restored_producer,
    ],
)
def test_a_planted_fault_is_found(fault: Fault) -> None:
    facts = ledgers()
    fault(facts)
    assert judge(facts).missing


@pytest.mark.parametrize("reason", ["waiting", "failed", "unknown_version"])
def test_a_referral_behind_a_parked_event_is_accounted_for(reason: str) -> None:
    facts = ledgers()
    lose_a_mirror(facts)
    facts["mediation"]["positions"]["triage"]["sum"] -= 1
    facts["mediation"]["parked"]["triage"][reason] = 1
    balance = judge(facts)
    assert balance.missing == ()
    assert bool(balance.unquiet) == (reason == "waiting")


def call_received(facts: Ledgers) -> None:
    facts["intake"]["counts"]["accepted"] += 1
    facts["intake"]["counts"]["unopened_by_state"]["received"] = 1


def outbox_filled(facts: Ledgers) -> None:
    facts["followup"]["outbox"]["resend"] = 4


@pytest.mark.parametrize("under_way", [call_received, outbox_filled])
def test_work_under_way_balances_but_is_not_quiet(under_way: Fault) -> None:
    facts = ledgers()
    under_way(facts)
    assert judge(facts).missing == ()
    assert judge(facts).unquiet


def run(tmp_path: Path, facts: Ledgers, *words: str) -> int:
    def answer(method: str, path: str, body: Any) -> Answer:
        return 200, facts[path.split("/")[1]], {}

    with scripted(answer) as url:
        stack_file = tmp_path / "stack.json"
        services = {name: {"url": f"{url}/{name}"} for name in SERVICES}
        stack_file.write_text(json.dumps({"services": services, "tokens": {"ops": "t"}}))
        return ledger.main(["--stack", str(stack_file), *words])


def test_the_command_exits_0_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, ledgers(), "--quiet") == 0
    assert "balanced: 受理 10" in capsys.readouterr().out.splitlines()[-1]


def test_the_command_names_what_is_missing_at_the_end_and_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = ledgers()
    lose_a_mirror(facts)
    assert run(tmp_path, facts) == 1
    assert "mediation lacks 1" in capsys.readouterr().out.splitlines()[-1]


def test_quiet_by_environment_as_make_passes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = ledgers()
    outbox_filled(facts)
    assert run(tmp_path, facts) == 0
    monkeypatch.setenv("QUIET", "1")
    assert run(tmp_path, facts) == 1
    assert "followup outbox holds 4 resend" in capsys.readouterr().out.splitlines()[-1]


def test_raw_facts_come_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, ledgers(), "--json") == 0
    assert json.loads(capsys.readouterr().out)["heads"]["triage"]["heads"]["sum"] == 13


def test_a_stack_that_does_not_answer_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = ledgers()
    facts["triage"] = {"service": "triage"}
    assert run(tmp_path, facts) == 2
    assert "triage" in capsys.readouterr().err
    assert ledger.main(["--stack", str(tmp_path / "none.json")]) == 2
