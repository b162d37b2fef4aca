"""The vault: bodies as they came, sealed. What a person said or is called stands here and nowhere else."""

from typing import Any
from uuid import UUID

import orjson
from chassis.sealing import Keyring


class Vault:
    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, version_id: UUID, body: bytes) -> bytes:
        return self._keyring.seal(body, _place(version_id))

    def open(self, version_id: UUID, sealed: bytes) -> dict[str, Any]:
        """The fields of the body; raises CannotOpen when the row was moved, changed, or sealed with a lost key."""
        fields = orjson.loads(self._keyring.open(sealed, _place(version_id)))
        return {name: value for name, value in fields.items() if value is not None}


def _place(version_id: UUID) -> bytes:
    return b"intake.vault.sealed/" + version_id.bytes
