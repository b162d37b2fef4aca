"""A small real HTTP server whose answers a test writes down: for what our services never do on demand."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, Any], dict[str, str]]


@contextmanager
def scripted(answer: Callable[[str, str, Any], Answer]) -> Iterator[str]:
    """`answer(method, path, body)` decides; yields the server's URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply(None)

        def do_POST(self) -> None:
            self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _reply(self, body: Any) -> None:
            status, payload, headers = answer(self.command, self.path, body)
            raw = json.dumps(payload).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(raw)), "Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            with contextlib.suppress(BrokenPipeError):  # who asked may have gone
                self.end_headers()
                self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            """Tests read answers, not access logs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
