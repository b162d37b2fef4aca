"""One dispute from the hand-over to its file, over HTTP, with everything that is said of it."""

from support.mediation_desk import Desk, Dispute, closed, now_text, reopened


async def perform_all(dispute: Dispute) -> None:
    for one in (await dispute.read())["obligations"]:
        await dispute.do(f"obligations/{one['obligation_id']}/performed", {"proof_note": "收据"})


async def test_a_written_agreement_goes_from_the_hand_over_to_the_file(desk: Desk) -> None:
    dispute = await desk.dispute()
    assert (await dispute.read())["state"] == "consent_pending"
    effective = await dispute.effective(7, 14)
    assert effective["state"] == "effective"
    await perform_all(dispute)
    assert (await dispute.read())["state"] == "performed"
    assert (await dispute.refused("file"))["code"] == "not_closed"
    await dispute.tell(closed())
    filed = await dispute.do("file")
    assert filed["state"] == "filed"
    assert await dispute.events() == [
        "deadline_set",  # accept or decline, from the first contact
        "case_opened",
        "case_accepted",
        "deadline_met",
        "mediator_assigned",
        "meeting_held",
        "agreement_reached",
        "agreement_effective",
        "deadline_met",
        "deadline_set",  # what is owed
        "obligation_performed",
        "deadline_met",
        "obligation_performed",
        "deadline_met",
        "case_filed",
    ]
    assert (await dispute.event("case_filed"))["file_no"] == filed["file_no"]
    assert filed["file_no"].endswith("人调字第0001号")


async def test_an_acceptance_carries_its_number_and_its_limit(desk: Desk) -> None:
    dispute = await desk.dispute()
    await dispute.accepted()
    fact = await dispute.event("case_accepted")
    assert [clock["clock"] for clock in fact["clocks"]] == ["general_limit"]
    assert await dispute.clocks() == {"accept_or_decline/1": "met", "general_limit/1": "running"}


async def test_an_effective_agreement_starts_its_clocks_and_states_the_last_day_for_confirmation(desk: Desk) -> None:
    dispute = await desk.dispute()
    await dispute.effective(7)
    (owed,) = (await dispute.read())["obligations"]
    clocks = await dispute.clocks()
    assert clocks[f"performance/{owed['obligation_id']}"] == "running"
    assert clocks["general_limit/1"] == "met"
    assert [state for name, state in clocks.items() if name.startswith("confirmation_window/")] == ["running"]
    fact = await dispute.event("agreement_effective")
    assert fact["confirmation_deadline"] == (await dispute.read())["agreement"]["confirmation_deadline"]
    assert [one["obligation_id"] for one in fact["obligations"]] == [owed["obligation_id"]]


async def test_an_oral_agreement_done_on_the_spot_is_effective_and_performed_in_one_command(desk: Desk) -> None:
    dispute = await desk.dispute()
    await dispute.in_mediation()
    body = {"obligations": [{"kind": "apology"}], "performed_on_spot": True, "parties_agree_no_document": True}
    done = await dispute.do("oral-agreement", {**body, "note": "当场道歉"})
    assert done["state"] == "performed"
    assert [one["state"] for one in done["obligations"]] == ["performed"]
    assert (await dispute.event("agreement_effective"))["obligations"] == []
    assert (await dispute.events())[-3:] == ["agreement_reached", "agreement_effective", "deadline_met"]


async def test_a_breach_is_urged_then_told_and_after_closing_mediated_anew(desk: Desk) -> None:
    dispute = await desk.dispute()
    first = await dispute.effective(7)
    (owed,) = first["obligations"]
    breached = await dispute.do(f"obligations/{owed['obligation_id']}/breached", {"found_by": "party"})
    assert breached["state"] == "breached"
    assert (await dispute.do("resume-performance"))["state"] == "performing"
    await dispute.do(f"obligations/{owed['obligation_id']}/breached", {"found_by": "visit"})
    told = await dispute.do("remedies-told", {"remedies_informed_at": now_text()})
    assert told["state"] == "breached_told"
    assert (await dispute.event("breach_told"))["obligation_ids"] == [owed["obligation_id"]]
    await dispute.tell(closed())
    assert (await dispute.refused("reopen", {"reason": "dispute_revived"}))["code"] == "referral_closed"
    await dispute.do("file")
    await dispute.tell(reopened(2))
    again = await dispute.read()
    assert (again["state"], again["cycle"], again["volume"]) == ("consent_pending", 2, 2)
    assert [party["consent"] for party in again["parties"]] == [None, None]
    second = await dispute.effective(3)
    assert second["file_no"] == first["file_no"]
    assert second["agreement"]["agreement_no"] != first["agreement"]["agreement_no"]
    await perform_all(dispute)
    await dispute.tell(closed(2))
    assert (await dispute.do("file"))["state"] == "filed"
    assert (await dispute.event("case_filed"))["volume"] == 2


async def test_a_termination_states_that_the_remedies_were_told_and_ends_the_clocks(desk: Desk) -> None:
    dispute = await desk.dispute()
    await dispute.in_mediation()
    at = now_text()
    ended = await dispute.do("terminate", {"reason": "no_agreement", "remedies_informed_at": at})
    assert ended["state"] == "terminated"
    assert (await dispute.event("case_terminated"))["reason"] == "no_agreement"
    assert set((await dispute.clocks()).values()) == {"met"}
    missing = await dispute.ask("terminate", {"reason": "no_agreement"})
    assert missing.status_code == 422


async def test_free_text_is_sealed_and_read_with_a_trace(desk: Desk) -> None:
    dispute = await desk.dispute()
    await dispute.in_mediation()
    drafted = await dispute.drafted(7)
    text_id = drafted["agreement"]["content_id"]
    text = await desk.get(f"/v1/texts/{text_id}")
    assert text.json()["text"] == "协议正文"
    events = await desk.consumer.rows("SELECT body::text FROM mediation.event_log")
    assert not any("协议正文" in row["body"] for row in events)
    traces = await desk.consumer.rows("SELECT action FROM mediation.audit WHERE action = 'read_text'")
    assert len(traces) == 1
