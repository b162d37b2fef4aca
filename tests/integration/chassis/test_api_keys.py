"""Keys of systems: shown once, kept as hashes, bound to a source, taken back within half a minute."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from chassis.api_keys import REMEMBERED_SECONDS, ApiKeys
from chassis.database import Database
from chassis.problems import Problem
from support.desk import Desk

WANTED = {"name": "虹口接警系统", "roles": ["source_system"], "scope_path": "31/310109", "source": "hongkou-110"}
PATH = "/v1/ops/api-keys"


async def create(desk: Desk, *, key: str | None = None, **changes: Any) -> httpx.Response:
    headers = desk.bearer("security_admin", sub="sec-1") | ({"Idempotency-Key": key} if key else {})
    return await desk.client.post(PATH, json=WANTED | changes, headers=headers)


async def created(desk: Desk, **changes: Any) -> dict[str, Any]:
    answer = await create(desk, **changes)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def revoke(desk: Desk, key_id: str, **claims: Any) -> httpx.Response:
    return await desk.client.post(f"{PATH}/{key_id}/revoke", headers=desk.bearer("security_admin", **claims))


async def who(client: httpx.AsyncClient, key: str, path: str = "/v1/things") -> httpx.Response:
    return await client.get(path, headers={"Authorization": f"Bearer {key}"})


async def test_a_key_lets_its_holder_in_with_its_roles_its_area_and_its_source(desk: Desk) -> None:
    made = await created(desk)
    answer = await who(desk.client, made["key"])
    assert answer.json() == {
        "sub": f"key:{made['key_id']}", "roles": ["source_system"], "source": "hongkou-110",
        "scope_path": "31/310109",
    }  # fmt: skip
    assert (await who(desk.other, made["key"], "/v1/things/system")).json() == {"source": "hongkou-110"}


async def test_a_key_has_its_roles_and_no_others(desk: Desk) -> None:
    made = await created(desk, roles=["partner"], source=None)
    assert (await who(desk.client, made["key"], "/v1/things/system")).json()["code"] == "role_required"
    assert (await who(desk.client, made["key"], PATH)).status_code == 403


async def test_only_a_hash_of_it_is_kept_and_it_is_shown_once(desk: Desk) -> None:
    made = await created(desk)
    secret = made["key"]
    assert secret.startswith("ldk_")
    assert len(secret) >= 40
    kept = [str(dict(row)) for table in ("api_key", "audit", "command_key")
            for row in await desk.rows(f"SELECT * FROM desk.{table}")]  # fmt: skip
    assert len(kept) == 2
    assert not any(secret in row or secret.encode().hex() in row for row in kept)
    listed = (await desk.get(PATH, "security_admin")).json()["items"]
    assert [one["key_id"] for one in listed] == [made["key_id"]]
    assert "key" not in listed[0]
    (row,) = await desk.rows("SELECT action, subject FROM desk.audit")
    assert (row["action"], str(row["subject"])) == ("create_api_key", made["key_id"])


async def test_the_same_request_again_makes_no_second_key(desk: Desk) -> None:
    answers = await asyncio.gather(*(create(desk, key="k-1") for _ in range(4)))
    assert len({answer.text for answer in answers}) == 1
    assert await desk.count("api_key") == 1
    assert (await create(desk, key="k-1", name="另一个")).json()["code"] == "idempotency_key_reused"


async def test_a_revoked_key_is_refused_at_once_here(desk: Desk) -> None:
    made = await created(desk)
    assert (await who(desk.client, made["key"])).status_code == 200
    first = (await revoke(desk, made["key_id"], sub="sec-2")).json()
    assert first["revoked_at"] is not None
    assert (await who(desk.client, made["key"])).json()["code"] == "token_invalid"
    assert (await revoke(desk, made["key_id"])).json() == first
    (row,) = await desk.rows("SELECT revoked_by FROM desk.api_key")
    assert row["revoked_by"] == "sec-2"
    assert (await desk.get(PATH, "security_admin")).json()["items"][0]["revoked_at"] == first["revoked_at"]


async def test_elsewhere_a_revoked_key_is_refused_after_half_a_minute_and_lookups_are_remembered(desk: Desk) -> None:
    made = await created(desk)
    database = Database(desk.app_url, process="elsewhere", pool_size=1)
    now = 100.0
    keys = ApiKeys(database, "desk", monotonic=lambda: now)
    await keys.caller_of(made["key"])
    await revoke(desk, made["key_id"])
    now += REMEMBERED_SECONDS - 0.1
    await keys.caller_of(made["key"])
    now += 0.1
    with pytest.raises(Problem, match="401"):
        await keys.caller_of(made["key"])
    await database.close()
    with pytest.raises(Problem, match="401"):
        await keys.caller_of(made["key"])


@pytest.mark.parametrize("key", ["ldk_", "ldk_wrong", "ldk_" + "x" * 9_000, "ldk_王", "ldk_\xff", "ldk_'; DROP"])
async def test_a_key_that_nobody_gave_is_401(desk: Desk, key: str) -> None:
    answer = await desk.client.get("/v1/things", headers=[(b"authorization", f"Bearer {key}".encode())])
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"scope_path": "31"}, 403, "out_of_scope"),
        ({"scope_path": "31/310101"}, 403, "out_of_scope"),
        ({"roles": ["city_supervisor"]}, 422, "role_not_for_keys"),
        ({"roles": ["source_system", "security_admin"]}, 422, "role_not_for_keys"),
        ({"source": None}, 422, "source_needed"),
        ({"roles": []}, 422, "malformed_request"),
        ({"name": ""}, 422, "malformed_request"),
        ({"scope_path": "31//x"}, 422, "malformed_request"),
        ({"colour": "red"}, 422, "malformed_request"),
    ],
)
async def test_a_key_beyond_what_may_be_given_is_refused(
    desk: Desk, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = await create(desk, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await desk.count("api_key") == 0


async def test_keys_of_another_area_are_not_seen_and_not_revoked(desk: Desk) -> None:
    made = await created(desk)
    elsewhere = {"scope_path": "31/310101"}
    assert (await desk.get(PATH, "security_admin", **elsewhere)).json()["items"] == []
    assert (await revoke(desk, made["key_id"], **elsewhere)).json()["code"] == "out_of_scope"
    assert (await revoke(desk, "0199aa00-0000-7000-8000-000000000000")).json()["code"] == "api_key_not_found"
    assert (await who(desk.client, made["key"])).status_code == 200


async def test_only_a_security_administrator_gives_keys(desk: Desk) -> None:
    for role in ("ops", "auditor", "city_supervisor", "source_system"):
        answer = await desk.client.post(PATH, json=WANTED, headers=desk.bearer(role))
        assert answer.json()["code"] == "role_required"
