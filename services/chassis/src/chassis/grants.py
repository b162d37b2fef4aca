"""What the serving role may do: everything with the state, only add to what must stay as it was written."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

APPEND_ONLY = frozenset({"event_log", "notice", "audit", "audit_block", "command_key"})
STAMPED = frozenset({"audit"})
"""Here the columns that have defaults (when, in which transaction) are the database's to fill, and nobody else's."""
_ROOTS = text(
    """
    WITH RECURSIVE family AS (
        SELECT c.oid, c.relname, c.relname AS root
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = :schema AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        UNION ALL
        SELECT c.oid, c.relname, family.root
          FROM family JOIN pg_inherits i ON i.inhparent = family.oid JOIN pg_class c ON c.oid = i.inhrelid
    )
    SELECT relname, root,
           (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = family.oid AND attnum > 0 AND NOT attisdropped AND NOT atthasdef) AS given
      FROM family ORDER BY relname
    """
)


async def grant_statements(connection: AsyncConnection, service: str) -> list[str]:
    """Statements for `<service>_app` on all tables there are now. Run them as the owner, in one transaction."""
    tables = [(row.relname, row.root, row.given) for row in await connection.execute(_ROOTS, {"schema": service})]
    return [*_on_schema(service), *_on_tables(service, tables)]


def _on_schema(service: str) -> Iterable[str]:
    app = f"{service}_app"
    yield f"GRANT USAGE ON SCHEMA {service} TO {app}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {service} TO {app}"
    yield f"GRANT EXECUTE ON ALL ROUTINES IN SCHEMA {service} TO {app}"
    # Tables that appear later are partitions of the log: they may be added to, no more, until migrate says otherwise.
    yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA {service} GRANT SELECT, INSERT ON TABLES TO {app}"
    yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA {service} GRANT USAGE, SELECT ON SEQUENCES TO {app}"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {service} FROM {app}"


def _on_tables(service: str, tables: Iterable[tuple[str, str, str]]) -> Iterable[str]:
    for table, root, given in tables:
        if root == "alembic_version":
            rights = "SELECT"
        elif root in STAMPED:
            rights = f"SELECT, INSERT ({given})"
        elif root in APPEND_ONLY:
            rights = "SELECT, INSERT"
        else:
            rights = "SELECT, INSERT, UPDATE, DELETE"
        yield f'GRANT {rights} ON {service}."{table}" TO {service}_app'
