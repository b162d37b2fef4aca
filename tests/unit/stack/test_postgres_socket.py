"""When our own PostgreSQL is reached by its socket, and when by its port."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url
from stack import postgres

BY_PORT = postgres.url_of(15432, "s&cret :@", user="intake_app")


def command_for(folder: Path) -> str:
    return next(word for word in postgres.command(Path("/d"), 15432, folder) if word.startswith("unix_socket_dir"))


@pytest.mark.parametrize("folder", [Path("/srv/liandong/.local/run"), Path("/home/李 雷/联动/.local/run")])
def test_a_socket_is_named_with_the_same_role_password_and_database(folder: Path) -> None:
    url = make_url(postgres.by_socket(BY_PORT, folder, 15432))
    assert (url.username, url.password, url.database) == ("intake_app", "s&cret :@", postgres.DATABASE)
    assert url.host in (None, "")
    assert dict(url.query) == {"host": str(folder), "port": "15432"}
    assert command_for(folder) == f"unix_socket_directories={folder}"


@pytest.mark.parametrize(
    "folder", [Path("/srv") / ("deep" * 20), Path("/srv/one,two"), Path("/srv/a:b"), Path('/srv/"a"')]
)
def test_where_no_socket_can_be_the_port_is_used_and_none_is_asked_for(folder: Path) -> None:
    assert postgres.by_socket(BY_PORT, folder, 15432) == BY_PORT
    assert command_for(folder) == "unix_socket_directories="
