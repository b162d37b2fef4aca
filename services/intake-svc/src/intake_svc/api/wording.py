"""How fields of the API are described: Chinese first, English after, with an example."""

from typing import Any

from pydantic import Field


def says(zh: str, en: str, example: object, **limits: Any) -> Any:
    return Field(description=f"{zh}。{en}.", examples=[example], **limits)
