"""A client that cannot reach its broker repeats itself 30 times a second; one line in a while says it as well."""

import logging
import threading
import time
from collections.abc import Callable


class RateLimit(logging.Filter):
    """Lets so many lines of these loggers through in each window; the next line then says how many were held back."""

    def __init__(
        self, prefix: str, *, lines: int, seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(prefix)
        self._lines, self._seconds, self._monotonic = lines, seconds, monotonic
        self._lock = threading.Lock()
        self._window_from = float("-inf")
        self._passed = self._held = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if not super().filter(record):
            return True  # somebody else's line
        with self._lock:
            now = self._monotonic()
            if now - self._window_from >= self._seconds:
                self._window_from, self._passed = now, 0
            if self._passed >= self._lines:
                self._held += 1
                return False
            self._passed += 1
            record.suppressed, self._held = self._held, 0
            return True
