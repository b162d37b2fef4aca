"""The Grafana board of what stands in `metrics`: python -m chassis.metrics_board > deploy/monitoring/board.json"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from chassis.metrics import METRICS, Group, Kind, Metric

_WIDTH, _HEIGHT, _ACROSS = 8, 8, 3
_QUANTILES = (0.5, 0.99)
_FILTER = 'service=~"$service"'
_OF_THE_LIBRARY = (
    ("process_resident_memory_bytes", "内存 Memory", "bytes", "sum by (service, process) ({name}{{{filter}}})"),
    ("process_cpu_seconds_total", "处理器 CPU", "percentunit",
     "sum by (service, process) (rate({name}{{{filter}}}[$__rate_interval]))"),
    ("process_open_fds", "打开的文件 Open files", "short", "sum by (service, process) ({name}{{{filter}}})"),
)  # fmt: skip


def board() -> dict[str, Any]:
    return {
        "uid": "liandong",
        "title": "联动 Liandong",
        "description": "由 chassis/metrics.py 生成，勿手工修改。Made from chassis/metrics.py by `make contracts`.",
        "tags": ["liandong"],
        "schemaVersion": 39,
        "editable": False,
        "timezone": "browser",
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_source_variable(), _service_variable()]},
        "panels": list(_panels()),
    }


def text() -> str:
    return json.dumps(board(), ensure_ascii=False, indent=1) + "\n"


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for group in Group:
        drawn = [_panel(metric) for metric in METRICS if metric.group is group]
        if group is Group.PROCESS:
            drawn += [_library_panel(*one) for one in _OF_THE_LIBRARY]
        number += 1
        yield {"id": number, "type": "row", "title": group.value, "collapsed": False, "gridPos": _place(top, 0, 24, 1)}
        top += 1
        for n, panel in enumerate(drawn):
            number += 1
            row, column = divmod(n, _ACROSS)
            yield {"id": number, **panel, "gridPos": _place(top + row * _HEIGHT, column * _WIDTH, _WIDTH, _HEIGHT)}
        top += -(-len(drawn) // _ACROSS) * _HEIGHT


def _panel(metric: Metric) -> dict[str, Any]:
    unit = "s" if metric.name.endswith("_seconds") else "short"
    if metric.kind is Kind.COUNTER and metric.group is not Group.ALARMS:
        unit = "cps"
    targets = [_target(expression, legend, n) for n, (expression, legend) in enumerate(_queries(metric))]
    return _drawn(metric.name.removeprefix("liandong_"), f"{metric.zh}\n\n{metric.en}", unit, targets)


def _queries(metric: Metric) -> Iterator[tuple[str, str]]:
    """(expression, legend) of each line to draw."""
    labels = ("service", *metric.labels)
    shown, by = " ".join(f"{{{{{label}}}}}" for label in labels), ", ".join(labels)
    chosen = f"{{{_FILTER}}}"
    if metric.kind is Kind.HISTOGRAM:
        for quantile in _QUANTILES:
            rates = f"sum by (le, {by}) (rate({metric.name}_bucket{chosen}[$__rate_interval]))"
            yield f"histogram_quantile({quantile}, {rates})", f"p{quantile * 100:g} {shown}"
    elif metric.group is Group.ALARMS:
        yield f"sum by ({by}) (increase({metric.name}{chosen}[$__rate_interval])) > 0", shown
    elif metric.kind is Kind.COUNTER:
        yield f"sum by ({by}) (rate({metric.name}{chosen}[$__rate_interval]))", shown
    else:
        yield f"{'max' if metric.everywhere else 'sum'} by ({by}) ({metric.name}{chosen})", shown


def _library_panel(name: str, title: str, unit: str, query: str) -> dict[str, Any]:
    target = _target(query.format(name=name, filter=_FILTER), "{{service}} {{process}}", 0)
    return _drawn(title, title, unit, [target])


def _drawn(title: str, description: str, unit: str, targets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "timeseries",
        "title": title,
        "description": description,
        "datasource": {"type": "prometheus", "uid": "$source"},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": targets,
    }


def _target(expression: str, legend: str, n: int) -> dict[str, Any]:
    return {"refId": chr(ord("A") + n), "expr": expression, "legendFormat": legend}


def _place(top: int, left: int, width: int, height: int) -> dict[str, int]:
    return {"x": left, "y": top, "w": width, "h": height}


def _source_variable() -> dict[str, Any]:
    return {"name": "source", "label": "数据源 Source", "type": "datasource", "query": "prometheus"}


def _service_variable() -> dict[str, Any]:
    return {
        "name": "service", "label": "服务 Service", "type": "query", "multi": True, "includeAll": True,
        "allValue": ".*", "datasource": {"type": "prometheus", "uid": "$source"},
        "current": {"text": "All", "value": "$__all"},
        "query": {"query": "label_values(liandong_build_info, service)", "refId": "service"}, "refresh": 2,
    }  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(text())
