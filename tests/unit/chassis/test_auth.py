from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import httpx
import jwt
import pytest
from chassis.auth import Caller, Verifier, covers, require
from chassis.problem_handlers import add_problem_handlers
from chassis.problems import Problem
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import Depends, FastAPI
from support.stack import eventually
from support.tokens import Issuer


def public_pem(key: Any) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


@pytest.fixture
def verifier(issuer: Issuer) -> Verifier:
    return Verifier(public_pem(issuer.private_key), issuer="liandong-local", audience="liandong")


def test_a_good_token_names_its_caller(issuer: Issuer, verifier: Verifier) -> None:
    token = issuer.token("ops", "auditor", sub="li", source="hongkou-110")

    assert verifier.verify(token) == Caller("li", frozenset({"ops", "auditor"}), "31/310109", "hongkou-110")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": int(time.time()) - 1}, "token_expired"),
        ({"exp": None}, "token_invalid"),
        ({"iss": "somebody-else"}, "token_invalid"),
        ({"iss": None}, "token_invalid"),
        ({"aud": "another"}, "token_invalid"),
        ({"aud": None}, "token_invalid"),
        ({"sub": None}, "token_invalid"),
        ({"sub": ""}, "token_invalid"),
        ({"sub": "a\x00b"}, "token_invalid"),
        ({"sub": "\ud800"}, "token_invalid"),
        ({"sub": "a" * 201}, "token_invalid"),
        ({"roles": ["ops", "a\nb"]}, "token_invalid"),
        ({"source": "a\x00b"}, "token_invalid"),
        ({"roles": None}, "token_invalid"),
        ({"roles": "ops"}, "token_invalid"),
        ({"roles": [1]}, "token_invalid"),
        ({"scope_path": None}, "token_invalid"),
        ({"scope_path": ""}, "token_invalid"),
        ({"scope_path": "31/"}, "token_invalid"),
        ({"scope_path": "31/../32"}, "token_invalid"),
        ({"source": 5}, "token_invalid"),
        ({"nbf": int(time.time()) + 86_400}, "token_invalid"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    issuer: Issuer, verifier: Verifier, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(Problem) as caught:
        verifier.verify(issuer.token("ops", **changes))
    assert (caught.value.status, caught.value.code) == (401, code)


def test_a_token_of_another_key_or_of_none_is_refused(issuer: Issuer, verifier: Verifier, tmp_path: Path) -> None:
    claims = jwt.decode(issuer.token("ops"), options={"verify_signature": False})
    public = public_pem(issuer.private_key)
    forged = [
        jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA"),
        jwt.encode(claims, "", algorithm="none"),
        jwt.api_jws.PyJWS().encode(b"{}", issuer.private_key, algorithm="EdDSA"),
        issuer.token("ops")[:-4] + "AAAA",
        "no.token.at-all",
        "",
        "王",
        "\udc80",
    ]
    signer = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    head, body = (jwt.utils.base64url_encode(part).decode() for part in (b'{"alg":"HS256","typ":"JWT"}', b"{}"))
    signature = jwt.utils.base64url_encode(signer.sign(f"{head}.{body}".encode(), public.encode())).decode()
    for token in [*forged, f"{head}.{body}.{signature}"]:
        with pytest.raises(Problem) as caught:
            verifier.verify(token)
        assert caught.value.code == "token_invalid"


def test_rsa_keys_of_proper_size_serve_and_other_keys_do_not() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = {"iss": "i", "aud": "a", "sub": "s", "roles": [], "scope_path": "31", "exp": int(time.time()) + 60}
    verifier = Verifier(public_pem(key), issuer="i", audience="a")

    assert verifier.verify(jwt.encode(claims, key, algorithm="RS256")).sub == "s"
    with pytest.raises(Problem):
        verifier.verify(jwt.encode(claims, key, algorithm="PS256"))
    for weak in (
        rsa.generate_private_key(public_exponent=65537, key_size=1024),
        ec.generate_private_key(ec.SECP256R1()),
    ):
        with pytest.raises(ValueError, match="Ed25519"):
            Verifier(public_pem(weak), issuer="i", audience="a")


def test_a_remembered_token_costs_no_signature(issuer: Issuer, verifier: Verifier) -> None:
    token = issuer.token("ops")
    verifier.verify(token)
    began = time.perf_counter()
    for _ in range(1_000):
        verifier.verify(token)

    assert time.perf_counter() - began < 0.1, "a signature check alone takes over 0.1 ms"


async def test_an_expired_token_is_refused_although_it_was_good_before(issuer: Issuer, verifier: Verifier) -> None:
    token = issuer.token("ops", exp=int(time.time()) + 1)
    verifier.verify(token)

    def is_refused() -> bool:
        try:
            verifier.verify(token)
        except Problem as problem:
            return problem.code == "token_expired"
        return False

    await eventually(is_refused, within=5)


def test_what_is_remembered_is_bounded(issuer: Issuer, verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.auth._MAX_REMEMBERED", 5)
    for n in range(12):
        verifier.verify(issuer.token("ops", sub=f"s{n}"))

    assert len(verifier._remembered) <= 5


@pytest.mark.parametrize(
    ("scope", "area", "expected"),
    [
        ("31", "31", True),
        ("31", "31/310109/310109010", True),
        ("31/310109", "31/310109/310109010", True),
        ("31/310109", "31", False),
        ("31/310109", "31/3101099", False),
        ("31/310109", "31/310110/310110001", False),
        ("", "31", False),
        ("", "", False),
    ],
)
def test_a_scope_covers_itself_and_what_lies_below(scope: str, area: str, expected: bool) -> None:
    assert covers(scope, area) is expected


@pytest.fixture
async def client(verifier: Verifier) -> Any:
    app = FastAPI()
    app.state.verifier = verifier
    add_problem_handlers(app)

    @app.get("/v1/mine")
    async def mine(caller: Annotated[Caller, Depends(require("ops", "auditor"))]) -> dict[str, str]:
        return {"sub": caller.sub}

    @app.get("/v1/any")
    async def anybody(caller: Annotated[Caller, Depends(require())]) -> dict[str, str]:
        return {"sub": caller.sub}

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_one_of_the_roles_is_enough(client: httpx.AsyncClient, issuer: Issuer) -> None:
    answer = await client.get("/v1/mine", headers=issuer.bearer("visitor", "auditor", sub="zhang"))

    assert (answer.status_code, answer.json()) == (200, {"sub": "zhang"})


async def test_the_wrong_role_is_403_and_no_role_at_all_may_still_use_what_is_open_to_all(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    refused = await client.get("/v1/mine", headers=issuer.bearer("visitor"))

    assert (refused.status_code, refused.json()["code"]) == (403, "role_required")
    assert refused.json()["roles"] == ["auditor", "ops"]
    assert (await client.get("/v1/any", headers=issuer.bearer())).status_code == 200


@pytest.mark.parametrize(
    ("header", "code", "challenge"),
    [
        (None, "token_missing", "Bearer"),
        ("Basic dXNlcjpwYXNz", "token_missing", "Bearer"),
        ("Bearer", "token_missing", "Bearer"),
        ("Bearer nonsense", "token_invalid", 'Bearer error="invalid_token"'),
    ],
)
async def test_without_a_valid_token_it_is_401_with_a_challenge(
    client: httpx.AsyncClient, header: str | None, code: str, challenge: str
) -> None:
    answer = await client.get("/v1/mine", headers={} if header is None else {"Authorization": header})

    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.headers["www-authenticate"] == challenge
    assert answer.headers["content-type"] == "application/problem+json"
