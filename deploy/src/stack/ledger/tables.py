"""The ledger as people read it: each equation a table, with what its numbers mean under it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
    for table in (_calls(balance), _referrals(balance), _pairs(balance), _outboxes(balance)):
        console.print(table)


def _table(title: str, *columns: str, caption: str) -> Table:
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _calls(balance: Balance) -> Table:
    table = _table(
        "警情 Calls",
        "",
        "件数",
        caption="受理 = 已生成分流单 + 其余各状态 / accepted = those that opened a referral + the others by state",
    )
    table.add_row("受理 accepted", str(balance.accepted), style="bold")
    table.add_row("已生成分流单 opened a referral", str(balance.opened))
    for state, count in sorted(balance.unopened_by_state.items()):
        if count or state in ("received", "linked"):
            table.add_row(CALL_STATES.get(state, state), str(count))
    return table


def _referrals(balance: Balance) -> Table:
    table = _table(
        "分流单 Referrals",
        "",
        "件数",
        caption="生成 = 各状态 + 尚未到达；每件已派单的在调解、回访各有一行\n"
        "opened = by state in triage + not there yet; each dispatched one has one row in mediation and in followup,\n"
        "or its event is still under way",
    )
    for label, count in _referral_rows(balance):
        table.add_row(label, str(count))
    return table


def _referral_rows(balance: Balance) -> Iterator[tuple[str, int]]:
    yield "生成 opened (intake)", balance.opened
    for state, count in sorted(balance.referrals_by_state.items()):
        yield f"  分流 triage: {state}", count
    yield "  尚未到达 not yet in triage", balance.not_yet_in_triage
    yield "曾派单 ever dispatched (triage)", balance.dispatched
    yield "  调解镜像 mirrors (mediation)", balance.mirrors
    for state, count in sorted(balance.watches_by_state.items()):
        yield f"  跟踪 watches (followup): {state}", count
    yield "没有责任单位 without a responsible unit", balance.without_responsible


def _pairs(balance: Balance) -> Table:
    table = _table(
        "事件 Events: 发出 heads = 已用 positions + 搁置 parked + 在途 in flight + 缺失 missing",
        "producer → consumer", "heads", "positions", "parked", "in flight", "missing", "conflicts", "quarantined",
        caption="搁置有原因，可重试 parked ones have a reason and can be retried · 缺失必须为 0 missing must be 0 ·\n"
        "冲突与隔离另计 conflicts and quarantined bytes are counted apart",
    )  # fmt: skip
    for pair in balance.pairs.values():
        parked = f"{pair.parked_ahead} {_reasons(pair.parked)}".strip()
        table.add_row(
            str(pair), str(pair.heads), str(pair.positions), parked, str(pair.in_flight), str(pair.missing),
            str(pair.parked.get("conflict", 0)), str(pair.quarantined),
        )  # fmt: skip
    return table


def _reasons(parked: Mapping[str, int]) -> str:
    named = [f"{reason} {parked[reason]}" for reason in PARK_REASONS if parked.get(reason)]
    return f"({', '.join(named)})" if named else ""


def _outboxes(balance: Balance) -> Table:
    table = _table(
        "发件箱 Outboxes",
        "service",
        "live",
        "resend",
        "unsendable",
        caption="待发 · 补发 · 消息系统拒收 waiting · sent again · refused",
    )
    for service, facts in balance.facts.heads.items():
        table.add_row(service, *(str(facts.outbox.get(kind, 0)) for kind in ("live", "resend", "unsendable")))
    return table
