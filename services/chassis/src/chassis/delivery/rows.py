"""The aggregates of one table that a transaction has loaded, with an undo per event."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Rows(Generic[K, V]):
    """Values are frozen: undoing is forgetting.

    What a handler puts stands apart until the runtime keeps it; a handler that raises leaves no trace.
    """

    def __init__(self, touched: list[Rows[Any, Any]]) -> None:
        """Puts itself among `touched` with the first row that is staged: most handlers touch few tables."""
        self._touched = touched
        self._loaded: dict[K, V] = {}
        self._kept: dict[K, V] = {}
        self._staged: dict[K, V] = {}

    def load(self, key: K, value: V) -> None:
        """For `Work.load` alone: what the table holds."""
        self._loaded[key] = value

    def find(self, key: K) -> V | None:
        for layer in (self._staged, self._kept, self._loaded):
            if layer and (found := layer.get(key)) is not None:
                return found
        return None

    def get(self, key: K) -> V:
        """Raises KeyError when neither the table nor this transaction has the row."""
        found = self.find(key)
        if found is None:
            raise KeyError(key)
        return found

    def put(self, key: K, value: V) -> None:
        if not self._staged:
            self._touched.append(self)
        self._staged[key] = value

    def keep(self) -> None:
        self._kept.update(self._staged)
        self._staged.clear()

    def forget(self) -> None:
        self._staged.clear()

    def changed(self) -> dict[K, V]:
        """What `Work.save` must write: every kept row, put or changed, once."""
        return self._kept
