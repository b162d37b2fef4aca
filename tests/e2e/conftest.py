"""One stack for all tests of this folder, since starting it costs more than most of them; it ends with the last."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from stack.launch import running_stack
from stack.layout import Layout
from stack.ports import Ports
from support.live import TESTED, LiveStack


@pytest.fixture(scope="package")
async def live(test_folder: Path) -> AsyncIterator[LiveStack]:
    async with running_stack(Layout(test_folder / "e2e", Ports.free()), overrides={"*": TESTED}) as stack:
        yield LiveStack(stack)
