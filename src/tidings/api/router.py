"""Routes made of their entries, and the one check of a scope around each handler.

What else is to be done around every call that changes something belongs here too, by the entry.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from functools import cached_property
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.context import Services
from tidings.api.keyed import KEY_PARAMETER, once
from tidings.api.route import V1_REFUSALS, Refusals, RouteEntry

Handler = Callable[..., Awaitable[Response]]
# Refuses who may not; where a credential is to decide, it calls what it is given.
Admission = Callable[[Request, Callable[[], object]], None]

_REQUEST = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)


class EntryRoute(APIRoute):
    """A route, made of its entry."""

    def __init__(
        self, entry: RouteEntry, path: str, methods: list[str], endpoint: Handler, about: str
    ) -> None:
        self.entry = entry
        parameters = [*entry.parameters, *([KEY_PARAMETER] if entry.keyed else ())]
        super().__init__(
            path,
            endpoint,
            methods=methods,
            response_model=None,  # every handler makes its answer itself
            summary=entry.summary or None,
            description=about,
            tags=[entry.tag] if entry.tag else None,
            operation_id=entry.id or None,
            openapi_extra=entry.body | ({"parameters": parameters} if parameters else {}),
            include_in_schema=bool(entry.id) and (path, methods) == (entry.path, [entry.method]),
        )

    @cached_property
    def query_names(self) -> frozenset[str]:
        """The parameters of the query that a call may have."""
        declared = {parameter.alias for parameter in self.dependant.query_params}
        others = [row["name"] for row in self.entry.parameters if row.get("in") == "query"]
        return frozenset(declared.union(others))


class Routes:
    """The routes of a subject: `@route("GET", "/v1/…", scope=…, …)` above a handler adds one.

    A handler names what it needs of `request` and `caller`, beside the parameters of its path and
    query. It is called once its caller may make the call.
    """

    def __init__(
        self, services: Services, *, tag: str = "", refuses: Refusals = V1_REFUSALS
    ) -> None:
        """`tag` and `refuses` are those of all of them; an entry may name another tag."""
        self._services = services
        self._tag = tag
        self._refuses = refuses
        self.made: list[EntryRoute] = []

    def __call__(
        self,
        method: str,
        path: str,
        *,
        refuses: Refusals | None = None,
        tag: str = "",
        admission: Admission | None = None,
        **fields: Any,
    ) -> Callable[[Handler], Handler]:
        """Add a handler with its entry, whose `fields` are those of `RouteEntry`. `admission`
        decides in the place of the credential alone."""
        entry = RouteEntry(
            method=method,
            path=path,
            tag=tag or self._tag,
            refuses=_joined(self._refuses, refuses or {}),
            **fields,
        )

        def add(handler: Handler) -> Handler:
            self.made.extend(_routes_of(entry, handler, self._services, admission))
            return handler

        return add


def entries_of(routes: Iterable[object]) -> dict[str, RouteEntry]:
    """Return the entries of an application's routes that are described, by their call."""
    made = [route for route in routes if isinstance(route, EntryRoute)]
    return {route.entry.call: route.entry for route in made if route.entry.id}


def _joined(of_all: Refusals, own: Refusals) -> Refusals:
    """Refusals of both, in the words of its own where it has some."""
    return {status: own.get(status) or of_all.get(status, "") for status in (*of_all, *own)}


def _routes_of(
    entry: RouteEntry, handler: Handler, services: Services, admission: Admission | None
) -> list[EntryRoute]:
    about = entry.about or inspect.cleandoc(handler.__doc__ or "")
    if entry.is_open and "caller" in inspect.signature(handler).parameters:
        raise ValueError(f"{entry.call}: an open route is handed no caller; its handler takes one")
    endpoint = handler if entry.is_open else _checked(entry, handler, services, admission)
    places = [(path, [entry.method]) for path in (entry.path, *entry.more_paths)]
    if entry.more_methods:
        places.insert(0, (entry.path, list(entry.more_methods)))
    routes = [EntryRoute(entry, path, methods, endpoint, about) for path, methods in places]
    for route in routes if entry.keyed else []:
        route.app = once(route.app, services, entry)
    return routes


def _checked(
    entry: RouteEntry, handler: Handler, services: Services, admission: Admission | None
) -> Handler:
    """The handler behind the check of its entry's scope, with what it needs of the call."""
    parameters = dict(inspect.signature(handler).parameters)
    takes_request = parameters.pop("request", None) is not None
    takes_caller = parameters.pop("caller", None) is not None

    async def answer(request: Request, **given: Any) -> Response:
        if admission is not None:
            admission(request, lambda: services.admit(request, entry))
        else:
            caller = services.admit(request, entry)
            if takes_caller:
                given["caller"] = caller
        if takes_request:
            given["request"] = request
        return await handler(**given)

    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters.values()
    ]
    answer.__signature__ = inspect.Signature([_REQUEST, *own])  # type: ignore[attr-defined]
    return answer
