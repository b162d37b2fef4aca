"""What alembic runs for every service. All it needs comes from `chassis.migrate`; there is no ini file."""

from alembic import context

_given = context.config.attributes

context.configure(
    connection=_given["connection"],
    target_metadata=_given["metadata"],
    version_table_schema=_given["schema"],
    include_schemas=True,
    transaction_per_migration=True,
)

with context.begin_transaction():
    context.run_migrations()
