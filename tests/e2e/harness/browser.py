"""A browser without an engine: the console's pages and forms over HTTP."""

import http.client
import re
from collections import deque
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urlencode

from tidings.console.place import form_token

PAGES_MAX = 400
_SESSION = re.compile(r"tidings=([^;]+)")
_LINK = re.compile(r'(?:href|hx-get)="(/console[^"#]*)')


class Browser:
    """Somebody who is signed in to the console."""

    def __init__(self, port: int, name: str, secret: str) -> None:
        self._port = port
        here = f"http://127.0.0.1:{port}"
        form = urlencode({"name": name, "secret": secret})
        self._form = {"content-type": "application/x-www-form-urlencoded", "origin": here}
        answer, _ = self._call("POST", "/console/sign-in", form, self._form)
        assert answer.status == 303, answer.status
        cookies = answer.headers.get_all("set-cookie") or []
        self.cookies = "; ".join(cooky.partition(";")[0] for cooky in cookies)
        (self._session,) = _SESSION.findall(self.cookies)

    def get(self, path: str, said: str = "") -> tuple[int, bytes]:
        """A page, where it leads to. `said` is a cookie that the answer before has set."""
        cookies = "; ".join(filter(None, (self.cookies, said)))
        for _ in range(5):
            answer, page = self._call("GET", path, None, {"cookie": cookies})
            if answer.status not in (302, 303, 307, 308):
                break
            path = answer.headers["location"]
        return answer.status, page

    def post(self, path: str, **fields: str) -> tuple[int, bytes]:
        """A form of a page, and where it leads to."""
        form = urlencode({"csrf": form_token(self._session, path)} | fields)
        answer, page = self._call("POST", path, form, self._form | {"cookie": self.cookies})
        if answer.status != 303:
            return answer.status, page
        said = "; ".join(
            row.partition(";")[0] for row in answer.headers.get_all("set-cookie") or []
        )
        return self.get(answer.headers["location"], said)

    def walk(self, start: str, *past: str) -> Iterator[tuple[str, bytes]]:
        """The pages that links lead to, but for those with one of `past` in their address."""
        wanted, seen = deque([start]), {start}
        while wanted and len(seen) < PAGES_MAX:
            path = wanted.popleft()
            status, page = self.get(path)
            assert status < 500, (path, page)
            yield path, page
            for link in map(unescape, _LINK.findall(page.decode())):
                if link not in seen and not any(text in link for text in ("/stream", *past)):
                    seen.add(link)
                    wanted.append(link)

    def _call(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[Any, bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        line.request(method, path, body, headers)
        answer = line.getresponse()
        page = answer.read()
        line.close()
        return answer, page
