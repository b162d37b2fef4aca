"""Fixtures that every test may use: the real servers. And log lines of failures that are cheap to write."""

from typing import Any

import pytest
import structlog
from support.stack import database, kafka_server, new_database, postgres_server, test_folder, used_database
from xdist.scheduler import LoadFileScheduling

__all__ = ["database", "kafka_server", "new_database", "postgres_server", "test_folder", "used_database"]


class OneWholeStack(LoadFileScheduling):  # type: ignore[misc]  # xdist is not typed
    """Tests of one file stay in one process, all of e2e in one: two whole stacks are more than two cores carry."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/e2e" if nodeid.startswith("tests/e2e/") else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneWholeStack:
    return OneWholeStack(config, log)


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
