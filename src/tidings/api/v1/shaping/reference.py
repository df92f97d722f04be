"""`/v1/reference`: what the platform knows of stores, tills and customers, for enrichment."""

from typing import Annotated, Any

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import RefusalAnswer, answer, refused
from tidings.api.context import Services, read_object
from tidings.api.description import schema_of
from tidings.api.http.held_answer import answer_within
from tidings.api.paging import PAGE, WARNED, moved, page_of
from tidings.api.route import GONE, AnswerForm, ok
from tidings.api.router import EntryRoute, Routes
from tidings.api.v1.shaping.reference_load import KindOfPath, add_load_route
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.shaping.reference_rules import (
    ID_MAX,
    MODELS,
    RECORD_BYTES_MAX,
    RecordKind,
    RecordRefused,
    check_others,
    kind_of,
    read_id,
    read_record,
    unknown_fields,
)
from tidings.schema.structs import struct_schema
from tidings.values import describe_value

PAGE_MAX = 1000

_ID = rf"^[^\x00-\x1f\x7f]{{1,{ID_MAX}}}$"
RecordId = Annotated[str, Path(json_schema_extra={"pattern": _ID})]


def _record_schema() -> dict[str, Any]:
    schema = struct_schema(
        MODELS.values(),
        "A store (code to externalId2), a till (code, name, storeId) or a customer (the rest, and "
        "externalId). At least one field of its kind; those of another kind are passed over.",
    )
    whole = {"type": "integer", "minimum": -(1 << 63), "exclusiveMaximum": 1 << 63}
    text = {"type": "string", "pattern": _ID}
    schema["properties"]["id"] = {
        "anyOf": [whole, text],
        "description": "That of the path, or left out.",
    }
    return schema


_RECORD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": schema_of(_record_schema),
                "example": {"mobile": "15550100", "email": "asha@example.test"},
            }
        },
    }
}
RECORD_TIMES = 3  # a record as the store brings it, as it is read, and in the answer
OLD = "As `cursor` was called before."
_BAD = {400: "The record, its id or its kind is refused"}


def reference_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of reference data over the services."""
    route = Routes(services, tag="reference")
    reference = services.shaping.reference

    add_load_route(route, services)

    @route(
        "GET",
        "/v1/reference/{kind}",
        id="listRecords",
        scope="reference:read",
        summary="List records",
        answers=ok(
            "A page of records",
            {"count": "whole", "records": [{"id": "text", "record": "object"}], "next": "text|null"}
            | PAGE
            | WARNED,
        ),
        refuses=_BAD,
    )
    async def list_all(
        caller: AuthenticatedCaller,
        kind: KindOfPath,
        cursor: Annotated[str, Query(max_length=128, description="paging.next of a page.")] = "",
        after: Annotated[str, Query(max_length=128, deprecated=True, description=OLD)] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
    ) -> Response:
        """A page in the order of the ids, and how many there are in all."""
        org = caller.org
        which = kind_of(kind)
        start, warnings = moved("after", after, cursor)

        async def make() -> Response:
            rows = await reference.list(org, which, start or after, limit)
            more = rows[-1][0] if len(rows) == limit else None
            return answer(
                {
                    "count": await reference.count(org, which),
                    "records": [{"id": id, "record": record} for id, record in rows],
                    "next": more,
                }
                | page_of(limit, more)
                | ({"warnings": warnings} if warnings else {})
            )

        most = limit * RECORD_TIMES * RECORD_BYTES_MAX
        return await answer_within(services.web.answer_memory, org, most, make)

    @route(
        "GET",
        "/v1/reference/{kind}/{id:path}",
        id="getRecord",
        scope="reference:read",
        summary="Get a record",
        answers=ok("The record", {"id": "text"}),
        refuses=_BAD,
    )
    async def get(caller: AuthenticatedCaller, kind: KindOfPath, id: RecordId) -> Response:
        org = caller.org
        which, known = kind_of(kind), read_id(id)
        record = await reference.get(org, which, known)
        if record is None:
            raise _unknown(which, id)
        return answer({"id": known} | record)

    _add_changes(route, services)
    return route.made


def _add_changes(route: Routes, services: Services) -> None:
    """Add the routes that change one record."""
    reference = services.shaping.reference

    @route(
        "PUT",
        "/v1/reference/{kind}/{id:path}",
        id="putRecord",
        scope="reference:write",
        summary="Keep a record",
        answers=[
            AnswerForm(200, "It is as it was before", {"id": "text", "ignoredFields": ["text"]}),
            AnswerForm(201, "It was kept", {"id": "text", "ignoredFields": ["text"]}),
        ],
        refuses=_BAD,
        body=_RECORD,
    )
    async def put(
        request: Request, caller: AuthenticatedCaller, kind: KindOfPath, id: RecordId
    ) -> Response:
        """Make it or replace it whole; in force for every message that is made from now on."""
        org = caller.org
        which, known = kind_of(kind), read_id(id)
        body = await read_object(request)
        record = read_record(which, body)
        check_others(which, body)
        if "id" in body and read_id(body["id"]) != known:
            raise RecordRefused(
                "other_id",
                "id",
                f"id must be the one in the path; got {describe_value(body['id'])}. Leave it out.",
            )
        done = await reference.put(org, which, {known: record})
        ignored = unknown_fields(which, body)[:20]
        return answer({"id": known, "ignoredFields": ignored}, 201 if done.changed else 200)

    @route(
        "DELETE",
        "/v1/reference/{kind}/{id:path}",
        id="deleteRecord",
        scope="reference:write",
        summary="Delete a record",
        answers=GONE,
        refuses=_BAD,
    )
    async def delete(caller: AuthenticatedCaller, kind: KindOfPath, id: RecordId) -> Response:
        org = caller.org
        which, known = kind_of(kind), read_id(id)
        if not await reference.delete(org, which, known):
            raise _unknown(which, id)
        return Response(status_code=204)


def _unknown(kind: RecordKind, id: str) -> RefusalAnswer:
    return refused(
        404,
        "not_found",
        f"id must be one of the org's {kind.word}; got {describe_value(id)}, which does not exist. "
        f"GET /v1/reference/{kind.word} lists them.",
        field="id",
    )
