"""`/v1/transformations`: the templates of an org. A webhook names one to have its payload made."""

import contextlib
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.context import Services, read_object, refuse_unknown_fields
from tidings.api.http.held_answer import answer_within
from tidings.api.models import new_body
from tidings.api.paging import PAGE, WHOLE
from tidings.api.route import ok
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.shaping.transformation_rules import NewTransformation, Template
from tidings.engine.shaping.transformations import Transformations
from tidings.reads.shaping import VERSIONS_BYTES, show_transformation
from tidings.store.port import StoredTransformation
from tidings.transform.port import RenderLater

TRANSFORMATION_BODY = new_body("A template by its name.", NewTransformation)
REPLACING_BODY = new_body("A template for the name in the path.", Template)
_BAD = {
    400: "The name or the template is refused; the answer says why",
    409: "The name is taken, or webhooks use it",
}


def transformation_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of transformations over the services."""
    route = Routes(services, tag="transformations")
    transformations = services.shaping.transformations

    @route(
        "GET",
        "/v1/transformations",
        id="listTransformations",
        scope="webhooks:read",
        summary="List the transformations of the org",
        answers=ok("By name", {"transformations": ["#TransformationRow"]} | PAGE),
    )
    async def list_all(caller: AuthenticatedCaller) -> Response:
        """By name, without their templates."""
        org = caller.org
        found = transformations.list(org)
        rows = [
            show_transformation(transformation)
            | {"usedBy": transformations.users(org, transformation.name)}
            for transformation in found
        ]
        return answer({"transformations": rows} | WHOLE)

    @route(
        "POST",
        "/v1/transformations",
        id="createTransformation",
        scope="webhooks:write",
        summary="Make a transformation",
        answers=ok("The transformation", "#Transformation", 201),
        refuses=_BAD,
        body=TRANSFORMATION_BODY,
        keyed=True,
    )
    async def create(request: Request, caller: AuthenticatedCaller) -> Response:
        body = await read_object(request)
        refuse_unknown_fields(body, ("name", "template"))
        with _refusals_answered():
            made = await transformations.create(
                caller.org, body.get("name"), body.get("template"), caller.credential
            )
        return answer(_full(transformations, made), 201)

    @route(
        "GET",
        "/v1/transformations/{name}",
        id="getTransformation",
        scope="webhooks:read",
        summary="Get a transformation",
        answers=ok("The transformation", "#Transformation"),
    )
    async def get(caller: AuthenticatedCaller, name: str) -> Response:
        org = caller.org
        with _refusals_answered():
            return answer(_full(transformations, transformations.get(org, name)))

    _add_versions(route, services)
    return route.made


def _add_versions(route: Routes, services: Services) -> None:
    """Add the route of the versions of one."""
    transformations = services.shaping.transformations

    @route(
        "GET",
        "/v1/transformations/{name}/versions",
        id="listTransformationVersions",
        scope="webhooks:read",
        summary="The versions of a transformation",
        answers=ok("The newest first", {"versions": ["#TransformationVersion"]} | PAGE),
    )
    async def versions(caller: AuthenticatedCaller, name: str) -> Response:
        """The newest 100 first, with their templates. One without says that it was deleted."""
        org = caller.org

        async def make() -> Response:
            with _refusals_answered():
                found = await transformations.versions(org, name)
            rows = [
                show_transformation(transformation) | {"template": transformation.template}
                for transformation in found
            ]
            return answer({"versions": rows} | WHOLE)

        return await answer_within(services.web.answer_memory, org, VERSIONS_BYTES, make)

    _add_changes(route, services)


def _add_changes(route: Routes, services: Services) -> None:
    """Add the routes that change one of them."""
    transformations = services.shaping.transformations

    @route(
        "PUT",
        "/v1/transformations/{name}",
        id="replaceTransformation",
        scope="webhooks:write",
        summary="Replace a transformation",
        answers=ok("The transformation", "#Transformation"),
        refuses=_BAD,
        body=REPLACING_BODY,
    )
    async def replace(request: Request, caller: AuthenticatedCaller, name: str) -> Response:
        """A new version, in force for what is shaped from now on. The same template is none."""
        body = await read_object(request)
        refuse_unknown_fields(body, ("template",))
        with _refusals_answered():
            made = await transformations.replace(
                caller.org, name, body.get("template"), caller.credential
            )
        return answer(_full(transformations, made))

    @route(
        "DELETE",
        "/v1/transformations/{name}",
        id="deleteTransformation",
        scope="webhooks:write",
        summary="Delete a transformation",
        answers=ok("It is gone", {"name": "text", "deleted": "yes"}),
        refuses=_BAD,
    )
    async def delete(caller: AuthenticatedCaller, name: str) -> Response:
        """Not while a webhook uses it. Its versions stay readable."""
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
