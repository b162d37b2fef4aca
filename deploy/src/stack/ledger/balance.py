"""The equations of the ledger (CONTRACTS §9), pure: facts in, what does not add up out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from stack.ledger.facts import Facts
from stack.running import SERVICES

PARK_REASONS = ("waiting", "failed", "unknown_version", "conflict")


@dataclass(frozen=True)
class Finding:
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}"


@dataclass(frozen=True)
class Pair:
    """Σ heads = Σ positions + parked + in flight + missing.

    What is parked behind a number that its stream has passed (a conflict, mostly) is shown and not counted.
    """

    producer: str
    consumer: str
    heads: int
    positions: int
    parked: Mapping[str, int]
    being_repaired: int
    unrepairable: int
    quarantined: int

    @property
    def parked_ahead(self) -> int:
        return sum(self.parked.get(reason, 0) for reason in PARK_REASONS) - self.parked.get("behind", 0)

    @property
    def missing(self) -> int:
        return self.being_repaired + self.unrepairable

    @property
    def in_flight(self) -> int:
        return self.heads - self.positions - self.parked_ahead - self.missing

    @property
    def not_yet_applied(self) -> int:
        return self.heads - self.positions

    def __str__(self) -> str:
        return f"{self.producer} → {self.consumer}"


@dataclass(frozen=True)
class Balance:
    facts: Facts

    @cached_property
    def pairs(self) -> Mapping[tuple[str, str], Pair]:
        return {
            (producer, consumer): self._pair(producer, consumer)
            for producer in SERVICES
            for consumer in SERVICES
            if producer != consumer
        }

    def _pair(self, producer: str, consumer: str) -> Pair:
        reader = self.facts.positions[consumer]
        lacking = reader.lacking.get(producer, {})
        return Pair(
            producer,
            consumer,
            heads=self.facts.heads[producer].heads,
            positions=reader.positions.get(producer, 0),
            parked=reader.parked.get(producer, {}),
            being_repaired=lacking.get("real", 0),
            unrepairable=lacking.get("unrepairable", 0),
            quarantined=reader.quarantined.get(f"{producer}.v1", 0),
        )

    @property
    def accepted(self) -> int:
        return int(self.facts.heads["intake"].counts["accepted"])

    @property
    def opened(self) -> int:
        return int(self.facts.heads["intake"].counts["opened"])

    @property
    def unopened_by_state(self) -> Mapping[str, int]:
        """Calls that never opened a referral."""
        counted: Mapping[str, int] = self.facts.heads["intake"].counts["unopened_by_state"]
        return counted

    @property
    def referrals_by_state(self) -> Mapping[str, int]:
        counted: Mapping[str, int] = self.facts.positions["triage"].counts["by_state"]
        return counted

    @property
    def open_by_state(self) -> Mapping[str, int]:
        counted: Mapping[str, int] = self.facts.positions["triage"].counts["open_by_state"]
        return counted

    @property
    def closed_by_outcome(self) -> Mapping[str, int]:
        counted: Mapping[str, int] = self.facts.positions["triage"].counts["closed_by_outcome"]
        return counted

    @property
    def not_yet_in_triage(self) -> int:
        return self.opened - sum(self.referrals_by_state.values())

    @property
    def dispatched(self) -> int:
        return int(self.facts.heads["triage"].counts["dispatched"])

    @property
    def to_be_watched(self) -> int:
        """What was dispatched, and what ended before any office had it."""
        return int(self.facts.heads["triage"].counts["to_be_watched"])

    @property
    def mirrors(self) -> int:
        return int(self.facts.positions["mediation"].counts["dispatched_mirrors"])

    @property
    def watches_by_state(self) -> Mapping[str, int]:
        counted: Mapping[str, int] = self.facts.positions["followup"].counts["watches_by_state"]
        return counted

    @property
    def responsible(self) -> Mapping[str, int]:
        """Open referrals by the one organisation responsible now (首接负责)."""
        counted: Mapping[str, int] = self.facts.heads["triage"].counts["open_by_responsible"]
        return counted

    @property
    def without_responsible(self) -> int:
        return int(self.facts.heads["triage"].counts["without_responsible"])

    @property
    def halted(self) -> int:
        """Referrals on which a block stands, by who sets blocks."""
        return int(self.facts.heads["intake"].counts["halted"])

    @property
    def freed(self) -> int:
        """Referrals that were halted, and every block on them lifted."""
        return int(self.facts.heads["intake"].counts["freed"])

    @property
    def quarantined_of_outsiders(self) -> Mapping[tuple[str, str], int]:
        """By service and topic: records of those who are no services, refused and kept."""
        streams = {f"{producer}.v1" for producer in SERVICES}
        return {
            (service, topic): count
            for service, facts in self.facts.positions.items()
            for topic, count in facts.quarantined.items()
            if topic not in streams
        }

    @cached_property
    def missing(self) -> tuple[Finding, ...]:
        """Empty when the ledger balances; work in flight and parked is accounted for."""
        return (
            *self._calls_missing(),
            *self._referrals_missing(),
            *self._events_missing(),
            *self._distrusted(),
        )

    def _calls_missing(self) -> Iterator[Finding]:
        gap = self.accepted - self.opened - sum(self.unopened_by_state.values())
        if gap:
            yield Finding(f"受理警情与各状态之和相差 {gap}", f"{gap} accepted calls stand in no state (or in two)")

    def _referrals_missing(self) -> Iterator[Finding]:
        watches = sum(self.watches_by_state.values())
        yield from self._arrivals("intake", "triage", self.not_yet_in_triage, "分流单 referrals")
        yield from self._arrivals("triage", "mediation", self.dispatched - self.mirrors, "镜像 mirrors")
        yield from self._arrivals("triage", "followup", self.to_be_watched - watches, "跟踪 watches")
        yield from self._closings_missing()
        yield from self._halts_missing()
        if empty := self.without_responsible:
            yield Finding(f"{empty} 件没有责任单位", f"{empty} referrals have no responsible unit")

    def _closings_missing(self) -> Iterator[Finding]:
        """followup alone closes: what triage holds as closed was closed there, and the other way round in time."""
        closed, known = self.watches_by_state.get("closed", 0), sum(self.closed_by_outcome.values())
        ahead = known - closed
        if ahead > 0 and ahead > self.pairs["followup", "triage"].not_yet_applied:
            yield Finding(f"分流多出 {ahead} 件结案", f"triage holds {ahead} as closed that followup has not closed")
        yield from self._arrivals("followup", "triage", max(0, closed - known), "结案 closings")

    def _halts_missing(self) -> Iterator[Finding]:
        """What a block holds stands still in triage too, and nothing else does, but for what is on its way."""
        apart = self.halted - int(self.facts.positions["triage"].counts["halted"])
        if abs(apart) > self.pairs["intake", "triage"].not_yet_applied:
            what, told = ("缺", "lacks") if apart > 0 else ("多出", "has too many:")
            yield Finding(
                f"triage {what} {abs(apart)} 个暂停", f"triage {told} {abs(apart)} halts that nothing explains"
            )

    def _arrivals(self, producer: str, consumer: str, not_yet: int, what: str) -> Iterator[Finding]:
        """Each row that is not there yet must stand behind an event that was not applied yet."""
        pair = self.pairs[producer, consumer]
        if not_yet < 0:
            yield Finding(f"{consumer} 多出 {-not_yet} 个{what}", f"{consumer} has {-not_yet} {what} too many")
        elif not_yet > pair.not_yet_applied:
            lost = not_yet - pair.not_yet_applied
            yield Finding(f"{consumer} 缺 {lost} 个{what}", f"{consumer} lacks {lost} {what} that nothing explains")

    def _events_missing(self) -> Iterator[Finding]:
        for pair in self.pairs.values():
            if count := pair.being_repaired:
                yield Finding(
                    f"{pair} 丢失 {count} 个事件，正在补发", f"{count} events lost on the way, being asked for"
                )
            if count := pair.unrepairable:
                yield Finding(f"{pair} {count} 个事件无法补齐", f"{count} events cannot be repaired")
            if pair.in_flight < 0:
                yield Finding(
                    f"{pair} 消费位置多出 {-pair.in_flight}",
                    f"the consumer is {-pair.in_flight} events ahead of the head",
                )

    def _distrusted(self) -> Iterator[Finding]:
        """A producer whose numbers went back was restored from an older backup: what it said since is gone there."""
        for consumer, facts in self.facts.positions.items():
            for producer in facts.distrusted:
                yield Finding(
                    f"{consumer} 不再采信 {producer}：其序号倒退",
                    f"{consumer} applies nothing more from {producer}: restored",
                )

    @cached_property
    def unquiet(self) -> tuple[Finding, ...]:
        """What is under way on the automatic road."""
        return (*self._calls_under_way(), *self._outboxes_under_way(), *self._events_under_way())

    def _calls_under_way(self) -> Iterator[Finding]:
        if count := self.unopened_by_state.get("received", 0):
            yield Finding(f"{count} 件警情待甄别", f"{count} calls received, not screened yet")

    def _outboxes_under_way(self) -> Iterator[Finding]:
        for service, facts in self.facts.heads.items():
            for kind, count in facts.outbox.items():
                if count:
                    yield Finding(f"{service} 发件箱 {kind} {count} 条", f"{service} outbox holds {count} {kind}")

    def _events_under_way(self) -> Iterator[Finding]:
        for pair in self.pairs.values():
            if pair.in_flight > 0:
                yield Finding(f"{pair} 在途 {pair.in_flight} 个事件", f"{pair.in_flight} events in flight")
            if count := pair.parked.get("waiting", 0):
                yield Finding(f"{pair} {count} 个事件在等前因", f"{count} events wait for their causes")
