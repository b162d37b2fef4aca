"""What operators watch is made from what the code counts, and names nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from chassis import metrics_board, metrics_page
from chassis.metrics import METRICS, Kind
from stack.ports import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy/monitoring"
OF_THE_LIBRARY = {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"}
SUFFIXES = {Kind.HISTOGRAM: ("_bucket",)}
SERIES = {metric.name + suffix: metric for metric in METRICS for suffix in SUFFIXES.get(metric.kind, ("",))}


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((MONITORING / "board.json").read_text())["panels"]
    return found


def expressions() -> Iterator[str]:
    for panel in panels():
        yield from (target["expr"] for target in panel.get("targets", ()))
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


@pytest.mark.parametrize(
    ("file", "made"),
    [(MONITORING / "board.json", metrics_board.text), (ROOT / "docs/metrics.md", metrics_page.text)],
    ids=["board", "page"],
)
def test_what_is_committed_is_what_make_contracts_writes(file: Path, made: Any) -> None:
    assert file.read_text() == made(), "run `make contracts`"


def test_every_metric_is_drawn() -> None:
    drawn = {name for text in expressions() for name in re.findall(r"liandong_\w+", text)}
    assert SERIES.keys() - drawn == set()


def test_no_line_and_no_alert_asks_for_a_metric_or_a_label_that_is_not_told() -> None:
    for text in expressions():
        (name,) = set(re.findall(r"\b(?:liandong|process)_\w+|\bup\b", text))
        assert name in SERIES or name in OF_THE_LIBRARY or name == "up", text
        labels = set(SERIES[name].labels) if name in SERIES else set()
        asked = {label for words in re.findall(r"by \(([^)]*)\)", text) for label in re.split(r",\s*", words)}
        asked |= set(re.findall(r'(\w+)(?:=|!=|=~)"', text))
        assert asked <= labels | {"service", "process", "le", "job"}, text


def test_the_panels_have_names_of_their_own_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in panels()}) == len(panels())
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        place = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not place & taken
        assert all(x < 24 for x, _ in place)
        taken |= place


def test_prometheus_is_told_of_every_port_of_the_local_stack() -> None:
    (job,) = yaml.safe_load((MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    ports = {int(target.rpartition(":")[2]) for target in job["static_configs"][0]["targets"]}
    assert ports == {port for name, (_, port) in VARIABLES.items() if name.endswith("_metrics")}
