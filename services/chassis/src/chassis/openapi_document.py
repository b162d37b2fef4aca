"""A service's OpenAPI document without a running service: nothing is connected, opened or read from outside."""

import base64
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI

from chassis.settings import ServiceSettings

_NO_PREFIX = "LIANDONG_DOCUMENT_"  # no variable of the environment may change what is committed


def print_openapi(make_api: Callable[[Any], FastAPI]) -> int:
    """Sorted, so that it changes only where the API does. `make_api` names the class of its settings."""
    with tempfile.TemporaryDirectory() as folder:
        app = make_api(_settings(get_type_hints(make_api)["settings"], Path(folder)))
        document = app.openapi()
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
    return 0


def _settings(kind: type[ServiceSettings], folder: Path) -> ServiceSettings:
    """Complete and of no use: keys made on the spot, addresses where nothing listens."""
    key = base64.b64encode(bytes(32)).decode()
    public = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    files = {
        "token_public_key": public.decode(),
        "service_token": "none",
        "keyring": json.dumps({"active": "k1", "keys": {"k1": key}}),
        "index_key": key,
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    paths: dict[str, Any] = {f"{name}_file": folder / name for name in files}
    return kind(
        _env_prefix=_NO_PREFIX,
        database_url="postgresql://nobody@127.0.0.1:1/none",
        kafka_bootstrap_servers="127.0.0.1:1",
        http_port=1,
        **paths,
    )
