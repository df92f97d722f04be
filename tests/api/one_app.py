"""One control application for all services of a process: its routes take longer than a service.

It is made once, over a stand-in that leads each call to the service which it is for; what an
application of its own would hold is made for each service: the list of routes, and the middleware.
"""

import copy
from contextvars import ContextVar
from functools import cache
from typing import Any, cast

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from tidings.api.context import Services
from tidings.api.control import make_control_app

_serving: ContextVar[Services] = ContextVar("_serving")


class _Later:
    """A part of whichever services a call is for, by the names that lead to it."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def __getattr__(self, name: str) -> Any:
        found: Any = _serving.get(None)
        if found is None:  # the application is being made
            return _Later(*self._names, name)
        for text in (*self._names, name):
            found = getattr(found, text)
        return found

    def __call__(self, *given: Any) -> Any:
        found: Any = _serving.get()
        for name in self._names:
            found = getattr(found, name)
        return found(*given)


class _Serve:
    """Around every call: says which services it is for."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app, self._services = app, services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        before = _serving.set(self._services)
        try:
            await self._app(scope, receive, send)
        finally:
            _serving.reset(before)


@cache
def the_one() -> FastAPI:
    """The application that all share."""
    return make_control_app(cast("Services", _Later()))


def control_app(services: Services) -> FastAPI:
    """As `make_control_app`; routes and middleware may be added to it alone."""
    app = copy.copy(the_one())
    app.router = copy.copy(app.router)
    app.router.routes = list(app.router.routes)
    app.router.middleware_stack = app.router.app  # it was the method of the one that was copied
    app.user_middleware = [Middleware(_Serve, services=services), *app.user_middleware]
    app.middleware_stack = None
    return app
