"""What people and systems see of calls: the work list page by page, the content with a trace, corrections told."""

from __future__ import annotations

from typing import Any

import pytest


async def listed(intake: Any, role: str = "screener", *, claims: dict[str, Any] | None = None, **query: Any) -> Any:
    bearer = intake.issuer.bearer(role, **(claims or {}))
    answer = await intake.client.get("/v1/calls", params=query, headers=bearer)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids(intake: Any, *arguments: Any, **query: Any) -> list[str]:
    return [item["call_id"] for item in (await listed(intake, *arguments, **query))["items"]]


async def test_the_work_list_comes_page_by_page_oldest_first_and_loses_nobody(intake: Any) -> None:
    posted = [(await intake.accepted())["call_id"] for _ in range(7)]
    seen: list[str] = []
    after = None
    for _ in range(4):
        page = await listed(intake, limit=2, **({"after": after} if after else {}))
        seen += [item["call_id"] for item in page["items"]]
        after = page["next"]
    assert (seen, after) == (posted, None)
    assert await ids(intake, order="newest") == posted[::-1]


async def test_the_list_is_filtered_by_state_block_and_source(intake: Any) -> None:
    _, waiting = await intake.brought_to("awaiting_screener")
    _, kept = await intake.brought_to("retained_by_police")
    _, referred = await intake.brought_to("referred")
    assert await ids(intake, state="awaiting_screener") == [waiting["call_id"]]
    assert await ids(intake, block="X_SELF_HARM") == [kept["call_id"]]
    assert await ids(intake, source="feed") == []
    assert len(await ids(intake, source="hongkou-110")) == 3
    (item,) = (await listed(intake, state="retained_by_police"))["items"]
    assert (item["blocks"], item["overdue"]) == (["X_SELF_HARM"], False)
    assert referred["call_id"] in await ids(intake, state="referred")


@pytest.mark.parametrize(
    ("scope", "sees"),
    [
        ("31", {"010", "011", "none"}),
        ("31/310109", {"010", "011", "none"}),
        ("31/310109/310109010", {"010"}),
        ("31/310109/310109014", set()),
        ("31/310110", {"none"}),
        ("31/3101", {"none"}),
    ],
)
async def test_everybody_sees_the_own_area(intake: Any, scope: str, sees: set[str]) -> None:
    codes = {"010": "310109010-PCS1", "011": "310109011-PCS1", "none": None}
    posted = {name: (await intake.accepted(jurisdiction_code=code))["call_id"] for name, code in codes.items()}
    seen = await ids(intake, claims={"scope_path": scope})
    assert set(seen) == {posted[name] for name in sees}
    assert len(await ids(intake, "auditor", claims={"scope_path": scope})) == 3


async def test_a_system_sees_its_own_calls_alone(intake: Any) -> None:
    await intake.accepted()
    assert len(await ids(intake, "source_system", claims={"source": "hongkou-110"})) == 1
    assert await ids(intake, "source_system", claims={"source": "feed"}) == []
    assert await ids(intake, "source_system", claims={"source": "feed"}, source="hongkou-110") == []


@pytest.mark.parametrize(
    "query", [{"after": "x"}, {"after": "WyJ4Il0"}, {"limit": 0}, {"limit": 201}, {"state": "lost"}]
)
async def test_a_list_that_cannot_be_asked_for_is_422(intake: Any, query: dict[str, Any]) -> None:
    answer = await intake.client.get("/v1/calls", params=query, headers=intake.issuer.bearer("screener"))
    assert answer.status_code == 422


async def test_the_list_holds_no_personal_data(intake: Any) -> None:
    await intake.brought_to("awaiting_screener")
    assert not {"王建国", "13800138000"} & set(str(await listed(intake)).split("'"))


