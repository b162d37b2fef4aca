"""One statement that writes many rows of one table, new or changed, in the order of their key."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import asyncpg

from followup_svc.store.tables import SCHEMA


class BelongsToAnother(asyncpg.IntegrityConstraintViolationError):
    """A row under this key is there, and is another referral's: an event may not take it over."""


class Upsert:
    """`columns` with their PostgreSQL types, the key's first; json columns are given as text.

    A row that is there keeps its referral; raises BelongsToAnother where another one would have it.
    """

    def __init__(self, table: str, columns: Mapping[str, str], *, key: int) -> None:
        self._table = table
        names, keys = list(columns), list(columns)[:key]
        arrays = ", ".join(
            f"${place}::{'text' if kind == 'json' else kind}[]" for place, kind in enumerate(columns.values(), 1)
        )
        values = ", ".join(f"{name}::json" if columns[name] == "json" else name for name in names)
        updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in names[key:])
        is_owned = "referral_id" in names[key:]
        only = f"WHERE {table}.referral_id = EXCLUDED.referral_id" if is_owned else ""
        self._statement = f"""
            INSERT INTO {SCHEMA}.{table} ({", ".join(names)})
            SELECT {values} FROM unnest({arrays}) AS t({", ".join(names)}) ORDER BY {", ".join(keys)}
            ON CONFLICT ({", ".join(keys)}) DO UPDATE SET {updates} {only}
        """

    async def write(self, connection: asyncpg.Connection, rows: Collection[Sequence[Any]]) -> None:
        if rows:
            told = await connection.execute(self._statement, *map(_column, zip(*rows, strict=True)))
            if int(told.rpartition(" ")[2]) != len(rows):
                raise BelongsToAnother(self._table)


def _column(values: tuple[Any, ...]) -> list[Any] | None:
    """`unnest` fills up with nulls: where nothing else stands, nothing need be handed over. A key is never null."""
    return None if all(value is None for value in values) else list(values)
