"""A call as it came, and its answer."""

import json
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import httptools

HEAD_MAX = 64 * 1024


class Refused(Exception):
    """A call that its party refuses: with this answer."""

    def __init__(self, answer: "Answer") -> None:
        super().__init__(answer.status)
        self.answer = answer


class Answer(NamedTuple):
    """What is answered."""

    status: int
    body: bytes
    headers: dict[str, str]

    def written(self) -> bytes:
        """It, as it goes over the line."""
        lines = [f"HTTP/1.1 {self.status} Said", f"content-length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


def in_json(status: int, value: Any, **headers: str) -> Answer:
    """An answer in JSON; `_` in the name of a header is `-`."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, json.dumps(value).encode(), {"content-type": "application/json"} | named)


class Call:
    """One request, whole."""

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        split = urlsplit(target)
        self.method, self.path, self.body = method, split.path, body
        self.headers = headers  # names in small letters
        self.pairs = parse_qsl(split.query, keep_blank_values=True)
        self.query = dict(self.pairs)

    @property
    def media_type(self) -> str:
        """The type of the body, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def bearer(self) -> str:
        """The token of `Authorization: Bearer`; empty for none."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" else ""

    def form(self) -> dict[str, str]:
        """The fields of a form; none where the body is no form."""
        if self.media_type != "application/x-www-form-urlencoded":
            return {}
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def json(self) -> Any:
        """The body as JSON; ValueError where it is none."""
        return json.loads(self.body.decode("utf-8"))


def segments(groups: dict[str, str]) -> dict[str, str]:
    """The parts of a path, decoded."""
    return {name: unquote(value) for name, value in groups.items()}


class TooLarge(Exception):
    """A body beyond what the party takes."""


class Parser:
    """Takes bytes, gives the calls that are whole."""

    def __init__(self, body_max: int) -> None:
        self.calls: list[Call] = []
        self._body_max = body_max
        self._parser = httptools.HttpRequestParser(self)
        self._begin()

    def feed(self, data: bytes) -> None:
        """More bytes; ValueError for what is no HTTP."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as why:
            if self._size > self._body_max:
                raise TooLarge from None
            raise ValueError(str(why)) from None
        except httptools.HttpParserError as why:
            raise ValueError(str(why)) from None

    def _begin(self) -> None:
        self._target, self._head, self._size = b"", 0, 0
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def on_message_begin(self) -> None:
        self._begin()

    def on_url(self, url: bytes) -> None:
        self._target += url
        self._in_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()
        self._in_head(len(name) + len(value))

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > self._body_max:
            raise TooLarge
        self._body.append(body)

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        call = Call(method, self._target.decode("latin-1"), self._headers, b"".join(self._body))
        self.calls.append(call)

    def _in_head(self, more: int) -> None:
        self._head += more
        if self._head > HEAD_MAX:
            raise ValueError("a head without an end")
