"""POST of calls with real commits: the same call gets the same answer, however often, however parallel."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import httpx
import pytest
from chassis.ids import new_id, new_tracking_code
from intake_svc.api.reading import CallReader
from intake_svc.rules.loading import load_rules
from intake_svc.store.submissions import NewIds
from intake_svc.store.vault import Vault
from intake_svc.use_cases.submit_call import SubmitCall
from support.stack import eventually


async def test_a_new_call_is_accepted_on_disk_and_named_by_its_location(intake: Any) -> None:
    call = intake.a_call(vehicle_colour="red")
    answer = await intake.post(call)
    body = answer.json()
    assert answer.status_code == 202
    assert (body["version"], body["state"], body["linked_to"]) == (1, "received", None)
    assert body["warnings"] == [{"field": "vehicle_colour", "code": "unknown_field"}]
    assert answer.headers["Location"] == f"/v1/calls/hongkou-110/{call['call_no']}"
    assert (await intake.call_row(body["call_id"]))["state"] == "received"
    assert await intake.rows("SELECT 1 FROM intake.stream") == [], "a new call touches no stream"


@pytest.mark.parametrize(
    "name",
    [
        "对方王建国13800138000",
        "call13800138000",
        "a b",
        "x" * 65,
        "",
        "11010519491231002X",
        "f\u202ename",
        "a/b",
        "1" * 6,
    ],
)
async def test_an_unknown_field_that_is_named_like_no_field_is_told_by_its_position(intake: Any, name: str) -> None:
    call = intake.a_call(**{name: "1"})
    answer = await intake.post(call)
    position = f"#{list(call).index(name) + 1}"
    assert answer.json()["warnings"] == [{"field": position, "code": "unknown_field"}]
    conflict = await intake.post(call | {name: "2", "content": "不同。"})
    assert (conflict.status_code, conflict.json()["fields"]) == (409, ["content", position])
    unsent = await intake.post({key: value for key, value in call.items() if key != name})
    assert unsent.json()["fields"] == ["?"]
    assert not name or name not in answer.text + conflict.text + unsent.text


@pytest.mark.parametrize("name", ["vehicle_colour", "X-Plate", "sjh.2", "1.2", "a" * 64, "n12345"])
async def test_an_unknown_field_that_is_named_like_one_is_told_by_its_name(intake: Any, name: str) -> None:
    answer = await intake.post(intake.a_call(**{name: "1"}))
    assert answer.json()["warnings"] == [{"field": name, "code": "unknown_field"}]


async def test_a_body_of_a_thousand_odd_fields_hides_no_published_one_and_makes_no_endless_answer(intake: Any) -> None:
    call = intake.a_call(**{f"a{n}": n for n in range(1_000)})
    answer = await intake.post(call)
    assert len(answer.json()["warnings"]) == 50
    conflict = await intake.post(
        {key: call[key] for key in ("source", "call_no", "reported_at")} | {"content": "不同。"}
    )
    fields = conflict.json()["fields"]
    assert "content" in fields
    assert len(fields) <= 100


async def test_equal_content_is_a_repeat_with_the_same_ids(intake: Any) -> None:
    call = intake.a_call()
    first, again = (await intake.post(call)).json(), await intake.post(call)
    assert again.status_code == 200
    assert again.json() == first


async def test_an_instant_written_otherwise_and_a_null_are_no_new_content(intake: Any) -> None:
    call = intake.a_call()
    await intake.post(call)
    again = await intake.post(call | {"reported_at": "2026-03-02T01:00:00Z", "caller_sex": None})
    assert (again.status_code, again.json()["version"]) == (200, 1)


async def test_newer_content_is_the_next_version(intake: Any) -> None:
    call = intake.a_call()
    first = (await intake.post(call)).json()
    newer = await intake.post(call | {"content": "已经和好。", "updated_at": "2026-03-02 09:06:00"})
    assert (newer.status_code, newer.json()["version"]) == (202, 2)
    assert newer.json()["referral_id"] == first["referral_id"]
    kinds = await intake.rows("SELECT version, kind FROM intake.call_version ORDER BY version")
    assert [tuple(row) for row in kinds] == [(1, "older"), (2, "current")]


async def test_equal_content_under_a_newer_time_makes_no_version_but_outdates_what_is_older(intake: Any) -> None:
    call = intake.a_call()
    await intake.post(call)
    confirmed = await intake.post(call | {"updated_at": "2026-03-02 10:00:00"})
    assert (confirmed.status_code, confirmed.json()["version"]) == (200, 1)
    late = await intake.post(call | {"content": "别的内容", "updated_at": "2026-03-02 09:30:00"})
    assert (late.status_code, late.json()["superseded"]) == (200, True)


async def test_older_content_is_kept_as_history_once(intake: Any) -> None:
    call = intake.a_call()
    await intake.post(call)
    older = call | {"content": "更早的内容", "updated_at": "2026-03-02 08:00:00"}
    for _ in range(2):
        answer = await intake.post(older)
        assert (answer.status_code, answer.json()["superseded"], answer.json()["version"]) == (200, True, 1)
    (row,) = await intake.rows("SELECT version FROM intake.call_version WHERE kind = 'older'")
    assert row["version"] is None


@pytest.mark.parametrize("updated_at", ["2026-03-02 09:05:00", None])
async def test_other_content_under_the_same_time_or_none_is_a_conflict_and_both_are_kept(
    intake: Any, updated_at: str | None
) -> None:
    call = intake.a_call(updated_at=updated_at)
    await intake.post(call)
    other = call | {"content": "别的内容", "caller_sex": "1"}
    for _ in range(2):
        answer = await intake.post(other)
        assert answer.status_code == 409
        assert (answer.json()["code"], answer.json()["fields"]) == ("content_conflict", ["caller_sex", "content"])
    kinds = await intake.rows("SELECT kind FROM intake.call_version ORDER BY kind")
    assert [row["kind"] for row in kinds] == ["conflict", "current"]
    assert len(await intake.rows("SELECT 1 FROM intake.vault")) == 2


async def test_parallel_posts_of_the_same_call_get_the_same_ids(intake: Any) -> None:
    call = intake.a_call()
    answers = await asyncio.gather(*(intake.post(call) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] * 11 + [202]
    assert len({answer.json()["call_id"] for answer in answers}) == 1
    assert len(await intake.rows("SELECT 1 FROM intake.call")) == 1


async def test_parallel_conflicting_posts_accept_one_and_keep_all(intake: Any) -> None:
    call = intake.a_call()
    answers = await asyncio.gather(*(intake.post(call | {"content": f"内容{n}"}) for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 7
    assert len(await intake.rows("SELECT 1 FROM intake.vault")) == 8


async def test_versions_that_overtake_one_another_end_at_the_newest(intake: Any) -> None:
    call = intake.a_call()
    bodies = [call | {"content": f"第{n}版", "updated_at": f"2026-03-02 09:{n:02d}:00"} for n in range(10, 30)]
    answers = await asyncio.gather(*(intake.post(body) for body in bodies))
    assert {answer.status_code for answer in answers} <= {200, 202}
    again = await intake.post(bodies[-1])
    assert (again.status_code, "superseded" in again.json()) == (200, False)
    (row,) = await intake.rows("SELECT count(*) FROM intake.call_version WHERE kind = 'current'")
    assert row["count"] == 1


async def test_another_source_than_the_tokens_is_refused(intake: Any) -> None:
    answer = await intake.post(intake.a_call(), source="feed")
    assert (answer.status_code, answer.json()["code"]) == (403, "other_source")
    assert await intake.rows("SELECT 1 FROM intake.call") == []


@pytest.mark.parametrize(
    "change",
    [
        {"call_no": ""},
        {"call_no": "x" * 65},
        {"call_no": "a\nb"},
        {"content": ""},
        {"content": "长" * 5001},
        {"content": None},
        {"reported_at": "2026-02-30T25:61:00Z"},
        {"reported_at": "2026-03-02"},
        {"caller_name": []},
        {"has_weapon": {}},
    ],
)
async def test_a_malformed_body_is_422_and_names_the_field(intake: Any, change: dict[str, Any]) -> None:
    answer = await intake.post(intake.a_call(**change))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(change))


async def test_limits_themselves_are_accepted(intake: Any) -> None:
    answer = await intake.post(
        intake.a_call(call_no="n" * 64, content="长" * 5000, has_weapon=0, caller_phone=13800138000)
    )
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"{", b'{"a": "\\u0000"}', b'{"a": "\\ud83d"}'])
async def test_what_is_no_usable_object_is_422(intake: Any, body: bytes) -> None:
    headers = intake.issuer.bearer("source_system", source="hongkou-110") | {"Content-Type": "application/json"}
    answer = await intake.client.post("/v1/calls", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed_json")


async def test_odd_numbers_are_warnings_never_refusals(intake: Any) -> None:
    answer = await intake.post(
        intake.a_call(caller_phone="不详", contact_phone="123", caller_id_no="110105194912310021")
    )
    assert answer.status_code == 202
    assert {(one["field"], one["code"]) for one in answer.json()["warnings"]} == {
        ("caller_phone", "phone_not_recognised"),
        ("contact_phone", "phone_not_recognised"),
        ("caller_id_no", "id_not_recognised"),
    }


async def test_the_first_example_works_as_it_stands(intake: Any) -> None:
    document = (await intake.client.get("/openapi.json")).json()
    content = document["paths"]["/v1/calls"]["post"]["requestBody"]["content"]["application/json"]
    example = next(iter(content["examples"].values()))["value"]
    assert (await intake.post(example)).status_code == 202
    await intake.screen_all()
    view = (await intake.get(example)).json()
    assert view["state"] == "referred"
    (opened,) = await intake.events(view["referral_id"])
    assert opened[1]["place"]["area_code"] == "310109010"


async def test_every_field_has_both_descriptions_and_an_example(intake: Any) -> None:
    document = (await intake.client.get("/openapi.json")).json()
    content = document["paths"]["/v1/calls"]["post"]["requestBody"]["content"]["application/json"]
    models = [content["schema"], *(document["components"]["schemas"][name] for name in ("CallAccepted", "CallOut"))]
    for model in models:
        for name, field in model["properties"].items():
            assert any("一" <= character <= "鿿" for character in field.get("description", "")), name
            assert "examples" in field, name


async def test_what_the_record_shows_is_what_happened(intake: Any) -> None:
    call = intake.a_call()
    await intake.post(call)
    waiting = (await intake.get(call)).json()
    assert (waiting["screening"], [one["milestone"] for one in waiting["milestones"]]) == (None, ["received"])
    await intake.screen_all()
    done = (await intake.get(call)).json()
    assert done["screening"]["outcome"] == "referred"
    assert [one["milestone"] for one in done["milestones"]] == ["received", "screened", "opened"]
    assert [one["kind"] for one in done["versions"]] == ["current"]


async def test_the_record_is_shown_to_its_source_and_its_area_only(intake: Any) -> None:
    call = intake.a_call()
    await intake.post(call)
    seen = {
        "own area": await intake.get(call, "police_officer", scope_path="31/310109/310109010"),
        "district": await intake.get(call, "bureau_supervisor", scope_path="31/310109"),
        "operators": await intake.get(call, "ops", scope_path="31"),
        "other area": await intake.get(call, "police_officer", scope_path="31/310109/310109011"),
        "other source": await intake.get(call, "source_system", source="feed"),
        "no role for it": await intake.get(call, "partner"),
    }
    assert {name: answer.status_code for name, answer in seen.items()} == {
        "own area": 200,
        "district": 200,
        "operators": 200,
        "other area": 403,
        "other source": 403,
        "no role for it": 403,
    }
    unknown = await intake.get(call | {"call_no": "nobody"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "call_not_found")


async def test_a_full_queue_asks_to_come_back(crowded_intake: Any) -> None:
    intake = crowded_intake
    for _ in range(2):
        assert (await intake.post(intake.a_call())).status_code == 202

    async def refused() -> httpx.Response | None:
        answer = await intake.post(intake.a_call(call_no="one-too-many"))
        return answer if answer.status_code == 503 else None

    answer = await eventually(refused)
    assert answer is not None
    assert answer.json()["code"] == "queue_full"
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_tracking_code_that_is_taken_is_replaced(intake: Any) -> None:
    codes = iter([new_tracking_code()] * 2 + [new_tracking_code()])
    submit = SubmitCall(
        intake.units,
        Vault(intake.settings.keyring),
        make_ids=lambda: NewIds(new_id(), new_id(), new_id(), next(codes)),
    )
    reader = CallReader(load_rules().masking, intake.settings.index_key)
    accepted = [await submit(reader.read(json.dumps(intake.a_call()).encode())[0]) for _ in range(2)]
    assert len({one.tracking_code for one in accepted}) == 2
    assert len(await intake.rows("SELECT 1 FROM intake.call")) == 2


JUNK: list[Any] = [
    *(None, "", "\x00", "０", "𠮷䶮", "' OR 1=1 --", "<script>", 1e308, -1, [], {}, True, "a" * 70000, "\ud83d", 2**63),
    *("2026-02-30T25:61:00Z", "NaN", "9999-12-31T23:59:59-12:00", "0000-00-00 00:00:00"),
]


async def test_hostile_bodies_are_refused_by_a_listed_status_and_never_by_a_500(intake: Any) -> None:
    rng = random.Random(7)
    headers = intake.issuer.bearer("source_system", source="hongkou-110") | {"Content-Type": "application/json"}
    seen = set()
    for _ in range(600):
        call = intake.a_call(reported_at="2026-03-02 09:00:00", has_weapon="0", main_call_no="1", map_x="1")
        for _ in range(rng.randint(1, 3)):
            call[rng.choice([*call, "updated_at", "__proto__", "extra", "\u202e"])] = rng.choice(JUNK)
        raw = json.dumps(call).encode("utf-8", "surrogatepass")
        roll = rng.random()
        if roll < 0.05:
            raw = raw[: rng.randint(0, len(raw))]
        elif roll < 0.1:
            raw = b"[" * rng.choice([10, 5000]) + raw
        answer = await intake.client.post("/v1/calls", content=raw, headers=headers)
        assert answer.status_code in {200, 202, 403, 409, 422}, (answer.status_code, raw[:200])
        seen.add(answer.status_code)
    assert seen >= {202, 422}
    await intake.screen_all()
    assert await intake.rows("SELECT 1 FROM intake.call WHERE state = 'received'") == []
