"""What a process counts, and who may see it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from chassis import metrics, metrics_counting
from chassis.app import create_app
from chassis.auth import Caller, Verifier, require
from chassis.edge import Edge
from chassis.logs import _counted, _log_uncaught
from chassis.metrics import Kind
from chassis.metrics_serving import ROLES, MetricsPage, metrics_served
from fastapi import APIRouter, Depends
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_plain
from structlog.testing import capture_logs
from support.stack import free_port
from support.tokens import Issuer

UNITS = ("_seconds", "_total", "_rows", "_records", "_events", "_streams", "_connections", "_lanes", "_producers")
NO_UNIT = {"liandong_build_info", "liandong_figures_read", "liandong_pool_connections_limit"}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("secrets"))


@pytest.fixture
async def page(issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    settings = issuer.settings()
    verifier = Verifier(settings.token_public_key, issuer=settings.token_issuer, audience=settings.token_audience)
    transport = httpx.ASGITransport(Edge(MetricsPage(verifier)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def an_api(issuer: Issuer, **settings: str) -> httpx.AsyncClient:
    router = APIRouter()

    @router.get("/v1/calls/{source}/{call_no}")
    async def give(source: str, call_no: str, caller: Annotated[Caller, Depends(require("ops"))]) -> None:
        return None

    app = create_app("玩具", "Toy", settings=issuer.settings(**settings), routers=[router], checks={})
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def value_of(text: str, name: str, **labels: str) -> float | None:
    for family in read_plain(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


async def test_nobody_reads_metrics_without_a_token_of_the_right_role(page: httpx.AsyncClient, issuer: Issuer) -> None:
    assert (await page.get("/metrics")).json()["code"] == "token_missing"
    assert (await page.get("/metrics", headers={"Authorization": "Bearer x"})).status_code == 401
    for role in ("office_clerk", "source_system", "auditor", "partner", "security_admin"):
        assert (await page.get("/metrics", headers=issuer.bearer(role))).json()["code"] == "role_required"
    for role in ROLES:
        assert (await page.get("/metrics", headers=issuer.bearer(role))).status_code == 200


async def test_the_port_of_metrics_serves_nothing_else(page: httpx.AsyncClient, issuer: Issuer) -> None:
    for path in ("/", "/v1/ops/heads", "/metrics/", "/docs"):
        assert (await page.get(path, headers=issuer.bearer("ops"))).json()["code"] == "not_found"
    assert (await page.post("/metrics", headers=issuer.bearer("ops"))).json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("accept", "read"), [("", read_plain), ("application/openmetrics-text; version=1.0.0", read_openmetrics)]
)
async def test_it_speaks_both_forms_and_names_service_and_process_everywhere(
    page: httpx.AsyncClient, issuer: Issuer, accept: str, read: object
) -> None:
    metrics_counting.begin("intake-worker", ["never_raised"])
    answer = await page.get("/metrics", headers=issuer.bearer("ops") | {"Accept": accept})

    families = {family.name: family for family in read(answer.text)}  # type: ignore[operator]
    assert accept.partition(";")[0] in answer.headers["content-type"]
    samples = [sample for family in families.values() for sample in family.samples]
    assert all(sample.labels["service"] == "intake" and sample.labels["process"] == "worker" for sample in samples)
    assert not [sample.name for sample in samples if sample.name.endswith("_created")]
    (build,) = families["liandong_build_info"].samples
    assert re.fullmatch(r"\d+\.\d+\.\d+", build.labels["version"])


async def test_an_alarm_that_was_never_raised_stands_at_nought(page: httpx.AsyncClient, issuer: Issuer) -> None:
    metrics_counting.begin("intake-worker", ["never_raised"])
    text = (await page.get("/metrics", headers=issuer.bearer("ops"))).text
    assert value_of(text, "liandong_alarms_total", alarm="never_raised") == 0


async def test_requests_are_counted_by_template_and_an_id_never_becomes_a_label(
    page: httpx.AsyncClient, issuer: Issuer
) -> None:
    number = "31010920261125" + "0001"
    async with an_api(issuer) as api:
        for path in (f"/v1/calls/hongkou-110/{number}", f"/v1/nowhere/{number}", f"/{number}"):
            await api.get(path, headers=issuer.bearer("ops"))
        await api.request("FROB", f"/v1/calls/x/{number}")
    text = (await page.get("/metrics", headers=issuer.bearer("ops"))).text

    asked = {"method": "GET", "route": "/v1/calls/{source}/{call_no}", "status": "200"}
    assert value_of(text, "liandong_http_requests_total", **asked)
    assert value_of(text, "liandong_http_request_duration_seconds_count", method="GET", route=asked["route"])
    assert value_of(text, "liandong_http_requests_total", route="none", status="404")
    assert value_of(text, "liandong_http_requests_total", method="other")
    assert number not in text
    assert "FROB" not in text


def counted(metric: str, **labels: str) -> float:
    return metrics_counting.REGISTRY.get_sample_value(metric, labels | metrics_counting.REGISTRY.named) or 0.0


def test_errors_are_alarms_by_name_and_what_libraries_say_is_not() -> None:
    metrics_counting.begin("intake-worker")
    for line in (
        {"level": "error", "event": "toy_alarm"},
        {"level": "error", "event": "王建国 13800138000", "logger": "aiokafka"},
        {"level": "warning", "event": "outage"},
        {"level": "warning", "event": "toy_warning"},
        {"level": "info", "event": "toy_info"},
    ):
        _counted(None, "", dict(line))
    assert counted("liandong_alarms_total", alarm="toy_alarm") == 1
    assert counted("liandong_retries_total", what="outage") == 1
    told = {
        value
        for family in metrics_counting.REGISTRY.collect()
        for sample in family.samples
        for value in sample.labels.values()
    }
    assert not told & {"toy_warning", "toy_info", "王建国 13800138000"}


def test_an_error_that_reaches_the_top_of_a_process_is_an_alarm() -> None:
    with capture_logs() as lines:
        _log_uncaught(ValueError, ValueError("王建国"), None)
    assert [(line["event"], line["log_level"]) for line in lines] == [("uncaught", "critical")]


def test_every_name_ends_in_its_unit_and_says_in_both_languages_what_it_is() -> None:
    for metric in metrics.METRICS:
        assert re.fullmatch(r"liandong_[a-z0-9]+(_[a-z0-9]+)+", metric.name)
        assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total")
        assert metric.name in NO_UNIT or metric.name.endswith((*UNITS, "_overdue", "_failed")), metric.name
        assert re.search("[一-龥]", metric.zh)
        assert re.search("[a-z]", metric.en)
        assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
    assert len({metric.name for metric in metrics.METRICS}) == len(metrics.METRICS)


def test_a_gauge_nobody_told_is_absent_and_rows_that_are_gone_are_gone() -> None:
    metrics_counting.tell(metrics.PARKED, {("acting", "intake", "failed"): 3})
    metrics_counting.tell(metrics.PARKED, {("acting", "intake", "waiting"): 1})
    assert counted("liandong_parked_events", consumer="acting", producer="intake", reason="waiting") == 1
    assert not counted("liandong_parked_events", consumer="acting", producer="intake", reason="failed")
    metrics_counting.forget([metrics.PARKED])
    assert not counted("liandong_parked_events", consumer="acting", producer="intake", reason="waiting")


async def test_it_listens_apart_where_a_port_is_named_and_a_taken_one_is_an_alarm(
    issuer: Issuer,
) -> None:
    settings = issuer.settings(metrics_port=str(free_port()))
    where = f"http://127.0.0.1:{settings.metrics_port}/metrics"
    async with metrics_served(settings), httpx.AsyncClient() as client:
        assert (await client.get(where)).status_code == 401
        assert (await client.get(where, headers=issuer.bearer("ops"))).status_code == 200
        assert (await client.get(where, headers={"X-Long": "x" * 40_000})).json()["code"] == "head_too_large"
        with capture_logs() as lines:
            async with metrics_served(settings):
                assert (await client.get(where)).status_code == 401
        assert [line["event"] for line in lines if line["log_level"] == "error"] == ["metrics_not_served"]
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(where)
