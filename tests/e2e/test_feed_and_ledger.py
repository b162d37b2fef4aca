"""Feed, ledger and demonstration against a whole stack of real servers and the eight processes."""

import json
from pathlib import Path

import pytest
from stack.demo.samples import FILE
from support.live import LiveStack
from support.stack import ROOT

TOLD = [json.loads(line)["content"] for line in FILE.read_text().splitlines()]
REAL = ROOT.parent / "shared/data/triage-dev.jsonl"
ROWS = 606


@pytest.fixture(scope="module")
def narratives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 606 real ones where they are at hand, else as many made from the sample calls."""
    file = tmp_path_factory.mktemp("narratives") / "narratives.jsonl"
    if REAL.exists():
        file.write_bytes(REAL.read_bytes())
        return file
    rows = [{"id": f"n-{n:04d}", "text": TOLD[n % len(TOLD)], "label": "family", "note": ""} for n in range(ROWS)]
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return file


def count_of(printed: str, outcome: str) -> int:
    (line,) = [line for line in printed.splitlines() if outcome in line and "│" in line]
    return int(line.replace("┃", "│").split("│")[2])


async def test_a_fed_file_balances_to_the_last_call_and_feeding_it_again_changes_nothing(
    live: LiveStack, narratives: Path
) -> None:
    before = await live.ledger()
    code, printed = await live.command("feed", str(narratives))
    assert (code, count_of(printed, "accepted")) == (0, ROWS), printed
    await live.quiet()
    once = await live.ledger()
    assert once["intake"]["counts"]["accepted"] - before["intake"]["counts"]["accepted"] == ROWS
    assert once["followup"]["counts"]["watches_by_state"]["watching"] == once["triage"]["counts"]["dispatched"] > 0

    code, printed = await live.command("feed", str(narratives))
    assert (code, count_of(printed, "repeated")) == (0, ROWS), printed
    await live.quiet()
    again = await live.ledger()
    assert [again[name]["counts"] for name in again] == [once[name]["counts"] for name in once]
    assert [again[name]["heads"] for name in again] == [once[name]["heads"] for name in once]


async def test_other_words_under_a_known_number_are_rejected_by_name(live: LiveStack, tmp_path: Path) -> None:
    file = tmp_path / "conflict.jsonl"
    rows: list[dict[str, str]] = [{"id": "c-1", "text": TOLD[0]}, {"id": "c-1", "text": TOLD[1]}, {"text": "no id"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, printed = await live.command("feed", str(file))
    assert code == 1
    assert count_of(printed, "accepted") == 1
    rejected = [json.loads(line) for line in (tmp_path / "conflict.jsonl.rejected.jsonl").read_text().splitlines()]
    assert sorted(row["line"] for row in rejected) == [2, 3]
    assert "content" in next(row["reason_en"] for row in rejected if row["line"] == 2)


async def test_a_call_row_reaches_intake_as_it_is(live: LiveStack, tmp_path: Path) -> None:
    call = {
        "source": "hongkou-110",
        "call_no": "as-it-is-1",
        "content": TOLD[2],
        "reported_at": "2026-02-01T08:00:00+08:00",
        "caller_phone": "13912345678",
        "incident_address": "上海市虹口区曲阳路1弄1号101室",
    }
    newer = call | {"content": TOLD[3], "updated_at": "2026-02-01T09:00:00+08:00"}
    older = newer | {"updated_at": "2026-01-31T08:30:00+08:00"}
    file = tmp_path / "calls.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in (call, newer, older)))
    code, printed = await live.command("feed", str(file))
    assert code == 0, printed
    outcomes = [count_of(printed, name) for name in ("accepted", "new versions", "superseded")]
    assert outcomes == [1, 1, 1]


async def test_the_demonstration_shows_forty_calls_to_their_ends_and_does_so_again(live: LiveStack) -> None:
    for _ in range(2):
        code, printed = await live.command("demo")
        lines = [line for line in printed.splitlines() if line.lstrip().startswith("DEMO-")]
        assert (code, len(lines)) == (0, 40), printed
        assert "still travelling" not in printed
        ends = [line.partition("] = ")[2] or line.partition(" = ")[2] for line in lines]
        assert sum("dispatched and watched" in end for end in ends) >= 25, printed
        assert sum("retained by the police" in end for end in ends) >= 5, printed
        assert sum("linked to an earlier call" in end for end in ends) == 2, printed
        assert any("under review" in end for end in ends)
        assert any("awaiting a screener" in end for end in ends)
        halted = [line for line in printed.splitlines() if "halted, then freed:" in line]
        assert halted, printed
        assert all("公安叫停 → 公安解除" in line and "= agreed" in line for line in halted), printed
        freed = next(line for line in printed.splitlines() if "were halted, then freed" in line)
        assert int(freed.split()[-1]) >= len(halted)
        assert "balanced" in printed
        assert "curl -sS -X POST" in printed


async def test_the_ledger_finds_a_mirror_that_was_taken_away(live: LiveStack, narratives: Path) -> None:
    await live.command("feed", str(narratives))
    await live.quiet()
    await live.sql("CREATE TABLE mediation.kept AS SELECT * FROM mediation.mirror WHERE state = 'dispatched' LIMIT 1")
    await live.sql("DELETE FROM mediation.mirror WHERE referral_id IN (SELECT referral_id FROM mediation.kept)")
    code, printed = await live.command("ledger")
    assert code == 1
    assert "mediation lacks 1" in printed.splitlines()[-1]
    await live.sql("INSERT INTO mediation.mirror SELECT * FROM mediation.kept")
    await live.sql("DROP TABLE mediation.kept")
    assert (await live.command("ledger"))[0] == 0
