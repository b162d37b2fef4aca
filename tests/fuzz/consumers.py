"""The four services' consumers over one real database, fed with records instead of a broker's: their own loop reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import followup_svc.events
import followup_svc.store.tables
import intake_svc.events
import intake_svc.store.tables
import mediation_svc.events
import mediation_svc.store.tables
import triage_svc.events
import triage_svc.store.tables
from aiokafka.structs import ConsumerRecord
from chassis.delivery import Contracts
from chassis.delivery.consuming import ConsumerLoop
from chassis.workdays import load_calendar
from intake_svc.main import work_maker
from intake_svc.rules.loading import load_rules
from support.consumers import Consumer, a_consumer
from support.mediation_desk import MAKE_WORK as MEDIATION_WORK
from support.watching import make_work as followup_work
from triage_svc.cli import sample_directory
from triage_svc.publishing import PUBLISH as TRIAGE_PUBLISH
from triage_svc.rules.loading import load_rulebook
from triage_svc.store.directories import CurrentDirectory
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.load_directory import load_directory_file

BATCH = 100


class AllRead(Exception):
    """There is nothing more."""


@dataclass
class FedReader:
    """Stands where the broker's reader stands."""

    records: Sequence[ConsumerRecord]
    done: list[ConsumerRecord] = field(default_factory=list)
    on_revoked: Any = None
    _at: int = 0

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        return

    async def fetch(self, *, can_wait: Callable[[ConsumerRecord], bool] = lambda _: False) -> Sequence[ConsumerRecord]:
        """Asks of each whether it can wait, as the real one does before anybody has looked at it."""
        batch = self.records[self._at : self._at + BATCH]
        self._at += BATCH
        if not batch:
            raise AllRead
        assert {can_wait(record) for record in batch} <= {True, False}
        return batch

    def mark_done(self, records: Iterable[ConsumerRecord]) -> None:
        self.done += records

    def commit_soon(self) -> None:
        return


@dataclass(frozen=True)
class Fed:
    """One service's consumer."""

    name: str
    contracts: Contracts
    consumer: Consumer

    @property
    def topics(self) -> list[str]:
        return sorted(self.contracts.producers)

    async def read(self, records: Sequence[ConsumerRecord]) -> FedReader:
        """As its worker's loop does; raises what would end the worker."""
        reader: Any = FedReader(records)
        loop = ConsumerLoop(reader, self.consumer.applier, self.contracts)
        with suppress(AllRead):
            await loop.run()
        fed: FedReader = reader
        return fed


@asynccontextmanager
async def four_consumers(database_url: str, folder: Path) -> AsyncIterator[dict[str, Fed]]:
    rules, calendar = load_rules(), load_calendar()
    triage_work = partial(
        TriageWork, rules=load_rulebook(), current=CurrentDirectory(check_seconds=0), publish=TRIAGE_PUBLISH,
        calendar=calendar,
    )  # fmt: skip
    kinds: dict[str, tuple[Any, Any, Any]] = {
        "intake": (intake_svc, intake_svc.events.handlers(rules.desk.sources), work_maker(rules, calendar)),
        "triage": (triage_svc, triage_svc.events.HANDLERS, triage_work),
        "mediation": (mediation_svc, mediation_svc.events.HANDLERS, MEDIATION_WORK),
        "followup": (followup_svc, followup_svc.events.HANDLERS, followup_work),
    }
    async with AsyncExitStack() as held:
        made = {}
        for name, (package, handlers, make_work) in kinds.items():
            own = folder / name
            own.mkdir()
            contracts, metadata = package.events.CONTRACTS, package.store.tables.metadata
            consumer = await held.enter_async_context(
                a_consumer(name, metadata, contracts, handlers, make_work, database_url=database_url, folder=own)
            )
            made[name] = Fed(name, contracts, consumer)
        await load_directory_file(sample_directory(), made["triage"].consumer.database)
        yield made
