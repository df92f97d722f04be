"""What the browser fetches once: own styles and scripts, and the libraries of `scripts/`.

Names carry a digest of the content, so that a browser may keep a file for ever. Files are read and
compressed at start; they are few and small.
"""

import gzip
import hashlib
import mimetypes
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

PREFIX = "/console/static/"
_FOR_EVER = "public, max-age=31536000, immutable"


class Static:
    """The files of `static/`, by their names with a digest."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._files: dict[str, tuple[bytes, bytes, str]] = {}
        self._read(resources.files(__package__).joinpath("static"), "")

    def _read(self, folder: Traversable, path: str) -> None:
        for file in sorted(folder.iterdir(), key=lambda one: one.name):
            if file.is_dir():
                self._read(file, f"{path}{file.name}/")
            elif not file.name.startswith("."):
                content = file.read_bytes()
                digest = hashlib.blake2b(content, digest_size=6).hexdigest()
                kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
                if kind.startswith("text/") or kind.endswith("javascript"):
                    kind += "; charset=utf-8"
                name = f"{path}{digest}-{file.name}"
                self._names[path + file.name] = name
                self._files[name] = (content, gzip.compress(content, 9, mtime=0), kind)

    def url(self, name: str) -> str:
        """Return the address at which `name`, such as `app.css` or `vendor/htmx.min.js`, is served.

        KeyError names the file that is not there; for libraries, run make setup.
        """
        return PREFIX + self._names[name]

    async def serve(self, request: Request) -> Response:
        """Serve a file by its name, or answer 404."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            return Response("There is no such file.", 404, media_type="text/plain")
        plain, packed, kind = found
        headers = {"cache-control": _FOR_EVER, "vary": "accept-encoding"}
        body = plain
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            body = packed
        return Response(body, headers=headers, media_type=kind)


@cache
def static_files() -> Static:
    """Return the static files of this process, read and packed once."""
    return Static()
