"""Units of work for closings: each knows what the producers answered just before it opened."""

from collections.abc import Callable, Collection
from functools import partial

from chassis.commands import Commands
from chassis.database import Database
from chassis.delivery import Statements, Units
from chassis.sealing import Keyring
from chassis.workdays import Calendar

from followup_svc.domain.gate import HeadAsked
from followup_svc.rules.loading import Rulebook
from followup_svc.store.tables import SCHEMA
from followup_svc.store.work import FollowupWork


class ClosingCommands:
    """The same database and the same worker to wake as for any other command; only what is loaded differs."""

    def __init__(
        self, database: Database, statements: Statements, calendar: Calendar, rules: Rulebook,
        wake: Callable[[], None], *, keyring: Keyring,
    ) -> None:  # fmt: skip
        self._database, self._statements, self._wake, self._keyring = database, statements, wake, keyring
        self._calendar, self._rules = calendar, rules

    def asking(self, asked: Collection[HeadAsked]) -> Commands[FollowupWork]:
        return Commands(self.units(asked), SCHEMA)

    def units(self, asked: Collection[HeadAsked]) -> Units[FollowupWork]:
        make_work = partial(FollowupWork, calendar=self._calendar, rules=self._rules, asked=asked)
        return Units(self._database, self._statements, make_work, self._wake, keyring=self._keyring)
