"""One transaction's work in memory: aggregates loaded, events recorded, undone per event or written at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import asyncpg

from chassis.delivery.contracts import EventModel
from chassis.delivery.gate import ReferralGate
from chassis.delivery.notices import Notice, StateChange
from chassis.delivery.rows import Rows
from chassis.ids import new_id
from chassis.sealing import Keyring
from chassis.texts import KeptText

Effect: TypeAlias = tuple[UUID | None, UUID, str]
"""What must be stated once: by which cause, of which referral, which type of event."""


class Recorded(NamedTuple):
    """An event to be written: its number is given when the handler's work is kept."""

    event_id: UUID
    referral_id: UUID
    model: EventModel
    causation_id: UUID | None

    @property
    def effect(self) -> Effect:
        return self.causation_id, self.referral_id, self.model.TYPE


class RecordedTwice(Exception):
    """Two events of one type on one referral by one cause: whoever has several things to say says them in one."""


class Numbered(NamedTuple):
    """An event with its place in the own stream and what had been applied when it was written."""

    recorded: Recorded
    seq: int
    after: dict[str, int]
    at: datetime


@dataclass
class Work:
    """Subclassed by each service with its `Rows`, `load` and `save`.

    `now` is one instant for the whole transaction, the database's. `subject` and `cause` are the referral and the id
    of the event that a handler is working on; for a command the cause is its own id.
    """

    now: datetime
    gates: dict[UUID, ReferralGate] = field(default_factory=dict)
    numbered: list[Numbered] = field(default_factory=list)
    _touched: list[Rows[Any, Any]] = field(default_factory=list)
    _staged: list[Recorded] = field(default_factory=list)
    _staged_effects: set[Effect] = field(default_factory=set)
    _subject: UUID | None = None
    _cause: UUID | None = None
    _stated_at: datetime | None = None
    keyring: Keyring | None = None
    texts: list[KeptText] = field(default_factory=list)
    _staged_texts: list[KeptText] = field(default_factory=list)
    told: list[Notice | StateChange] = field(default_factory=list)
    _staged_told: list[Notice | StateChange] = field(default_factory=list)
    _states_told: set[StateChange] = field(default_factory=set)

    def rows(self) -> Rows[Any, Any]:
        """A table's aggregates, of which the runtime keeps or forgets what a handler puts."""
        return Rows(self._touched)

    @property
    def subject(self) -> UUID:
        if self._subject is None:
            raise LookupError("a command has no subject")
        return self._subject

    @property
    def stated_at(self) -> datetime:
        """When the event's writer stated it, the same however late it arrives; `now` for a command."""
        return self._stated_at or self.now

    @property
    def cause(self) -> UUID | None:
        return self._cause

    async def load(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        """Every aggregate of these referrals, one statement a table; their streams are locked."""

    async def save(self, connection: asyncpg.Connection) -> None:
        """What changed, one statement a table."""

    def record(self, referral_id: UUID, model: EventModel, *, causation_id: UUID | None = None) -> UUID:
        """An event on the own stream of a referral whose stream this transaction has locked; returns its id.

        Raises KeyError for a referral that is not locked: it would have no number. Raises RecordedTwice when this
        cause has stated the same fact of this referral already: one cause has one effect of each kind.
        """
        self._must_be_locked(referral_id)
        recorded = Recorded(new_id(), referral_id, model, causation_id or self._cause)
        if recorded.causation_id is not None and recorded.effect in self._staged_effects:
            raise RecordedTwice(model.TYPE)
        self._staged_effects.add(recorded.effect)
        self._staged.append(recorded)
        return recorded.event_id

    def notify(
        self, topic: str, key: str, event_type: str, model: EventModel, *, referral_id: UUID, version: int
    ) -> UUID:
        """A record on a topic for partners or sources, sent after the events recorded so far; returns its id.

        `version` grows under its key: readers drop what is not higher. Raises KeyError as `record` does.
        """
        self._must_be_locked(referral_id)
        notice = Notice(new_id(), referral_id, topic, key, event_type, model, version)
        self._staged_told.append(notice)
        return notice.notice_id

    def publish_state(self, topic: str, key: str, *, referral_id: UUID) -> None:
        """The state under this key has changed: the relay reads it when it sends. Said again, it is sent once."""
        self._must_be_locked(referral_id)
        self._staged_told.append(StateChange(referral_id, topic, key))

    def _must_be_locked(self, referral_id: UUID) -> None:
        if referral_id not in self.gates:
            raise KeyError(f"the stream of {referral_id} is not locked in this transaction")

    def keep_text(self, kind: str, text: str | None, *, referral_id: UUID | None = None) -> UUID | None:
        """What somebody wrote, sealed; the id stands for it in rows, never in events. None for nothing written.

        Without `referral_id` it belongs to the handler's subject, or to the one referral that the command locked.
        """
        if text is None or not text.strip():
            return None
        if self.keyring is None:
            raise LookupError("this unit of work has no keyring to seal a text with")
        kept = KeptText.seal(self.keyring, referral_id or self._one_referral(), kind, text)
        self._staged_texts.append(kept)
        return kept.text_id

    def _one_referral(self) -> UUID:
        if self._subject is not None:
            return self._subject
        (referral_id,) = self.gates
        return referral_id

    def begin_command(self, command_id: UUID) -> None:
        self._cause = command_id

    def begin_event(self, subject: UUID, cause: UUID, stated_at: datetime | None) -> None:
        self._subject, self._cause, self._stated_at = subject, cause, stated_at

    def keep(self) -> None:
        """The handler returned: its rows stand, its events get their numbers."""
        for table in self._touched:
            table.keep()
        self._touched.clear()
        for recorded in self._staged:
            gate = self.gates[recorded.referral_id]
            gate.head += 1
            gate.head_event_id = recorded.event_id
            self.numbered.append(Numbered(recorded, gate.head, gate.after(), self.now))
        self._staged.clear()
        self._staged_effects.clear()
        for told in self._staged_told:
            if isinstance(told, Notice) or told not in self._states_told:  # one state change for each key
                self.told.append(told)
                if not isinstance(told, Notice):
                    self._states_told.add(told)
        self._staged_told.clear()
        self.texts += self._staged_texts
        self._staged_texts.clear()
        self._subject = self._cause = self._stated_at = None

    def forget(self) -> None:
        """The handler raised: nothing of it remains."""
        for table in self._touched:
            table.forget()
        self._touched.clear()
        self._staged.clear()
        self._staged_effects.clear()
        self._staged_told.clear()
        self._staged_texts.clear()
        self._subject = self._cause = self._stated_at = None
