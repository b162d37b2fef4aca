"""The page of what stands in `metrics`: python -m chassis.metrics_page > docs/metrics.md"""

import sys

from chassis.metrics import METRICS, Group, Metric

_HEAD = """# 指标 Metrics

<!-- Made from services/chassis/src/chassis/metrics.py by `make contracts`; do not edit. -->

每个进程在 `METRICS_PORT` 上提供 `GET /metrics`，需角色 `ops` 或 `service` 的令牌；
每条数据另带 `service` 与 `process` 标签。标签不含任何编号或个人信息。
Each process serves `GET /metrics` at `METRICS_PORT` to a token of role `ops` or `service`; every sample also bears
the labels `service` and `process`. No label holds an id or personal data. Beside these stand `process_*` of the
Prometheus library. A gauge of what stands in a service's database is told by each of its workers: take the maximum.
The local stack says in `.local/stack.json` under `metrics` where each listens; `deploy/monitoring` holds the Grafana
board (`board.json`), rules of alerts and a configuration of Prometheus for it.
"""


def text() -> str:
    lines = [_HEAD]
    for group in Group:
        lines += [f"## {group.value}", "", "| name | kind | labels | 含义 | meaning |", "|---|---|---|---|---|"]
        lines += [*(_line(metric) for metric in METRICS if metric.group is group), ""]
    return "\n".join(lines)


def _line(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind.value} | {labels} | {metric.zh} | {metric.en} |"


if __name__ == "__main__":
    sys.stdout.write(text())
