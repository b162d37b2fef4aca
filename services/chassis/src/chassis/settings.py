"""What every service is told from outside. Read once, at the composition root, and passed down."""

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSettings

from chassis.sealing import Keyring, key_bytes
from chassis.workdays import Calendar, load_calendar


class SettingsError(Exception):
    """Names the variables that are missing or wrong; never quotes their values."""


class PrefixedSettings(BaseSettings):
    """Settings whose variables share a prefix, such as `INTAKE_`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    @classmethod
    def load(cls, prefix: str) -> Self:
        """Read the environment and every secret file; raise SettingsError when one is missing or unreadable."""
        try:
            settings = cls(_env_prefix=prefix)
        except ValidationError as error:
            raise SettingsError(_explain(prefix, error)) from None
        except UnreadableSettings as error:
            field = str(error).split('"')[1]  # error parsing value for field "peers" from source …
            raise SettingsError(f"{prefix}{field.upper()}: not valid JSON") from None
        settings._read_secrets(prefix)
        return settings

    def _read_secrets(self, prefix: str) -> None:
        for name in type(self).model_fields:
            path = getattr(self, name)
            if name.endswith("_file") and path is not None:
                _named(prefix + name.upper(), partial(read_secret, path))


class ServiceSettings(PrefixedSettings):
    """What `api` and `worker` of every service know. A service adds its own by subclassing."""

    database_url: str = Field(repr=False)
    kafka_bootstrap_servers: str
    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=1, le=65535)
    wake_port: int = Field(default_factory=lambda known: known["http_port"], ge=1, le=65535)

    metrics_port: int | None = Field(default=None, ge=1, le=65535)

    token_public_key_file: Path
    token_issuer: str = "liandong-local"  # noqa: S105  (a name, not a secret)
    token_audience: str = "liandong"  # noqa: S105
    service_token_file: Path
    keyring_file: Path
    index_key_file: Path | None = None
    peers: dict[str, str] = {}

    gap_seconds: float = Field(default=30, gt=0)
    compare_seconds: float = Field(default=60, gt=0)
    broker_check_seconds: float = Field(default=5, gt=0)
    session_seconds: float = Field(default=10, gt=0)
    delivery_limit_seconds: float = Field(default=10, gt=0)
    states_compare_seconds: float = Field(default=86_400, gt=0)
    pool_size: int = Field(default=8, ge=1)
    topic_replication: int = Field(default=1, ge=1)
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    failpoints_dir: Path | None = None
    calendar_file: Path | None = None
    demo: bool = False

    @cached_property
    def calendar(self) -> Calendar:
        """Read once: another file takes effect with a restart, which counts open clocks anew."""
        return load_calendar(self.calendar_file)

    @cached_property
    def token_public_key(self) -> str:
        return read_secret(self.token_public_key_file)

    @cached_property
    def service_token(self) -> str:
        """The bearer token of role `service` that this service shows its peers."""
        return read_secret(self.service_token_file)

    @cached_property
    def keyring(self) -> Keyring:
        return Keyring.parse(read_secret(self.keyring_file))

    @cached_property
    def index_key(self) -> bytes:
        if self.index_key_file is None:
            raise SettingsError("INDEX_KEY_FILE is not set, and this service needs it")
        key = key_bytes(read_secret(self.index_key_file))
        if len(key) < 32:
            raise ValueError("an index key has at least 32 bytes")
        return key

    def _read_secrets(self, prefix: str) -> None:
        super()._read_secrets(prefix)
        _named(f"{prefix}KEYRING_FILE", lambda: self.keyring)
        _named(f"{prefix}CALENDAR_FILE", lambda: self.calendar)
        if self.index_key_file is not None:
            _named(f"{prefix}INDEX_KEY_FILE", lambda: self.index_key)


class MigrateSettings(PrefixedSettings):
    """What `migrate` knows: an administrator's address, and the passwords its two roles are to have."""

    database_admin_url: str = Field(repr=False)
    owner_password_file: Path
    app_password_file: Path
    log_level: str = "info"


def read_secret(path: Path) -> str:
    """The file without the newline an editor leaves at its end; an empty file is no secret."""
    text = path.read_text(encoding="utf-8").rstrip("\r\n")
    if not text:
        raise ValueError("the file is empty")
    return text


def _named(variable: str, read: Callable[[], Any]) -> None:
    try:
        read()
    except OSError as error:
        raise SettingsError(f"{variable}: cannot read the file ({error.strerror})") from None
    except ValueError as error:
        raise SettingsError(f"{variable}: {error}") from None


def _explain(prefix: str, error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{prefix}{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in problems)
