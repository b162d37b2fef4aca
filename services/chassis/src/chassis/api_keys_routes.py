"""`/v1/ops/api-keys`: a security administrator gives keys to systems and takes them back."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, Field

from chassis.api_keys import ApiKeys, KeyGrant, NewKey, insert_key, revoke_key
from chassis.auth import SCOPE_PATH, Caller, covers, require
from chassis.commands import Answer, Asked, PlainCommands, command
from chassis.paging import DEFAULT_LIMIT, After, Cursor, Limit, Page
from chassis.problems import Problem, problems
from chassis.sealing import Keyring

ROLE = "security_admin"
EXAMPLE_ID = "0199aa00-0000-7000-8000-000000000000"
Admin = Annotated[Caller, Depends(require(ROLE))]
KeyId = Annotated[UUID, Path(description="密钥编号。Id of the key.", examples=[EXAMPLE_ID])]
AdminAsks = Annotated[Asked, Depends(command(ROLE, creates=True))]


class ApiKeyIn(BaseModel, extra="forbid"):
    """Who gets a key, and for what. 密钥的申请。"""

    name: str = Field(
        min_length=1,
        max_length=100,
        description="用途名称，不写个人信息。What it is for; no personal data.",
        examples=["虹口接警系统 Hongkou dispatch"],
    )
    roles: list[str] = Field(
        min_length=1, max_length=5, description="角色。Roles of its holder.", examples=[["source_system"]]
    )
    scope_path: str = Field(
        pattern=f"^{SCOPE_PATH}$", max_length=100, description="辖区路径。Area path.", examples=["31/310109"]
    )
    source: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="所绑定的来源；source_system 必填。The one source it speaks for; needed by source_system.",
        examples=["hongkou-110"],
    )


class ApiKeyOut(BaseModel):
    """A key without its secret. 密钥（不含密文本身）。"""

    key_id: UUID = Field(description="密钥编号。Id of the key.", examples=[EXAMPLE_ID])
    name: str = Field(description="用途名称。What it is for.", examples=["虹口接警系统 Hongkou dispatch"])
    roles: list[str] = Field(description="角色。Roles of its holder.", examples=[["source_system"]])
    scope_path: str = Field(description="辖区路径。Area path.", examples=["31/310109"])
    source: str | None = Field(description="所绑定的来源。The one source it speaks for.", examples=["hongkou-110"])
    created_by: str = Field(description="签发人。Who gave it.", examples=["security-1"])
    created_at: datetime = Field(description="签发时间。When.", examples=["2026-01-01T01:30:02.500Z"])
    revoked_at: datetime | None = Field(description="吊销时间。When it was taken back.", examples=[None])


class NewApiKeyOut(ApiKeyOut):
    """A new key, with its secret: shown this once. 新密钥，仅此一次显示。"""

    key: str = Field(
        description="密钥，用作 Bearer 令牌；请立即妥善保存。The key, used as bearer token; keep it now.",
        examples=["ldk_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
    )


def api_key_routes(keys: ApiKeys, keyring: Keyring) -> APIRouter:
    router = APIRouter(prefix="/v1/ops/api-keys", tags=["密钥 API keys"])
    commands = PlainCommands(keys.database, keys.schema, keyring)
    _create_route(router, keys, commands)
    _list_route(router, keys)
    _revoke_route(router, keys, commands)
    return router


def _create_route(router: APIRouter, keys: ApiKeys, commands: PlainCommands) -> None:
    @router.post(
        "",
        operation_id="createApiKey",
        summary="签发密钥 Give a key",
        status_code=201,
        response_model=NewApiKeyOut,
        responses=problems(401, 403, 409, 422, 503),
    )
    async def create_api_key(wanted: ApiKeyIn, asked: AdminAsks) -> Response:
        """密钥仅在此答复中出现一次，库中只存哈希。The key appears in this answer alone; only its hash is kept."""
        _check(wanted, asked.by, keys.roles)
        grant = KeyGrant(wanted.name, frozenset(wanted.roles), wanted.scope_path, wanted.source)
        new = NewKey.make()

        async def create(connection: asyncpg.Connection) -> Answer:
            row = await insert_key(connection, keys.schema, new, grant, by=asked.by.sub)
            return Answer(NewApiKeyOut(**_fields_of(row), key=new.secret), status=201)

        return await commands.run(asked, "create_api_key", new.key_id, create, detail={"roles": sorted(grant.roles)})


def _list_route(router: APIRouter, keys: ApiKeys) -> None:
    statement = f"""
        SELECT key_id, name, roles, scope_path, source, created_by, created_at, revoked_at FROM {keys.schema}.api_key
        WHERE ($1::uuid IS NULL OR key_id < $1) AND (scope_path = $2 OR starts_with(scope_path, $2 || '/'))
        ORDER BY key_id DESC LIMIT $3
    """

    @router.get(
        "", operation_id="listApiKeys", summary="密钥列表 List the keys", responses=problems(401, 403, 422, 503)
    )
    async def list_api_keys(by: Admin, limit: Limit = DEFAULT_LIMIT, after: After = None) -> Page[ApiKeyOut]:
        """本辖区内的密钥，最近的在前，含已吊销的。Keys of your area, newest first, the revoked ones too."""
        (last,) = Cursor.decode(after, UUID) or (None,)
        async with keys.database.connection() as connection:
            rows = await connection.fetch(statement, last, by.scope_path, limit + 1)
        return Page[ApiKeyOut].of(
            rows, limit=limit, show=lambda row: ApiKeyOut(**_fields_of(row)), key=lambda row: (row["key_id"],)
        )


def _revoke_route(router: APIRouter, keys: ApiKeys, commands: PlainCommands) -> None:
    @router.post(
        "/{key_id}/revoke",
        operation_id="revokeApiKey",
        summary="吊销密钥 Take a key back",
        response_model=ApiKeyOut,
        responses=problems(401, 403, 404, 409, 422, 503),
    )
    async def revoke_api_key(key_id: KeyId, asked: AdminAsks) -> Response:
        """至迟30秒后各进程均不再接受。No process takes it any more after 30 seconds."""

        async def revoke(connection: asyncpg.Connection) -> Answer:
            row = await revoke_key(connection, keys.schema, key_id, by=asked.by.sub)
            if row is None:
                raise Problem(404, "api_key_not_found", "没有这个密钥。", "There is no such key.")
            if not covers(asked.by.scope_path, row["scope_path"]):
                raise _out_of_scope()
            return Answer(ApiKeyOut(**_fields_of(row)))

        response = await commands.run(asked, "revoke_api_key", key_id, revoke)
        keys.forget()
        return response


def _fields_of(row: asyncpg.Record | None) -> dict[str, Any]:
    if row is None:
        raise LookupError("a row that was just written is not there")
    return {name: row[name] for name in ApiKeyOut.model_fields}


def _check(wanted: ApiKeyIn, by: Caller, allowed: frozenset[str]) -> None:
    if not covers(by.scope_path, wanted.scope_path):
        raise _out_of_scope()
    if not allowed.issuperset(wanted.roles):
        raise Problem(
            422, "role_not_for_keys", "密钥只能授予系统角色。", "Keys are for the roles of systems.",
            allowed=sorted(allowed),
        )  # fmt: skip
    if "source_system" in wanted.roles and wanted.source is None:
        raise Problem(
            422, "source_needed", "source_system 的密钥须绑定一个来源。", "A key of source_system needs its source.",
            field="source",
        )  # fmt: skip


def _out_of_scope() -> Problem:
    return Problem(403, "out_of_scope", "超出您的辖区。", "Outside your area.")
