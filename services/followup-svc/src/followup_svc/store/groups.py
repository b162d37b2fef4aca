"""The rows of one table that belong to a referral, loaded together, written back where they differ."""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar
from uuid import UUID

from chassis.delivery import Rows

V = TypeVar("V")


class Groups(Generic[V]):
    """Over a `Rows` of tuples: what a handler puts is undone with everything else it did."""

    def __init__(self, rows: Rows[UUID, tuple[V, ...]], key: Callable[[V], Any], owner: Callable[[V], UUID]) -> None:
        self._rows, self._key, self._owner = rows, key, owner
        self._before: dict[Any, V] = {}

    def load(self, values: Iterable[V]) -> None:
        by_referral: dict[UUID, list[V]] = {}
        for value in values:
            by_referral.setdefault(self._owner(value), []).append(value)
            self._before[self._key(value)] = value
        for referral_id, group in by_referral.items():
            self._rows.load(referral_id, tuple(group))

    def of(self, referral_id: UUID) -> tuple[V, ...]:
        return self._rows.find(referral_id) or ()

    def find(self, referral_id: UUID, key: Any) -> V | None:
        return next((value for value in self.of(referral_id) if self._key(value) == key), None)

    def put(self, value: V) -> None:
        """In the place of the one with its key, else at the end."""
        referral_id, key = self._owner(value), self._key(value)
        present = self.of(referral_id)
        if any(self._key(one) == key for one in present):
            self._rows.put(referral_id, tuple(value if self._key(one) == key else one for one in present))
        else:
            self._rows.put(referral_id, (*present, value))

    def changed(self) -> list[V]:
        """In the order of their keys, as multi-row statements must be."""
        every = (value for group in self._rows.changed().values() for value in group)
        return sorted((value for value in every if self._before.get(self._key(value)) != value), key=self._key)
