"""The linking worker (DELIVERY §1): calls that wait are screened and referred, linked, or held for people.

It carries out too what people have decided and left to it as an errand, since it alone holds identity locks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from chassis.database_errors import retrying
from chassis.delivery import Units
from chassis.failpoints import failpoint
from chassis.ids import new_id

from intake_svc.domain.blocks import standing
from intake_svc.domain.call import Act, Call, CallId, CallState, Errand, LinkKind
from intake_svc.domain.facts import CallLinked, Party, PartyId, PartyRole, ReferralOpened
from intake_svc.domain.identity import LinkingRules, names_caller
from intake_svc.domain.reception import (
    BLOCK_STANDS,
    LINK_REFUSED,
    MATCH_RULE,
    MATCH_UNDECIDED,
    Match,
    Reading,
    ReceptionRules,
    can_be_joined,
    match_of,
    read_call,
    waited_for,
)
from intake_svc.domain.screening import Effect, Outcome, Screening
from intake_svc.store.calls import Linked, Waiting, count_linked, list_matches, list_waiting, lock_identities
from intake_svc.store.loading import LoadedCall
from intake_svc.store.vault import Vault
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.hold_back import keep_found_blocks, recheck, warn
from intake_svc.use_cases.running_clocks import keep_desk_clocks

MOST_AT_ONCE = 200
_REFUSED_BY_DATA = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
_LOOKED_AT = frozenset({Errand.WARN, Errand.RECHECK})  # these stay where they are, and others may match them
_log = structlog.get_logger(__name__)


@dataclass
class _Batch:
    """What one transaction knows: the calls it decides, those they may belong to, and the counts of joined ones."""

    work: IntakeWork
    waiting: list[LoadedCall]
    others: list[Call]
    linked: dict[UUID, Linked]


class ScreenCalls:
    def __init__(self, units: Units[IntakeWork], vault: Vault, rules: ReceptionRules, linking: LinkingRules) -> None:
        self._units, self._vault, self._rules, self._linking = units, vault, rules, linking

    async def __call__(self, *, limit: int = MOST_AT_ONCE) -> int:
        """How many calls waited; 0 when there is nothing to do. Run twice it finds nothing the second time.

        A batch that the database refuses is taken call by call, and the one at fault goes to a screener.
        """
        try:
            return await retrying(lambda: self._take(limit))
        except _REFUSED_BY_DATA as error:
            _log.error("batch_refused_by_database", error=type(error).__name__, limit=limit)
            if limit > 1:
                return await self(limit=1)
            return await retrying(lambda: self._take(1, hold_all=True))

    async def _take(self, limit: int, *, hold_all: bool = False) -> int:
        async with self._units.transaction() as connection:
            waiting = await list_waiting(connection, limit=limit)
            if not waiting:
                return 0
            batch = await self._lock(connection, waiting)
            for stored in batch.waiting:
                self._decide(stored, batch, hold=hold_all)
            await self._units.finish(connection, batch.work)
            failpoint("screen.before_commit")
        self._units.committed(batch.work)
        return len(waiting)

    async def _lock(self, connection: asyncpg.Connection, waiting: Sequence[Waiting]) -> _Batch:
        """Identities, then streams, then everything is read again: what changed meanwhile is left for later."""
        matches: list[tuple[UUID, UUID]] = []
        keys = {one.identity_key for one in waiting if one.identity_key is not None}
        if keys:
            await lock_identities(connection, keys)
            matches = await list_matches(connection, waiting, window=self._linking.duplicate_window)
        joined = {referral_id for _, referral_id in matches} | {one.link_to for one in waiting if one.link_to}
        work, _ = await self._units.lock(connection, list({one.referral_id for one in waiting} | joined))
        listed = {one.call_id: (one.identity_key, one.reported_at) for one in waiting}
        ready = [one for one in work.loaded if one.sealed is not None and _is_as_listed(one.call, listed)]
        decided_now = {one.call.call_id for one in ready if one.call.errand not in _LOOKED_AT}
        return _Batch(
            work,
            waiting=ready,
            others=[one.call for one in work.loaded if one.call.call_id not in decided_now],
            linked=dict(await count_linked(connection, list(joined))),
        )

    def _decide(self, stored: LoadedCall, batch: _Batch, *, hold: bool) -> None:
        call = stored.call
        if call.errand is Errand.WARN:
            self._warn(call, batch, hold=hold)
            return
        fields, reading = self._read(stored)
        if call.errand is Errand.RECHECK:
            recheck(call, reading.screening if reading and not hold else None, batch.work)
            return
        if reading is None or hold:
            self._hold(call, self._failed("call"), batch)
        elif call.is_cleared:
            self._carry_out(call, reading, fields, batch)
        else:
            self._follow_the_rules(call, reading, fields, batch)

    def _follow_the_rules(self, call: Call, reading: Reading, fields: dict[str, Any], batch: _Batch) -> None:
        match = self._match(call, batch)
        if standing(batch.work.blocks_of(call.call_id)):
            self._hold(call, _held(reading, BLOCK_STANDS, "block_stands"), batch, match)
        elif reading.screening.outcome is not Outcome.REFER:
            self._hold(call, reading.screening, batch, match)
        elif call.errand is Errand.LINK:
            self._hold(call, _held(reading, LINK_REFUSED, "link_refused"), batch)
        elif match is None or not _may_join(call):
            self._open(call, reading, batch, fields)
        elif match.can_be_joined:
            self._link(call, reading, match.call, batch)
        else:
            self._hold(call, _held(reading, MATCH_UNDECIDED, MATCH_RULE), batch)

    def _carry_out(self, call: Call, reading: Reading, fields: dict[str, Any], batch: _Batch) -> None:
        """A person has read this version and decided: findings stand no more in the way, and nobody waits for others.

        Their reasons stay on record.
        """
        cleared = replace(reading, screening=replace(reading.screening, outcome=Outcome.REFER))
        target: Call | None = None
        if call.errand is Errand.LINK:
            target = batch.work.call_of(call.errand_link_to) if call.errand_link_to else None
            if target is None or not can_be_joined(target):
                self._hold(call, _held(reading, LINK_REFUSED, "link_refused"), batch)
                return
        elif _may_join(call) and (match := self._match(call, batch)) is not None and match.can_be_joined:
            target = match.call
        if target is None:
            self._open(call, cleared, batch, fields)
            self._free_those_that_waited(call, batch)
        else:
            self._link(call, cleared, target, batch)

    def _free_those_that_waited(self, opened: Call, batch: _Batch) -> None:
        """Calls that were held for this one alone are looked at once more, by the rules: now they can join it."""
        for other in batch.others:
            if waited_for(opened, other, self._linking.duplicate_window):
                freed = replace(other, errand=Errand.REFER)
                keep_desk_clocks(batch.work, other, freed)
                batch.work.calls.put(other.call_id, freed)

    def _warn(self, call: Call, batch: _Batch, *, hold: bool) -> None:
        """People have held this call back: an open referral of the same event is halted with it."""
        match = self._match(call, batch)
        if match is not None and match.can_be_joined and not hold:
            warn(call, match.call.referral_id, batch.work)
        batch.work.calls.put(call.call_id, call.without_errand())

    def _match(self, call: Call, batch: _Batch) -> Match | None:
        return match_of(call, batch.others, self._linking.duplicate_window)

    def _read(self, stored: LoadedCall) -> tuple[dict[str, Any], Reading | None]:
        try:
            fields = self._vault.open(stored.version_id, stored.sealed or b"")
            return fields, read_call(stored.call, fields, self._rules)
        except Exception as error:  # nothing leaves that was not masked, and nothing is lost: a person looks at it
            _log.error("call_unreadable", call_id=str(stored.call.call_id), error=type(error).__name__)
            return {}, None

    def _failed(self, rule: str) -> Screening:
        finding = self._rules.screening.on_failure.finding(rule, "")
        return Screening(finding.outcome, self._rules.screening.version, (finding,))

    def _hold(self, call: Call, screening: Screening, batch: _Batch, match: Match | None = None) -> None:
        """What needs no screener any more, since people had it already, goes back to where it lay."""
        if call.state is CallState.RECEIVED:
            held = call.hold(screening, at=batch.work.now)
        else:
            held = replace(call, screening=screening, screened_at=batch.work.now).without_errand()
        halts_another = match is not None and match.can_be_joined
        keep_found_blocks(held, batch.work, halts_another=halts_another)
        if match is not None and halts_another:
            warn(held, match.call.referral_id, batch.work)
        keep_desk_clocks(batch.work, call, held)
        self._settle(held, batch)

    def _open(self, call: Call, reading: Reading, batch: _Batch, fields: dict[str, Any]) -> None:
        referred = call.refer(reading.screening, at=batch.work.now)
        parties = self._parties(fields, reading)
        for party in parties:
            batch.work.parties.put(party.party_id, (call.call_id, party))
        opened = ReferralOpened(
            referred,
            reading.narrative,
            reading.place,
            reading.source_category,
            is_confidential=reading.is_confidential,
            is_drill=reading.is_drill,
            parties=parties,
        )
        batch.work.tell(referred.referral_id, opened, causation_id=call.call_id)
        self._settle(referred, batch)

    def _link(self, call: Call, reading: Reading, joined: Call, batch: _Batch) -> None:
        before = batch.linked.get(joined.referral_id, Linked())
        after = Linked(before.calls + 1, before.duplicates + 1, before.repeats)
        batch.linked[joined.referral_id] = after
        linked = call.link(joined.referral_id, LinkKind.DUPLICATE, reading.screening, at=batch.work.now)
        fact = CallLinked(
            linked,
            LinkKind.DUPLICATE,
            reading.narrative,
            calls=after.calls + 1,
            duplicates=after.duplicates,
            repeats=after.repeats,
        )
        batch.work.tell(joined.referral_id, fact, causation_id=call.call_id)
        self._settle(linked, batch)

    def _settle(self, call: Call, batch: _Batch) -> None:
        """The next call of the batch may belong to this one."""
        batch.work.calls.put(call.call_id, call)
        batch.others.append(call)

    def _parties(self, fields: dict[str, Any], reading: Reading) -> tuple[Party, ...]:
        """A confidential caller is known to the police only, and not even by a number outside intake."""
        if reading.is_confidential or not names_caller(fields, self._rules.masking):
            return ()
        return (Party(PartyId(new_id()), PartyRole.CALLER),)


def _may_join(call: Call) -> bool:
    """What the police had kept is referred or nothing: it never joins another call's referral (CONTRACTS §3)."""
    return Act.LINK in call.allowed_acts()


def _held(reading: Reading, effect: Effect, rule: str) -> Screening:
    return reading.screening.held_for(effect.finding(rule, ""))


def _is_as_listed(call: Call, listed: Mapping[CallId, tuple[bytes | None, datetime]]) -> bool:
    """A new version may have brought another caller, place or hour since then: it is for the next round."""
    return listed.get(call.call_id) == (call.identity_key, call.reported_at)