@pytest.mark.parametrize("role", ["screener", "police_officer"])
async def test_reading_the_content_leaves_a_trace(intake: Any, role: str) -> None:
    call, accepted = await intake.brought_to("awaiting_screener")
    bearer = intake.issuer.bearer(role, sub="p-7")
    answer = await intake.client.get(f"/v1/calls/{call['source']}/{call['call_no']}/content", headers=bearer)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.json()["fields"]["caller_name"] == "王建国"
    (row,) = await intake.rows("SELECT * FROM intake.audit")
    assert (row["by"], row["action"], str(row["subject"])) == ("p-7", "read_content", accepted["referral_id"])
    assert "王建国" not in str(dict(row))


async def test_a_reading_that_is_refused_shows_nothing(intake: Any) -> None:
    call, _ = await intake.brought_to("awaiting_screener")
    path = f"/v1/calls/{call['source']}/{call['call_no']}/content"
    for role, scope in (("dispatcher", "31/310109"), ("source_system", "31"), ("screener", "31/310110")):
        bearer = intake.issuer.bearer(role, scope_path=scope, source="hongkou-110")
        answer = await intake.client.get(path, headers=bearer)
        assert (answer.status_code, "王建国" in answer.text) == (403, False)


async def test_a_confidential_caller_is_known_to_the_police_alone(intake: Any) -> None:
    call, _ = await intake.brought_to("awaiting_screener", confidential="1", content="我是王建国，楼上漏水。")
    path = f"/v1/calls/{call['source']}/{call['call_no']}/content"
    screener = (await intake.client.get(path, headers=intake.issuer.bearer("screener"))).json()
    police = (await intake.client.get(path, headers=intake.issuer.bearer("police_officer"))).json()
    assert (screener["is_masked"], police["is_masked"]) == (True, False)
    assert not any(secret in str(screener) for secret in ("王建国", "13800138000", call["incident_address"]))
    assert "楼上漏水" in screener["fields"]["content"]
    assert police["fields"]["caller_name"] == "王建国"


async def test_a_correction_of_a_referred_call_names_the_fields_and_no_word_of_them(intake: Any) -> None:
    call, accepted = await intake.brought_to("referred", 张三="在场")
    newer = call | {"content": "更正：水管已修好", "caller_name": "王建军", "updated_at": "2026-03-02 10:00:00"}
    assert (await intake.post(newer | {"张三": "不在场"})).json()["version"] == 2
    fact, corrected = (await intake.events(accepted["referral_id"]))[1]
    assert (fact, corrected["version"]) == ("call_corrected", 2)
    assert corrected["changed"] == ["caller_name", "content", "other_field"]
    assert not any(word in str(corrected) for word in ("水管", "王建军", "张三"))


async def test_a_correction_of_a_joined_call_is_told_where_it_joined(intake: Any) -> None:
    first, opening = await intake.brought_to("referred")
    call, joining = await intake.posted(incident_address=first["incident_address"])
    await intake.screen_all()
    await intake.post(call | {"content": "更正", "updated_at": "2026-03-02 10:00:00"})
    facts = await intake.events(opening["referral_id"])
    assert [fact for fact, _ in facts] == ["referral_opened", "call_linked", "call_corrected"]
    assert facts[2][1]["call_id"] == joining["call_id"]
    assert await intake.events(joining["referral_id"]) == []


async def test_what_is_not_referred_is_corrected_in_silence(intake: Any) -> None:
    call, accepted = await intake.brought_to("awaiting_screener")
    await intake.post(call | {"content": "更正", "updated_at": "2026-03-02 10:00:00"})
    await intake.post(call | {"content": "更早", "updated_at": "2026-03-02 08:00:00"})
    assert await intake.events(accepted["referral_id"]) == []


async def test_an_idempotency_key_on_a_call_is_not_looked_at(intake: Any) -> None:
    call = intake.a_call()
    bearer = intake.issuer.bearer("source_system", source="hongkou-110")
    for key in ("k", "x" * 5000, "", " "):
        answer = await intake.client.post("/v1/calls", json=call, headers=bearer | {"Idempotency-Key": key})
        assert answer.status_code in (200, 202)
    other = call | {"call_no": call["call_no"][:40] + "-2"}
    answer = await intake.client.post("/v1/calls", json=other, headers=bearer | {"Idempotency-Key": "k"})
    assert answer.status_code == 202
