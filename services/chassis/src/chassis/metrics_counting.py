"""The numbers of this process. Module-wide like the loggers: whoever counts need not be handed anything.

Nothing here fails or waits, and what is counted is bounded: what a stranger can choose never becomes a label.
"""

import platform
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from chassis import metrics
from chassis.metrics import Kind, Metric

Rows = Mapping[tuple[str, ...], float]
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
# What is tried again says so by one of these warnings.
TRIED_AGAIN = frozenset({
    "outage", "batch_waits", "relay_outage", "comparison_waits", "repair_waits", "resend_waits", "resend_asked",
    "refilling_waits", "bucket_sums_wait", "outsiders_wait", "restore_check_waits", "screening_waits", "feedback_waits",
    "broker_away", "head_not_told", "database_unavailable", "commit_outcome_unknown",
})  # fmt: skip


class _Registry(CollectorRegistry):
    """Gives every sample the names of its service and process, and leaves out when each counter was made."""

    def __init__(self) -> None:
        super().__init__()
        self.named: dict[str, str] = {}

    def collect(self) -> Iterable[Family]:
        for family in super().collect():
            family.samples = [
                sample._replace(labels=self.named | dict(sample.labels))
                for sample in family.samples
                if not sample.name.endswith("_created")
            ]
            yield family


class _Gauges(Collector):
    """Gauges as they were last told, whole: one that nobody has told in this process is absent, not 0."""

    def __init__(self) -> None:
        self.told: dict[Metric, Rows | Callable[[], Rows]] = {}

    def collect(self) -> Iterable[Family]:
        for metric, told in self.told.items():
            rows = told() if callable(told) else told
            family = GaugeMetricFamily(metric.name, metric.en, labels=metric.labels)
            for labels, value in rows.items():
                family.add_metric(labels, value)
            yield family

    def describe(self) -> Iterable[Family]:
        return ()


def _made(metric: Metric) -> Any:
    if metric.kind is Kind.COUNTER:
        return Counter(metric.name, metric.en, metric.labels, registry=REGISTRY)
    return Histogram(metric.name, metric.en, metric.labels, registry=REGISTRY, buckets=metric.buckets)


REGISTRY = _Registry()
_GAUGES = _Gauges()
_INSTRUMENTS: Mapping[Metric, Any] = {
    metric: _made(metric) for metric in metrics.METRICS if metric.kind is not Kind.GAUGE
}
ProcessCollector(registry=REGISTRY)
REGISTRY.register(_GAUGES)


def begin(process: str, alarms: Iterable[str] = ()) -> None:
    """Once, at the start of the process `intake-worker`. `alarms` are shown as 0 before the first: else nobody who
    looks at increases would see a single one."""
    service, _, kind = process.rpartition("-")
    REGISTRY.named = {"service": service, "process": kind}
    for alarm in alarms:
        _child(metrics.ALARMS, alarm)
    tell(metrics.BUILD, {(_version_of(service), platform.python_version()): 1})


def tell(gauge: Metric, rows: Rows | Callable[[], Rows]) -> None:
    """The gauge as it is now, or how to learn it: what is not among the rows is gone. Labels in the metric's order."""
    _GAUGES.told[gauge] = rows


def forget(gauges: Iterable[Metric]) -> None:
    """Nobody knows them at the moment."""
    for gauge in gauges:
        _GAUGES.told.pop(gauge, None)


def request_ended(method: str, route: str, status: int, seconds: float) -> None:
    known = method if method in _METHODS else "other"
    _child(metrics.REQUESTS, known, route, str(status)).inc()
    _child(metrics.REQUEST_SECONDS, known, route).observe(seconds)


def events_taken(consumer: str, outcomes: Mapping[tuple[str, str], int], *, oldest: datetime | None = None) -> None:
    """`outcomes`: (type, outcome) → how many; called when their transaction is committed."""
    for (event_type, outcome), count in outcomes.items():
        _child(metrics.EVENTS, consumer, event_type, outcome).inc(count)
    if oldest is not None:
        _child(metrics.EVENT_AGE, consumer).observe(max(time.time() - oldest.timestamp(), 0.0))


def records_sent(topics: Iterable[str]) -> None:
    for topic in topics:
        _child(metrics.SENT, topic).inc()


def said(level: str, event: str) -> None:
    """A line of our own in the log: an error is an alarm, some warnings say that something is tried again."""
    if level in ("error", "critical"):
        _child(metrics.ALARMS, event).inc()
    elif event in TRIED_AGAIN:
        _child(metrics.RETRIES, event).inc()


@cache
def _child(metric: Metric, *labels: str) -> Any:
    """Looked up once: labels() costs as much as all the counting."""
    return _INSTRUMENTS[metric].labels(*labels)


def _version_of(service: str) -> str:
    try:
        return version(f"{service}-svc")
    except PackageNotFoundError:
        return "none"
