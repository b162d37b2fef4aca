"""Lines on the terminal while a long test runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def say_of(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Whatever is captured; nothing where the test's process has no terminal, as one of several has none."""
    plugins = request.config.pluginmanager
    reporter: Any = plugins.get_plugin("terminalreporter")
    capture: Any = plugins.get_plugin("capturemanager")

    def write(text: str) -> None:
        if reporter is not None:
            with capture.global_and_fixture_disabled():
                reporter.ensure_newline()
                reporter.write_line(text)

    return write
