"""`/openapi.json` and `/docs`, made once, when somebody first asks."""

import gzip
import hashlib
from collections.abc import Callable, Mapping
from functools import cache

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from tidings import catalogue
from tidings.api.context import Services
from tidings.api.openapi.document import complete, load_examples
from tidings.api.openapi.reader import POLICY, page
from tidings.api.openapi.schema_shorthand import Json
from tidings.api.route import OPEN, RouteEntry
from tidings.api.router import Routes, entries_of
from tidings.catalogue.loader import HERE, read_blocks
from tidings.core.cells.call_subject import Over

_HTML, _JSON = "text/html; charset=utf-8", "application/json"
_HOUR = "public, max-age=3600"


@cache
def _catalogue() -> tuple[dict[str, catalogue.EventType], Json]:
    """The event types by label, and the blocks that they share: the same in every process."""
    kinds = {kind.label: kind for kind in sorted(catalogue.load().kinds(), key=_label)}
    return kinds, read_blocks(HERE)


def _label(kind: catalogue.EventType) -> str:
    return kind.label


def describe(plain: Json, entries: Mapping[str, RouteEntry]) -> Json:
    """Build the whole document over what FastAPI made of the routes with these entries, by their
    call."""
    return complete(plain, entries, *_catalogue(), load_examples())


def add_openapi(app: FastAPI, services: Services) -> None:
    """Describe an application that has all its routes, and serve that."""
    plain = app.openapi
    made: dict[str, Json] = {}

    def whole() -> Json:
        if not made:
            made["it"] = describe(plain(), entries_of(app.router.routes))
        return made["it"]

    app.openapi = whole  # type: ignore[method-assign]
    document = _Document(lambda: msgspec.json.encode(whole()), _JSON, {})
    reader = _Document(lambda: page(whole()).encode(), _HTML, {"content-security-policy": POLICY})
    route = Routes(services, refuses={})

    @route("GET", "/openapi.json", over=Over.PROCESS, scope=OPEN)
    async def openapi(request: Request) -> Response:
        return document.answer(request)

    @route("GET", "/docs", over=Over.PROCESS, scope=OPEN)
    async def docs(request: Request) -> Response:
        return reader.answer(request)

    app.router.routes.extend(route.made)


class _Document:
    """Bytes that are made once and served plain, compressed, or not at all."""

    def __init__(self, make: Callable[[], bytes], media: str, headers: dict[str, str]) -> None:
        self._make = make
        self._media = media
        self._headers = headers
        self._made: tuple[bytes, bytes, str] | None = None

    def answer(self, request: Request) -> Response:
        """Answer with the document's bytes, or 304 where the caller has them."""
        if self._made is None:
            plain = self._make()
            tag = f'"{hashlib.blake2b(plain, digest_size=12).hexdigest()}"'
            self._made = (plain, gzip.compress(plain, 6, mtime=0), tag)
        plain, packed, tag = self._made
        headers = self._headers | {
            "etag": tag,
            "cache-control": _HOUR,
            "vary": "accept-encoding",
            "referrer-policy": "no-referrer",
        }
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(packed, headers=headers, media_type=self._media)
        return Response(plain, headers=headers, media_type=self._media)
