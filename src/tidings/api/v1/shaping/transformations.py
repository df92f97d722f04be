"""`/v1/transformations`: the templates of an org. A webhook names one to have its payload made."""

import contextlib
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.context import Services, read_object, refuse_unknown_fields
from tidings.api.http.held_answer import answer_within
from tidings.api.keyed import KEYED
from tidings.api.models import V1_ERRORS, Responses, new_body
from tidings.api.paging import WHOLE
from tidings.core.shaping.transformation_rules import TEMPLATE_MAX, NewTransformation, Template
from tidings.engine.shaping.transformations import VERSIONS_SHOWN, Transformations
from tidings.reads.shaping import show_transformation
from tidings.store.port import StoredTransformation
from tidings.transform.port import RenderLater

TRANSFORMATION_BODY = new_body("A template by its name.", NewTransformation)
REPLACING_BODY = new_body("A template for the name in the path.", Template)
VERSIONS_BYTES = 5 * VERSIONS_SHOWN * TEMPLATE_MAX  # as texts, as JSON, and as an answer
TRANSFORMATION_ERRORS: Responses = {
    400: {"description": "The name or the template is refused; the answer says why"},
    409: {"description": "The name is taken, or webhooks use it"},
}


def transformation_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1/transformations", tags=["transformations"], responses=V1_ERRORS)
    transformations = services.shaping.transformations

    @router.get("", summary="List the transformations of the org")
    async def list_all(request: Request) -> Response:
        """By name, without their templates."""
        org = services.caller(request, "webhooks:read").org
        found = transformations.list(org)
        rows = [
            show_transformation(transformation)
            | {"usedBy": transformations.users(org, transformation.name)}
            for transformation in found
        ]
        return answer({"transformations": rows} | WHOLE)

    @router.post(
        "",
        summary="Make a transformation",
        openapi_extra=TRANSFORMATION_BODY | KEYED,
        responses=TRANSFORMATION_ERRORS,
        status_code=201,
    )
    async def create(request: Request) -> Response:
        caller = services.caller(request, "webhooks:write")
        body = await read_object(request)
        refuse_unknown_fields(body, ("name", "template"))
        with _refusals_answered():
            made = await transformations.create(
                caller.org, body.get("name"), body.get("template"), caller.credential
            )
        return answer(_full(transformations, made), 201)

    @router.get("/{name}", summary="Get a transformation")
    async def get(request: Request, name: str) -> Response:
        org = services.caller(request, "webhooks:read").org
        with _refusals_answered():
            return answer(_full(transformations, transformations.get(org, name)))

    @router.get("/{name}/versions", summary="The versions of a transformation")
    async def versions(request: Request, name: str) -> Response:
        """The newest 100 first, with their templates. One without says that it was deleted."""
        org = services.caller(request, "webhooks:read").org

        async def make() -> Response:
            with _refusals_answered():
                found = await transformations.versions(org, name)
            rows = [
                show_transformation(transformation) | {"template": transformation.template}
                for transformation in found
            ]
            return answer({"versions": rows} | WHOLE)

        return await answer_within(services.web.answer_memory, org, VERSIONS_BYTES, make)

    _add_changes(router, services)
    return router


def _add_changes(router: APIRouter, services: Services) -> None:
    """Add the routes that change one of them."""
    transformations = services.shaping.transformations

    @router.put(
        "/{name}",
        summary="Replace a transformation",
        openapi_extra=REPLACING_BODY,
        responses=TRANSFORMATION_ERRORS,
    )
    async def replace(request: Request, name: str) -> Response:
        """A new version, in force for what is shaped from now on. The same template is none."""
        caller = services.caller(request, "webhooks:write")
        body = await read_object(request)
        refuse_unknown_fields(body, ("template",))
        with _refusals_answered():
            made = await transformations.replace(
                caller.org, name, body.get("template"), caller.credential
            )
        return answer(_full(transformations, made))

    @router.delete("/{name}", summary="Delete a transformation", responses=TRANSFORMATION_ERRORS)
    async def delete(request: Request, name: str) -> Response:
        """Not while a webhook uses it. Its versions stay readable."""
        caller = services.caller(request, "webhooks:write")
        with _refusals_answered():
            await transformations.delete(caller.org, name, caller.credential)
        return answer({"name": name, "deleted": True})


def _full(transformations: Transformations, one: StoredTransformation) -> dict[str, Any]:
    """Show one with its template, and who uses it."""
    used = transformations.users(one.org, one.name)
    return show_transformation(one) | {"template": one.template, "usedBy": used}


@contextlib.contextmanager
def _refusals_answered() -> Iterator[None]:
    """Turn refusals of transformations into answers."""
    try:
        yield
    except RenderLater as later:
        raise refused(
            503,
            "not_run_now",
            later.reason,
            retry_after=str(max(1, round(later.delay_s))),
        ) from None
