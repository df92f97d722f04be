"""A view of Django, for synchronous and asynchronous projects.

    urlpatterns = [path("tidings", django_view(router))]

The setting `DATA_UPLOAD_MAX_MEMORY_SIZE` (2.5 MB) bounds bodies besides `Router.body_max`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from tidings_consumer import answers
from tidings_consumer.answers import Answer
from tidings_consumer.router import Router

METHODS = ("POST", "PUT")


def django_view(router: Router) -> Callable[[HttpRequest], HttpResponse]:
    """Return the view for a project under WSGI, or a synchronous one under ASGI."""

    def view(request: HttpRequest) -> HttpResponse:
        body = _body(request, router.body_max)
        return _response(
            body if isinstance(body, Answer) else router.receive(_headers(request), body)
        )

    return csrf_exempt(view)


def django_async_view(router: Router) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    """Return the view for a project under ASGI, whose handlers are coroutines."""

    async def view(request: HttpRequest) -> HttpResponse:
        body = _body(request, router.body_max)
        if isinstance(body, Answer):
            return _response(body)
        return _response(await router.receive_async(_headers(request), body))

    return csrf_exempt(view)


def _body(request: HttpRequest, most: int) -> bytes | Answer:
    if request.method not in METHODS:
        return answers.not_allowed()
    try:
        return request.body
    except RequestDataTooBig:
        return answers.too_large(most)


def _headers(request: HttpRequest) -> list[tuple[str, str]]:
    return list(request.headers.items())


def _response(answer: Answer) -> HttpResponse:
    made: Any = HttpResponse(answer.body, status=answer.status)
    if not answer.body:
        del made["Content-Type"]
    for name, value in answer.headers.items():
        made[name] = value
    return made  # type: ignore[no-any-return]
