"""What names a person stands in the vault, sealed, and nowhere else: a scan of every table, with a canary."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg


def planted_calls(intake: Any, count: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Calls that repeat their own fields in the narrative, and every value that must not be found again."""
    calls, planted = [], []
    for n in range(count):
        name = f"欧阳{'测试甲乙丙丁戊己庚辛'[n % 10]}{'春夏秋冬'[n % 4]}"
        phone, other = f"138{n:04d}{n * 7919 % 10000:04d}", f"159{n:04d}{n * 6007 % 10000:04d}"
        tail = f"{700 + n}弄{n + 1}号{1101 + n}室"
        id_no = f"11010519491231{n:03d}X"
        content = (
            f"{name}（电话{phone[:3]}-{phone[3:7]}-{phone[7:]}，又{phone}）称与楼上邻居因漏水发生纠纷，"
            f"家住大连路{tail}，身份证{id_no}，对方电话{other}，要求处理。"
        )
        address = f"上海市虹口区大连路{tail}"
        people = {"caller_name": name, "caller_phone": phone, "caller_id_no": id_no, "operator_name": f"操作员{name}"}
        calls.append(intake.a_call(content=content, incident_address=address, party_phone=other, **people))
        planted += [name, phone, f"{phone[:3]}-{phone[3:7]}-{phone[7:]}", other, tail, id_no]
    return calls, planted


async def everything_stored(admin: asyncpg.Connection) -> dict[str, str]:
    """Every table of the schema as text, bytes included in both readings."""
    names = await admin.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'intake' AND tablename NOT LIKE 'event_log_%'"
    )
    texts = {}
    for (name,) in [tuple(row) for row in names]:
        rows = await admin.fetch(f'SELECT * FROM intake."{name}"')
        texts[name] = "\n".join(_text(value) for row in rows for value in row.values())
    return texts


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def hits(texts: dict[str, str], planted: list[str]) -> set[tuple[str, str]]:
    return {(table, value) for table, text in texts.items() for value in planted if value in text}


async def test_no_planted_value_is_stored_in_the_clear(intake: Any) -> None:
    calls, planted = planted_calls(intake, 40)
    for call in calls:
        assert (await intake.post(call)).status_code == 202
        assert (await intake.post(call | {"caller_sex": "2"})).status_code == 409
    await intake.screen_all()
    texts = await everything_stored(intake.admin)
    assert len(texts["event_log"]) > 1000, "the narratives are out, so there is something to scan"
    assert hits(texts, planted) == set()


async def test_the_scan_finds_a_canary(intake: Any) -> None:
    calls, planted = planted_calls(intake, 1)
    body = (await intake.post(calls[0])).json()
    await intake.admin.execute(
        "UPDATE intake.call SET station_code = $2 WHERE call_id = $1", body["call_id"], planted[0]
    )
    assert hits(await everything_stored(intake.admin), planted) == {("call", planted[0])}


async def test_postgresqls_own_log_stays_clean(intake: Any, postgres: Any) -> None:
    """An insert that the server refuses is where it would quote the row."""
    calls, planted = planted_calls(intake, 3)
    for call in calls[:2]:
        await intake.post(call)
    await intake.admin.execute("ALTER TABLE intake.call ADD CONSTRAINT planted CHECK (version > 9) NOT VALID")
    refused = await intake.post(calls[2])
    await intake.admin.execute("ALTER TABLE intake.call DROP CONSTRAINT planted")
    assert refused.status_code == 500
    assert [value for value in planted if value in refused.text] == []
    log = await asyncio.to_thread(postgres.log.read_text, errors="replace")
    assert "ready to accept connections" in log, "this is the server's log"
    assert [value for value in planted if value in log] == []
