"""Fixtures that every test may use: the real servers. And log lines of failures that are cheap to write."""

import pytest
import structlog
from support.stack import database, kafka_server, new_database, postgres_server, test_folder, used_database

__all__ = ["database", "kafka_server", "new_database", "postgres_server", "test_folder", "used_database"]


@pytest.fixture(autouse=True)
def _plain_log_lines() -> None:
    """structlog's own default draws every local of a traceback in a box.

    That takes seconds, some of them inside a transaction, which PostgreSQL ends after ten.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.set_exc_info,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
