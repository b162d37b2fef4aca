"""The OpenAPI document as bytes, put together once: it is large, open to everybody, and asked for again and again."""

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def say_once(app: FastAPI) -> None:
    """Before the framework's own route, which writes the whole document anew for each who asks."""
    said: list[bytes] = []

    async def document(_: Request) -> Response:
        if not said:
            said.append(orjson.dumps(app.openapi()))
        return Response(said[0], media_type="application/json")

    app.router.routes.insert(0, Route("/openapi.json", document, include_in_schema=False))
