"""What every service counts, as data: the instruments, the page of metrics and the Grafana board are made from it.

Names end in their unit. Labels are bounded: routes as templates, types and names that stand in code, never an id.
"""

from dataclasses import dataclass
from enum import StrEnum

PREFIX = "liandong_"


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Group(StrEnum):
    HTTP = "接口 HTTP"
    EVENTS = "事件 Events"
    RELAY = "投递 Relay"
    REPAIR = "补漏 Repair"
    TIMERS = "时限 Clocks"
    ALARMS = "告警 Alarms"
    PROCESS = "进程 Process"


@dataclass(frozen=True, eq=False)
class Metric:
    """`everywhere`: every worker of a service reads the same rows of its database, so these are not added up."""

    short_name: str
    kind: Kind
    group: Group
    labels: tuple[str, ...]
    zh: str
    en: str
    buckets: tuple[float, ...] = ()
    everywhere: bool = False

    @property
    def name(self) -> str:
        return PREFIX + self.short_name


def _counter(name: str, group: Group, labels: str, zh: str, en: str) -> Metric:
    return Metric(name, Kind.COUNTER, group, tuple(labels.split()), zh, en)


def _gauge(name: str, group: Group, labels: str, zh: str, en: str, *, everywhere: bool = True) -> Metric:
    return Metric(name, Kind.GAUGE, group, tuple(labels.split()), zh, en, everywhere=everywhere)


def _histogram(name: str, group: Group, labels: str, zh: str, en: str, buckets: tuple[float, ...]) -> Metric:
    return Metric(name, Kind.HISTOGRAM, group, tuple(labels.split()), zh, en, buckets)


_ANSWERS = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_AGES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)

REQUESTS = _counter(
    "http_requests_total", Group.HTTP, "method route status",
    "应答的请求数，按路由模板与状态码", "Requests answered, by template of the route and status",
)  # fmt: skip
REQUEST_SECONDS = _histogram(
    "http_request_duration_seconds", Group.HTTP, "method route",
    "从收到请求到应答结束的时间", "From a request's arrival to its answer's end", _ANSWERS,
)  # fmt: skip

EVENTS = _counter(
    "events_total", Group.EVENTS, "consumer type outcome",
    "收到的事件，按类型与结果（applied 已处理、passed_over 略过、duplicate 重复、waiting 等待前因、failed 失败、"
    "unknown_version 未知版本、conflict 冲突、quarantined 隔离）",
    "Events taken, by type and outcome: applied, passed_over, duplicate, waiting for causes, failed, unknown_version, "
    "conflict, quarantined",
)  # fmt: skip
EVENT_AGE = _histogram(
    "batch_oldest_event_age_seconds", Group.EVENTS, "consumer",
    "每批中最旧事件从发生到生效的时间", "From the instant of a batch's oldest event to its commit here", _AGES,
)  # fmt: skip
LAG = _gauge(
    "consumer_lag_records", Group.EVENTS, "consumer topic",
    "本进程所读分区中尚未读取的记录数", "Records not yet read in the partitions of this process", everywhere=False,
)  # fmt: skip
PARKED = _gauge(
    "parked_events", Group.EVENTS, "consumer producer reason",
    "停放的事件数，按原因", "Events that stand parked, by reason",
)  # fmt: skip
PARKED_OLDEST = _gauge(
    "parked_oldest_age_seconds", Group.EVENTS, "consumer reason",
    "停放最久者已停放的时间", "How long the longest has stood parked",
)  # fmt: skip
QUARANTINED = _gauge(
    "quarantined_records", Group.EVENTS, "consumer topic",
    "隔离的无法识别的记录数", "Records in quarantine: bytes that are no event of ours",
)  # fmt: skip

OUTBOX = _gauge(
    "outbox_rows", Group.RELAY, "kind",
    "待发行数（live 新增、resend 补发）", "Rows waiting to be sent: live, or sent again",
)  # fmt: skip
OUTBOX_OLDEST = _gauge(
    "outbox_oldest_age_seconds", Group.RELAY, "",
    "最旧的待发新增事件的存留时间", "Age of the oldest live event that waits to be sent",
)  # fmt: skip
SENT = _counter(
    "relay_sent_records_total", Group.RELAY, "topic",
    "代理已确认的记录数", "Records that the broker has acknowledged",
)  # fmt: skip
UNSENDABLE = _gauge(
    "unsendable_records", Group.RELAY, "topic type reason",
    "代理拒收的记录数，按事件类型与原因", "Records that the broker refuses for themselves, by type and reason",
)  # fmt: skip
LANES = _gauge(
    "relay_lanes", Group.RELAY, "",
    "本进程所持的发送通道数（每个服务共 12 条）", "Lanes that this process holds, of the twelve of its service",
    everywhere=False,
)  # fmt: skip

LACKING = _gauge(
    "lacking_streams", Group.REPAIR, "consumer producer state",
    "缺少后续事件的流，按所知情况", "Streams whose next events are missing, by what is known of the lack",
)  # fmt: skip
DISTRUSTED = _gauge(
    "distrusted_producers", Group.REPAIR, "consumer producer",
    "为 1 时不再处理该服务的事件：其数据库曾被恢复", "1: nothing more is applied from it, its database was restored",
)  # fmt: skip
RETRIES = _counter(
    "retries_total", Group.REPAIR, "what",
    "因故障而重试的次数，按所做之事", "Attempts that an outage undid and that are made again, by what is done",
)  # fmt: skip

TIMERS_OVERDUE = _gauge(
    "timers_overdue", Group.TIMERS, "",
    "已到期而尚未触发的时限数", "Clocks that have run out and have not fired yet",
)  # fmt: skip
TIMERS_OVERDUE_OLDEST = _gauge(
    "timers_overdue_oldest_age_seconds", Group.TIMERS, "",
    "到期最久而未触发者的超时时间", "How long the longest of them has been due",
)  # fmt: skip
TIMERS_FAILED = _gauge(
    "timers_failed", Group.TIMERS, "",
    "触发失败、等待人工处理的时限数", "Clocks whose firing failed and that wait for an operator",
)  # fmt: skip

ALARMS = _counter(
    "alarms_total", Group.ALARMS, "alarm",
    "告警次数，按名称；处理办法见 docs/runbook.zh-CN.md",
    "Alarms raised, by name: docs/runbook.md has a section for each",
)  # fmt: skip

BUILD = _gauge(
    "build_info", Group.PROCESS, "version python",
    "程序版本，值恒为 1", "Which version runs; always 1", everywhere=False,
)  # fmt: skip
POOL = _gauge(
    "pool_connections", Group.PROCESS, "state",
    "数据库连接池：使用中（in_use）与空闲（idle）", "Connections of the pool to the database: in_use, idle",
    everywhere=False,
)  # fmt: skip
POOL_MOST = _gauge(
    "pool_connections_limit", Group.PROCESS, "",
    "连接池上限", "The most connections that the pool opens", everywhere=False,
)  # fmt: skip
FIGURES_READ = _gauge(
    "figures_read", Group.PROCESS, "",
    "为 0 时数据库未能应答，来自其中的数字缺席", "0: the database did not answer, and the figures out of it are absent",
    everywhere=False,
)  # fmt: skip

METRICS: tuple[Metric, ...] = tuple(value for value in globals().values() if isinstance(value, Metric))
