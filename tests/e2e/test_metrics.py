"""The metrics of all eight processes while they work, as an operator's Prometheus would read them."""

from __future__ import annotations

import re
from collections import defaultdict

import httpx
from chassis.metrics import METRICS
from prometheus_client.parser import text_string_to_metric_families
from support.live import LiveStack
from support.stack import eventually

AN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|\d{11,}|LD-")
Samples = dict[str, list[tuple[dict[str, str], float]]]


async def read(live: LiveStack) -> Samples:
    """Every sample of every process, by name."""
    found: Samples = defaultdict(list)
    bearer = {"Authorization": f"Bearer {live.facts['tokens']['ops']}"}
    async with httpx.AsyncClient(headers=bearer, timeout=10) as client:
        for url in live.facts["metrics"].values():
            answer = await client.get(url)
            assert answer.status_code == 200, url
            for family in text_string_to_metric_families(answer.text):
                for sample in family.samples:
                    assert not [value for value in sample.labels.values() if AN_ID.search(value)], sample
                    found[sample.name].append((sample.labels, sample.value))
    return found


def total(samples: Samples, name: str, **labels: str) -> float:
    return sum(value for told, value in samples[name] if labels.items() <= told.items())


async def test_a_call_is_seen_in_the_metrics_of_every_service_on_its_road(live: LiveStack) -> None:
    before = await read(live)
    bearer = {"Authorization": f"Bearer {live.facts['tokens']['dispatch']}"}
    call = {
        "source": "hongkou-110", "call_no": "METRICS-1", "reported_at": "2026-11-25 21:30:00",
        "content": "报警人称楼上住户深夜装修，噪音很大，多次沟通无果，要求协调处理。",
        "incident_address": "上海市虹口区曲阳路街道曲阳路800弄5号601室", "jurisdiction_code": "310109010-PCS1",
    }  # fmt: skip
    async with httpx.AsyncClient(headers=bearer, timeout=10) as client:
        assert (await client.post(live.urls["intake"] + "/v1/calls", json=call)).status_code == 202
    opened, dispatched = "cn.liandong.intake.referral_opened.v1", "cn.liandong.triage.referral_dispatched.v1"
    seen = {
        "posted": ("liandong_http_requests_total", {"service": "intake", "route": "/v1/calls", "status": "202"}),
        "sent": ("liandong_relay_sent_records_total", {"service": "intake", "topic": "intake.v1"}),
        "triaged": ("liandong_events_total", {"service": "triage", "type": opened, "outcome": "applied"}),
        "mirrored": ("liandong_events_total", {"service": "mediation", "type": dispatched, "outcome": "applied"}),
        "watched": ("liandong_events_total", {"service": "followup", "type": dispatched, "outcome": "applied"}),
        "shown": ("liandong_events_total", {"consumer": "timeline", "type": dispatched, "outcome": "applied"}),
    }

    async def counted() -> bool:
        after = await read(live)
        is_seen = all(total(after, name, **labels) > total(before, name, **labels) for name, labels in seen.values())
        return is_seen and total(after, "liandong_outbox_rows") == 0

    await eventually(counted, within=20, every=0.3)
    after = await read(live)
    assert total(after, "liandong_relay_lanes") == 4 * 12
    assert total(after, "liandong_build_info") == 8
    assert total(after, "liandong_figures_read") == 4


async def test_cardinality_stays_small_and_every_metric_is_told_by_somebody_or_stands_for_trouble(
    live: LiveStack,
) -> None:
    samples = await read(live)
    assert sum(map(len, samples.values())) < 8 * 1500
    untold = {metric.name for metric in METRICS if not any(name.startswith(metric.name) for name in samples)}
    trouble = {f"liandong_{name}" for name in ("parked_events", "parked_oldest_age_seconds", "quarantined_records",
                                               "unsendable_records", "lacking_streams", "retries_total")}  # fmt: skip
    assert untold <= trouble
