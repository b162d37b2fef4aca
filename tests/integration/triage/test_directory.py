"""The directory in a real database: taken whole, refused whole, followed by a running worker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from chassis.ids import new_id
from support.consumers import Consumer, an_arrival, opened
from triage_svc.cli import sample_directory
from triage_svc.domain.errors import DirectoryRefused
from triage_svc.store.directories import load_directory
from triage_svc.store.directory_file import read_directory_file
from triage_svc.use_cases.load_directory import load_directory_file


@pytest.fixture
def triage(triage_without_directory: Consumer) -> Consumer:
    return triage_without_directory


def changed_sample(folder: Path, **changes: object) -> Path:
    document = yaml.safe_load(sample_directory().read_text())
    path = folder / "changed.yaml"
    path.write_text(yaml.safe_dump(document | changes, allow_unicode=True))
    return path


async def counts(triage: Consumer) -> list[int]:
    tables = ("area", "organisation", "relation", "directory_version")
    return [(await triage.rows(f"SELECT count(*) FROM triage.{table}"))[0]["count"] for table in tables]


async def test_what_is_read_back_routes_as_the_file_itself_does(triage: Consumer) -> None:
    await load_directory_file(sample_directory(), triage.database)
    async with triage.database.connection() as connection:
        held = await load_directory(connection)
    assert held == read_directory_file(sample_directory()).directory()


async def test_the_same_file_again_changes_nothing(triage: Consumer) -> None:
    _, first = await load_directory_file(sample_directory(), triage.database)
    before = await counts(triage)
    _, second = await load_directory_file(sample_directory(), triage.database)
    assert (first, second) == (True, False)
    assert await counts(triage) == before


async def test_a_dangling_row_is_refused_and_the_old_directory_stands(triage: Consumer, tmp_path: Path) -> None:
    await load_directory_file(sample_directory(), triage.database)
    before = await counts(triage)
    document = yaml.safe_load(sample_directory().read_text())
    document["relations"][0]["from"] = "310109-NOBODY"
    faulty = tmp_path / "faulty.yaml"
    faulty.write_text(yaml.safe_dump(document, allow_unicode=True))
    with pytest.raises(DirectoryRefused, match="310109-NOBODY"):
        await load_directory_file(faulty, triage.database)
    assert await counts(triage) == before


async def test_another_district_stands_beside_the_first_and_may_point_at_it(triage: Consumer, tmp_path: Path) -> None:
    await load_directory_file(sample_directory(), triage.database)
    other = tmp_path / "yangpu.yaml"
    other.write_text(
        """
dataset: yangpu
areas: [{code: "310110", name: 杨浦区}]
organisations: [{code: 310110-SFJ, kind: justice_bureau, name: 杨浦区司法局, area: "310110", valid_from: 2018-01-01}]
relations: [{kind: refers_to, from: 310110-SFJ, to: 310109-YTW, valid_from: 2018-01-01, classes: [medical]}]
"""
    )
    await load_directory_file(other, triage.database)
    assert len(await triage.rows("SELECT 1 FROM triage.organisation WHERE dataset = 'hongkou'")) > 40
    document = yaml.safe_load(sample_directory().read_text())
    without = {
        "organisations": [one for one in document["organisations"] if one["code"] != "310109-YTW"],
        "relations": [one for one in document["relations"] if "310109-YTW" not in (one["from"], one["to"])],
    }
    with pytest.raises(DirectoryRefused, match="valid_to"):
        await load_directory_file(changed_sample(tmp_path, **without), triage.database)


async def test_another_dataset_cannot_take_over_a_row(triage: Consumer, tmp_path: Path) -> None:
    await load_directory_file(sample_directory(), triage.database)
    with pytest.raises(DirectoryRefused, match="another dataset"):
        await load_directory_file(changed_sample(tmp_path, dataset="thief"), triage.database)


async def test_a_running_worker_follows_a_new_pairing(triage: Consumer, tmp_path: Path) -> None:
    call = opened().model_copy(update={"narrative": "邻居漏水", "station_code": "310109010-PCS1"})
    before, after = new_id(), new_id()
    await load_directory_file(sample_directory(), triage.database)
    await triage.apply(an_arrival(call, before, 1))
    relations = yaml.safe_load(sample_directory().read_text())["relations"]
    for one in relations:
        if (one["kind"], one["from"], one["to"]) == ("paired_with", "310109010-PCS1", "310109010-SFS"):
            one["to"] = "310109011-SFS"
    await load_directory_file(changed_sample(tmp_path, relations=relations), triage.database)
    await triage.apply(an_arrival(call, after, 1))
    offices = {
        row["referral_id"]: row["office_code"]
        for row in await triage.rows("SELECT referral_id, office_code FROM triage.referral")
    }
    assert offices == {before: "310109010-SFS", after: "310109011-SFS"}


async def test_the_command_loads_says_so_and_refuses_with_the_cure(triage: Consumer, tmp_path: Path) -> None:
    def load(path: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "triage_svc", "load-directory", str(path)],
            env={"PATH": os.environ["PATH"], "TRIAGE_DATABASE_URL": triage.settings.database_url},
            capture_output=True,
            text=True,
            timeout=60,
        )

    first, second = load(sample_directory()), load(sample_directory())
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "loaded" in first.stdout
    assert "unchanged" in second.stdout
    refused = load(changed_sample(tmp_path, areas=[]))
    assert refused.returncode == 1
    assert "310109010" in refused.stderr
    assert "add it to areas" in refused.stderr
