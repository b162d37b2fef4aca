"""A quiet road laid by hand in a real, migrated database: six calls and everything that they must have caused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from chaos.claims import EVENTS, SERVICES
from chaos.oracle import Promise
from chassis.ids import new_id
from chassis.migrate import migrate
from chassis.settings import MigrateSettings
from followup_svc.store import tables as followup
from intake_svc.store import tables as intake
from mediation_svc.store import tables as mediation
from triage_svc.store import tables as triage

AT = datetime(2026, 11, 25, 1, 30, tzinfo=UTC)
OFFICE = "310109010-SFS"
METADATA = {
    "intake": intake.metadata,
    "triage": triage.metadata,
    "mediation": mediation.metadata,
    "followup": followup.metadata,
}


async def migrate_all(url: str, folder: Path) -> None:
    for role in ("owner", "app"):
        (folder / f"{role}-password").write_text("laid-by-hand")
    settings = MigrateSettings(
        database_admin_url=url,
        owner_password_file=folder / "owner-password",
        app_password_file=folder / "app-password",
    )
    for service, metadata in METADATA.items():
        await asyncio.wait_for(migrate(settings, service, metadata), 60)


@dataclass
class Dispute:
    """One referral: its id, and in which service's stream which events stand, in order."""

    referral_id: UUID = field(default_factory=new_id)
    streams: dict[str, list[UUID]] = field(default_factory=dict)

    def head(self, service: str) -> int:
        return len(self.streams.get(service, ()))


@dataclass
class SmallRoad:
    """`lay` writes it; `promises` is what the clients of its calls were told."""

    connection: asyncpg.Connection
    promises: list[Promise] = field(default_factory=list)

    async def lay(self) -> None:
        """Two disputes dispatched, a third call joining the first, one under review, one call with the police."""
        for number in (1, 2):
            dispute = Dispute()
            await self._open(dispute, f"call-{number}")
            if number == 1:
                await self._link(dispute, "call-3")
            await self._dispatch(dispute, calls=2 if number == 1 else 1)
            await self._settle(dispute)
        waiting = Dispute()
        await self._open(waiting, "call-4")
        await self._judge(waiting, state="under_review", calls=1)
        await self._note(waiting, calls=1)
        await self._settle(waiting)
        await self._call(new_id(), "call-5", "retained_by_police")

    async def _open(self, dispute: Dispute, call_no: str) -> None:
        call_id = await self._call(dispute.referral_id, call_no, "referred")
        await self._event(dispute, "opened", body={"call_id": str(call_id)}, cause=call_id)

    async def _link(self, dispute: Dispute, call_no: str) -> None:
        call_id = await self._call(new_id(), call_no, "linked", linked_to=dispute.referral_id)
        await self._event(dispute, "linked", body={"call_id": str(call_id), "call_no": call_no}, cause=call_id)

    async def _dispatch(self, dispute: Dispute, *, calls: int) -> None:
        await self._judge(dispute, state="dispatched", calls=calls)
        opened = dispute.streams["intake"][0]
        await self._event(
            dispute, "dispatched", body={"office": {"code": OFFICE}, "hop": 1}, cause=opened, after={"intake": calls}
        )
        await self._note(dispute, calls=calls)
        await self._execute(
            """UPDATE mediation.mirror SET state = 'dispatched', hop = 1, office_code = $2, dispatched_at = $3
               WHERE referral_id = $1""",
            dispute.referral_id, OFFICE, AT,
        )  # fmt: skip
        await self._execute(
            "INSERT INTO followup.watch VALUES ($1, 'watching', 1, $2, 1, $3)", dispute.referral_id, AT, OFFICE
        )
        dispatched = dispute.streams["triage"][1]
        told = {"intake": calls, "triage": 2}
        await self._event(dispute, "watch_opened", body={"cycle": 1}, cause=dispatched, after=told)

    async def _judge(self, dispute: Dispute, *, state: str, calls: int) -> None:
        hop, office = (1, OFFICE) if state == "dispatched" else (0, None)
        await self._execute(
            """INSERT INTO triage.referral (referral_id, state, category, grade, needs_review, office_code, hop,
                   responsible_code, opened_at, calls, duplicates, repeats)
               VALUES ($1, $2, 'neighbour', 'blue', false, $3, $4, '310109-ZHZX', $5, $6, 0, 0)""",
            dispute.referral_id, state, office, hop, AT, calls,
        )  # fmt: skip
        await self._event(dispute, "classified", cause=dispute.streams["intake"][0], after={"intake": calls})

    async def _note(self, dispute: Dispute, *, calls: int) -> None:
        await self._execute(
            "INSERT INTO mediation.mirror (referral_id, state, opened_at, calls, hop) VALUES ($1, 'noted', $2, $3, 0)",
            dispute.referral_id, AT, calls,
        )  # fmt: skip
        await self._execute(
            "INSERT INTO followup.noted (referral_id, opened_at, calls) VALUES ($1, $2, $3)",
            dispute.referral_id, AT, calls,
        )  # fmt: skip

    async def _settle(self, dispute: Dispute) -> None:
        """Every other service has applied every stream to its end."""
        for producer, events in dispute.streams.items():
            await self._execute(
                f"INSERT INTO {producer}.stream VALUES ($1, $2, $3, $4)",
                dispute.referral_id,
                len(events),
                events[-1],
                AT,
            )
            for consumer in SERVICES:
                if consumer != producer:
                    await self._execute(
                        f"INSERT INTO {consumer}.stream_pos VALUES ('acting', $1, $2, $3, $4)",
                        producer, dispute.referral_id, len(events), events[-1],
                    )  # fmt: skip

    async def _event(
        self,
        dispute: Dispute,
        name: str,
        *,
        cause: UUID,
        body: Mapping[str, Any] | None = None,
        after: Mapping[str, int] | None = None,
    ) -> None:
        service, event_type = EVENTS[name]
        event_id = new_id()
        dispute.streams.setdefault(service, []).append(event_id)
        headers = {"ce_after": ",".join(f"{who}:{n}" for who, n in (after or {}).items())}
        await self._execute(
            f"INSERT INTO {service}.event_log VALUES ($1, $2, $3, $4, $5, $6, $7)",
            event_id, dispute.referral_id, dispute.head(service), event_type, cause,
            json.dumps(headers), json.dumps(body or {}),
        )  # fmt: skip

    async def _call(self, referral_id: UUID, call_no: str, state: str, *, linked_to: UUID | None = None) -> UUID:
        call_id, version_id = new_id(), new_id()
        promise = Promise("hongkou-110", call_no, call_id, referral_id, f"LD-{call_no}")
        await self._execute(
            """INSERT INTO intake.call (call_id, source, call_no, referral_id, tracking_code, state, version,
                   version_id, content_hash, reported_at, linked_to, link_kind)
               VALUES ($1, $2, $3, $4, $5, $6, 1, $7, '', $8, $9, $10)""",
            call_id, promise.source, call_no, referral_id, promise.tracking_code, state, version_id, AT, linked_to,
            "duplicate" if linked_to else None,
        )  # fmt: skip
        await self._execute(
            """INSERT INTO intake.call_version (version_id, call_id, version, kind, content_hash)
               VALUES ($1, $2, 1, 'current', '')""",
            version_id, call_id,
        )  # fmt: skip
        await self._execute("INSERT INTO intake.vault VALUES ($1, '')", version_id)
        self.promises.append(promise)
        return call_id

    async def _execute(self, statement: str, *arguments: Any) -> None:
        await self.connection.execute(statement, *arguments)
