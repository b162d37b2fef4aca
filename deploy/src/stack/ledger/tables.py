"""The ledger as people read it: each equation a table, with what its numbers mean under it."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table

from stack.ledger.balance import PARK_REASONS, Balance

CALL_STATES = {
    "received": "待甄别 received, not screened yet",
    "awaiting_screener": "待人工甄别 awaiting a screener",
    "retained_by_police": "公安自处 retained by the police",
    "to_other_body": "转其他部门 sent to another body",
    "invalid": "无效 invalid",
    "withdrawn": "报警人撤销 withdrawn",
    "recalled": "警方撤回 recalled",
    "linked": "并入主单 linked to an earlier call",
}


def print_ledger(console: Console, balance: Balance) -> None:
    for title, table, explanation in (
        (
            "警情 Calls",
            _calls(balance),
            "受理 = 已生成分流单 + 其余各状态 / accepted = opened a referral + the others by state",
        ),
        (
            "分流单 Referrals",
            _referrals(balance),
            "生成 = 各结果的结案 + 各状态的办理中 + 尚未到达；每件已派单的在调解、回访各有一行\n"
            "opened = closed by outcome + open by state + not in triage yet;\n"
            "each dispatched one has one row in mediation and in followup",
        ),
        (
            "事件 Events: 发出 heads = 已用 positions + 搁置 parked + 在途 in flight + 缺失 missing",
            _pairs(balance),
            "搁置的有原因，可重试；缺失必须为 0 / parked ones have a reason and can be retried; missing must be 0",
        ),
        ("发件箱 Outboxes", _outboxes(balance), "待发 live · 补发 resend · 消息系统拒收 unsendable: refused by Kafka"),
    ):
        console.print(title, style="bold", highlight=False, soft_wrap=True)
        console.print(table)
        console.print(explanation, style="dim", highlight=False, soft_wrap=True)
        console.print()
    for line in lines_of_what_stands_aside(balance):
        console.print(line, highlight=False, soft_wrap=True)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _calls(balance: Balance) -> Table:
    table = _table("", "件数 calls")
    table.add_row("受理 accepted", str(balance.accepted), style="bold")
    table.add_row("已生成分流单 opened a referral", str(balance.opened))
    for state, count in sorted(balance.unopened_by_state.items()):
        if count or state in ("received", "linked"):
            table.add_row(CALL_STATES.get(state, state), str(count))
    return table


def _referrals(balance: Balance) -> Table:
    table = _table("", "件数 referrals")
    for label, count in _referral_rows(balance):
        table.add_row(label, str(count))
    return table


def _referral_rows(balance: Balance) -> Iterator[tuple[str, int]]:
    yield "生成 opened (intake)", balance.opened
    for outcome, count in sorted(balance.closed_by_outcome.items()):
        yield f"  结案 closed: {outcome}", count
    for state, count in sorted(balance.open_by_state.items()):
        yield f"  办理中 open: {state}", count
    yield "  尚未到达 not yet in triage", balance.not_yet_in_triage
    yield "其中公安叫停 of them halted now", balance.halted
    yield "曾叫停、已解除 were halted, then freed", balance.freed
    yield "曾派单 ever dispatched (triage)", balance.dispatched
    yield "  调解镜像 mirrors (mediation)", balance.mirrors
    for state, count in sorted(balance.watches_by_state.items()):
        yield f"  跟踪 watches (followup): {state}", count
    for unit, count in sorted(balance.responsible.items()):
        yield f"责任单位 responsible now: {unit or '—'}", count
    yield "没有责任单位 without a responsible unit", balance.without_responsible


def _pairs(balance: Balance) -> Table:
    table = _table("producer → consumer", "heads", "positions", "parked", "in flight", "missing")
    for pair in balance.pairs.values():
        counts = (pair.heads, pair.positions, pair.parked_ahead, pair.in_flight, pair.missing)
        table.add_row(str(pair), *map(str, counts))
    return table


def lines_of_what_stands_aside(balance: Balance) -> Iterator[str]:
    """Conflicts and quarantined bytes fill no place in a stream: they stand here and in no equation."""
    for pair in balance.pairs.values():
        named = ", ".join(f"{reason} {pair.parked[reason]}" for reason in PARK_REASONS if pair.parked.get(reason))
        if named:
            yield f"搁置 parked, {pair}: {named}  (GET /v1/ops/parked, {pair.consumer})"
        if pair.quarantined:
            yield f"隔离 quarantined, {pair}: {pair.quarantined}  (GET /v1/ops/quarantine, {pair.consumer})"
    for (service, topic), count in balance.quarantined_of_outsiders.items():
        yield f"隔离 quarantined, {topic} → {service}: {count}  (GET /v1/ops/quarantine, {service})"


def _outboxes(balance: Balance) -> Table:
    table = _table("service", "live", "resend", "unsendable")
    for service, facts in balance.facts.heads.items():
        table.add_row(service, *(str(facts.outbox.get(kind, 0)) for kind in ("live", "resend", "unsendable")))
    return table
