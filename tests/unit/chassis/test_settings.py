from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from chassis.settings import MigrateSettings, ServiceSettings, SettingsError
from support.tokens import Issuer


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


def put(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_settings_come_from_the_variables_of_their_prefix(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, issuer.environment("TRIAGE_", PEERS='{"intake": "http://127.0.0.1:8101"}', GAP_SECONDS="2"))
    monkeypatch.setenv("INTAKE_HTTP_PORT", "9")

    settings = ServiceSettings.load("TRIAGE_")

    assert settings.http_port == settings.wake_port == 8101
    assert settings.peers == {"intake": "http://127.0.0.1:8101"}
    assert (settings.gap_seconds, settings.compare_seconds, settings.pool_size) == (2, 60, 8)
    assert settings.service_token.count(".") == 2
    assert settings.keyring.open(settings.keyring.seal(b"x", b"place"), b"place") == b"x"
    assert len(settings.index_key) == 32


@pytest.mark.parametrize(
    "missing",
    [
        "DATABASE_URL",
        "KAFKA_BOOTSTRAP_SERVERS",
        "HTTP_PORT",
        "TOKEN_PUBLIC_KEY_FILE",
        "SERVICE_TOKEN_FILE",
        "KEYRING_FILE",
    ],
)
def test_a_missing_variable_stops_the_start_and_is_named(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    variables = issuer.environment("INTAKE_")
    del variables[f"INTAKE_{missing}"]
    put(monkeypatch, variables)

    with pytest.raises(SettingsError, match=f"INTAKE_{missing}: Field required"):
        ServiceSettings.load("INTAKE_")


@pytest.mark.parametrize("file", ["TOKEN_PUBLIC_KEY_FILE", "SERVICE_TOKEN_FILE", "KEYRING_FILE", "INDEX_KEY_FILE"])
@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_secret_file_that_is_absent_or_empty_stops_the_start(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, file: str, content: str | None
) -> None:
    path = issuer.folder / "secret"
    if content is not None:
        path.write_text(content)
    put(monkeypatch, issuer.environment("INTAKE_", **{file: str(path)}))

    with pytest.raises(SettingsError, match=f"INTAKE_{file}: "):
        ServiceSettings.load("INTAKE_")


@pytest.mark.parametrize(
    "text",
    ["no json", '{"active": "k2", "keys": {"k1": "AAAA"}}', '{"active": "k1", "keys": {"k1": "c2hvcnQ="}}', "[]"],
)
def test_a_broken_keyring_stops_the_start_and_is_not_quoted(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (issuer.folder / "keyring.json").write_text(text)
    put(monkeypatch, issuer.environment("INTAKE_"))

    with pytest.raises(SettingsError, match="INTAKE_KEYRING_FILE") as caught:
        ServiceSettings.load("INTAKE_")
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PEERS", "{not json"), ("HTTP_PORT", "secret-in-the-wrong-place"), ("GAP_SECONDS", "0"), ("LOG_LEVEL", "loud")],
)
def test_a_wrong_value_is_named_and_not_quoted(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    put(monkeypatch, issuer.environment("INTAKE_", **{name: value}))

    with pytest.raises(SettingsError, match=f"INTAKE_{name}") as caught:
        ServiceSettings.load("INTAKE_")
    assert value not in str(caught.value).replace("greater than 0", "")


def test_a_calendar_file_outranks_what_the_package_knows(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = issuer.folder / "calendar.yaml"
    file.write_text("version: cn-2027.1\ndays: {2027-01-04: off}\n")
    put(monkeypatch, issuer.environment("TRIAGE_", CALENDAR_FILE=str(file), DEMO="1"))

    settings = ServiceSettings.load("TRIAGE_")

    assert settings.demo
    assert settings.calendar.source_of(date(2027, 1, 4)) == "override"
    assert not settings.calendar.is_workday(date(2027, 1, 4))
    assert not issuer.settings().demo
    assert issuer.settings().calendar.source_of(date(2027, 1, 4)) == "weekends"


@pytest.mark.parametrize("content", [None, "", "version: cn-2027.1\n", "days: [1]\nversion: x\n"])
def test_a_broken_calendar_stops_the_start(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    file = issuer.folder / "calendar.yaml"
    if content is not None:
        file.write_text(content)
    put(monkeypatch, issuer.environment("TRIAGE_", CALENDAR_FILE=str(file)))

    with pytest.raises(SettingsError, match="TRIAGE_CALENDAR_FILE: "):
        ServiceSettings.load("TRIAGE_")


def test_settings_cannot_be_changed_and_do_not_show_the_password(issuer: Issuer) -> None:
    settings = issuer.settings(DATABASE_URL="postgresql://intake_app:hunter2@127.0.0.1/liandong")

    with pytest.raises(ValueError, match="frozen"):
        settings.http_port = 1  # type: ignore[misc]
    assert "hunter2" not in repr(settings) + str(settings)


def test_migrate_needs_the_administrators_address_and_both_passwords(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTAKE_DATABASE_ADMIN_URL", "postgresql://postgres:hunter2@127.0.0.1/postgres")
    monkeypatch.setenv("INTAKE_OWNER_PASSWORD_FILE", str(tmp_path / "owner"))

    with pytest.raises(SettingsError, match="INTAKE_APP_PASSWORD_FILE: Field required"):
        MigrateSettings.load("INTAKE_")
