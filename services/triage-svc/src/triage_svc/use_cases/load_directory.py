"""A directory file becomes the directory that referrals are routed by."""

from pathlib import Path

from chassis.database import Database

from triage_svc.store.directory_file import DirectoryFile, read_directory_file
from triage_svc.store.directory_loading import store_directory


async def load_directory_file(path: Path, database: Database) -> tuple[DirectoryFile, bool]:
    """The file, and whether anything changed. Raises DirectoryRefused with every fault; then nothing has changed."""
    file = read_directory_file(path)
    async with database.transaction() as connection:
        return file, await store_directory(connection, file)
