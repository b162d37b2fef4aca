"""Puts a directory file into the database, whole or not at all."""

import asyncpg

from triage_svc.domain.directory import RelationKind
from triage_svc.domain.directory_faults import find_faults
from triage_svc.domain.errors import DirectoryRefused
from triage_svc.store.directory_file import DirectoryFile
from triage_svc.store.tables import SCHEMA

_LOCK = 0x64697265  # one load at a time


async def store_directory(connection: asyncpg.Connection, file: DirectoryFile) -> bool:
    """Puts the file's rows in place of what its dataset held; False when exactly this file already stands.

    Inside the caller's transaction. Raises DirectoryRefused where rows point at nothing, or where another dataset
    still needs what this file no longer has.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    if file.fingerprint == await _fingerprint(connection, file.dataset):
        return False
    await _check_against_others(connection, file)
    await connection.execute(f"DELETE FROM {SCHEMA}.relation WHERE dataset = $1", file.dataset)
    await _put_areas(connection, file)
    await _put_organisations(connection, file)
    await _drop_what_is_gone(connection, file)
    await _put_relations(connection, file)
    await connection.execute(
        f"INSERT INTO {SCHEMA}.directory_version (dataset, label, fingerprint, is_sample) VALUES ($1, $2, $3, $4)",
        file.dataset,
        file.label,
        file.fingerprint,
        file.is_sample,
    )
    return True


async def _fingerprint(connection: asyncpg.Connection, dataset: str) -> str | None:
    found: str | None = await connection.fetchval(
        f"SELECT fingerprint FROM {SCHEMA}.directory_version WHERE dataset = $1 ORDER BY n DESC LIMIT 1", dataset
    )
    return found


async def _check_against_others(connection: asyncpg.Connection, file: DirectoryFile) -> None:
    """What other datasets hold may be pointed at, and may not be taken over."""
    areas, codes = await _held(connection, "area", file.dataset), await _held(connection, "organisation", file.dataset)
    taken = [
        f"{section} {code}: 已属另一数据集，请改代码 · belongs to another dataset, change the code"
        for section, own, others in (
            ("areas", [one.code for one in file.areas], areas),
            ("organisations", [one.code for one in file.organisations], codes),
        )
        for code in own
        if code in others
    ]
    dangling = find_faults(file.areas, file.organisations, file.relations, known_areas=areas, known_codes=codes)
    if faults := taken + dangling:
        raise DirectoryRefused(faults)


async def _held(connection: asyncpg.Connection, table: str, dataset: str) -> frozenset[str]:
    rows = await connection.fetch(f"SELECT code FROM {SCHEMA}.{table} WHERE dataset <> $1", dataset)
    return frozenset(row["code"] for row in rows)


async def _put_areas(connection: asyncpg.Connection, file: DirectoryFile) -> None:
    await connection.executemany(
        f"""INSERT INTO {SCHEMA}.area (code, dataset, name, aliases) VALUES ($1, $2, $3, $4)
            ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, aliases = EXCLUDED.aliases""",
        [(one.code, file.dataset, one.name, list(one.aliases)) for one in sorted(file.areas, key=lambda one: one.code)],
    )


async def _put_organisations(connection: asyncpg.Connection, file: DirectoryFile) -> None:
    await connection.executemany(
        f"""INSERT INTO {SCHEMA}.organisation (code, dataset, kind, name, area_code, valid_from, valid_to, sources)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (code) DO UPDATE SET kind = EXCLUDED.kind, name = EXCLUDED.name,
                area_code = EXCLUDED.area_code, valid_from = EXCLUDED.valid_from, valid_to = EXCLUDED.valid_to,
                sources = EXCLUDED.sources""",
        [
            (
                one.code,
                file.dataset,
                one.kind,
                one.name,
                one.area_code,
                one.period.valid_from,
                one.period.valid_to,
                list(one.sources),
            )
            for one in sorted(file.organisations, key=lambda one: one.code)
        ],
    )


async def _drop_what_is_gone(connection: asyncpg.Connection, file: DirectoryFile) -> None:
    """The dataset's own relations are gone already: what still holds a row back is another dataset."""
    for table, codes in (
        ("organisation", [one.code for one in file.organisations]),
        ("area", [one.code for one in file.areas]),
    ):
        try:
            await connection.execute(
                f"DELETE FROM {SCHEMA}.{table} WHERE dataset = $1 AND code <> ALL ($2)", file.dataset, codes
            )
        except asyncpg.ForeignKeyViolationError as error:
            raise DirectoryRefused(
                [
                    f"{table}: 另一数据集仍引用本文件已删去的一行，请保留该行并写 valid_to"
                    f" · another dataset still needs a row that is gone, keep it and give it valid_to: {error.detail}"
                ]
            ) from None


async def _put_relations(connection: asyncpg.Connection, file: DirectoryFile) -> None:
    rows = [
        (
            one.kind,
            one.from_code,
            one.to_code,
            None if one.kind is RelationKind.COVERS else one.to_code,
            one.to_code if one.kind is RelationKind.COVERS else None,
            file.dataset,
            one.period.valid_from,
            one.period.valid_to,
            sorted(one.classes),
        )
        for one in file.relations
    ]
    await connection.executemany(
        f"""INSERT INTO {SCHEMA}.relation
            (kind, from_code, to_code, to_organisation, to_area, dataset, valid_from, valid_to, classes)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        sorted(rows, key=lambda row: (row[0], row[1], row[2], row[6])),
    )
