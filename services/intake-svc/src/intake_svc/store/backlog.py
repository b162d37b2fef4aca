"""How many calls wait to be screened: looked at once a second, by one request, while the others go on."""

import time

from chassis.database import Database

_COUNT = "SELECT count(*) FROM (SELECT 1 FROM intake.call WHERE state = 'received' LIMIT $1) waiting"
_FRESH_SECONDS = 1.0


class Backlog:
    def __init__(self, database: Database, *, limit: int) -> None:
        self._database, self._limit = database, limit
        self._waiting = 0
        self._looked_at = float("-inf")

    async def is_full(self) -> bool:
        now = time.monotonic()
        if now - self._looked_at >= _FRESH_SECONDS:
            self._looked_at = now  # whoever comes meanwhile goes by the last figure
            async with self._database.connection() as connection:
                self._waiting = await connection.fetchval(_COUNT, self._limit)
        return self._waiting >= self._limit
