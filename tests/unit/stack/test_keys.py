"""What is minted for a local stack: private files, and tokens that say who, what and where."""

from __future__ import annotations

from pathlib import Path

import jwt
import pytest
from stack.keys import mint

NAMES_OF_THE_CONTRACT = {
    "dispatch": "source_system",
    "police": "police_officer",
    "screener": "screener",
    "dispatcher": "dispatcher",
    "clerk": "office_clerk",
    "mediator": "mediator",
    "visitor": "visitor",
    "supervisor": "bureau_supervisor",
    "ops": "ops",
    "auditor": "auditor",
    "partner": "partner",
    "feed": "source_system",
}


def claims_of(token: str, folder: Path) -> dict[str, object]:
    public = (folder / "token-public.pem").read_text()
    return jwt.decode(token, public, algorithms=["EdDSA"], audience="liandong", issuer="liandong-local")


@pytest.mark.parametrize(("name", "role"), NAMES_OF_THE_CONTRACT.items())
def test_each_name_of_the_contract_has_a_signed_token_with_its_role(name: str, role: str, tmp_path: Path) -> None:
    claims = claims_of(mint(tmp_path).tokens()[name], tmp_path)
    assert claims["roles"] == [role]
    assert str(claims["scope_path"]).startswith("31")


def test_a_system_is_bound_to_one_source_and_a_person_to_none(tmp_path: Path) -> None:
    tokens = mint(tmp_path).tokens()
    sources = {name: claims_of(token, tmp_path).get("source") for name, token in tokens.items()}
    assert {name: source for name, source in sources.items() if source} == {"dispatch": "hongkou-110", "feed": "feed"}


def test_each_service_has_a_token_of_its_own_for_its_peers(tmp_path: Path) -> None:
    keys = mint(tmp_path)
    claims = claims_of(keys.service_token_file("mediation").read_text(), tmp_path)
    assert (claims["sub"], claims["roles"]) == ("mediation-svc", ["service"])


def test_minting_again_keeps_keys_and_passwords(tmp_path: Path) -> None:
    mint(tmp_path)
    before = {file.name: file.read_text() for file in tmp_path.iterdir() if not file.name.endswith("-token")}
    mint(tmp_path)
    assert {name: (tmp_path / name).read_text() for name in before} == before
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
