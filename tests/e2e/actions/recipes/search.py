"""A search for values in whatever a service has kept or shown, however they were written."""

import base64
import html
import json
import quopri
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from tests.e2e.actions.recipes.recipe import Row
from tests.e2e.harness.api import Api
from tests.e2e.harness.browser import Browser
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess

LEAST_BITS = 40  # what says less, in whatever writing, chance puts into an id or a signature
_LINE_END = re.compile(rb"=?\r?\n[ \t]?")  # also of quoted-printable, base64 and folded headers


def contact_values(rows: Iterable[Row]) -> set[str]:
    """All of a contact list by which somebody can be known, each long enough to be looked for."""
    found: set[str] = set()
    for row in rows:
        found |= {row["email"], row["phone"], row["phone"].lstrip("+"), row["name"]}
        found |= {row.get("device", ""), *row["name"].split()}
    return found - {""}


def forms_of(value: str) -> set[bytes]:
    """How a value may stand in bytes, in small letters: that makes no other one of it."""
    raw = value.encode()
    found = {raw, value.encode("utf-16-le"), value.encode("utf-16-be")}
    found |= {quote(value, safe="").encode(), quote_plus(value).encode(), quote(value).encode()}
    found |= {json.dumps(value)[1:-1].encode(), html.escape(value).encode()}
    found |= {quopri.encodestring(raw).strip(), quopri.encodestring(raw, header=True).strip()}
    found |= {"".join(f"&#{ord(text)};" for text in value).encode(), raw.hex().encode()}
    return {body.lower() for body in found}


def encoded_forms_of(value: str) -> set[bytes]:
    """How a value stands in the base64 of something longer: the signs that are its own alone."""
    raw, found = value.encode(), set[bytes]()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + raw)
        own = whole[-(-8 * before // 6) : 8 * (before + len(raw)) // 6]
        found |= {own, own.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def bits_of(form: bytes) -> int:
    """Return how much bytes say: a sign of a text five bits, for it may be small or large."""
    return (5 if form.isascii() and form.decode().isprintable() else 8) * len(form)


class Search:
    """For values, in many places."""

    def __init__(self, values: Iterable[str]) -> None:
        values = list(values)
        self._forms = {form: value for value in values for form in forms_of(value)}
        self._encoded = {form: value for value in values for form in encoded_forms_of(value)}
        assert self._forms
        short = {
            value
            for forms in (self._forms, self._encoded)
            for form, value in forms.items()
            if bits_of(form) < LEAST_BITS
        }
        assert not short, f"chance can write {short}"

    def hits(self, places: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
        """Where a value stands, and which."""
        found = []
        for place, content in places:
            joined = _LINE_END.sub(b"", content)
            for forms, texts in (
                (self._forms, (content.lower(), joined.lower())),
                (self._encoded, (content, joined)),
            ):
                for form, value in forms.items():
                    if any(form in text for text in texts):
                        found.append((place, value))
        return found


def answers_of(api: Api) -> Iterator[tuple[str, bytes]]:
    """What the API tells of events, deliveries and attempts, webhooks, and what ails them."""
    for path in ("/v3/webHooks", "/v1/webHooks", "/v1/replays", "/v1/rejections", "/metrics"):
        yield path, api.get(path).body
    for kind, text in (("events", "eventId"), ("deliveries", "id")):
        after = ""
        while True:
            page = api.get(f"/v1/{kind}?limit=100{after}")
            yield f"/v1/{kind}{after}", page.body
            for row in page.must(200)[kind]:
                path = f"/v1/{kind}/{row[text]}"
                yield path, json.dumps(api.get(path).must(200), ensure_ascii=False).encode()
            if not page.json["older"]:
                break
            after = f"&cursor={page.json['older']}"


def pages_of(service: ServiceProcess, org: int) -> Iterator[tuple[str, bytes]]:
    """The console's pages, as far as links lead, but for those of the catalogue."""
    browser = Browser(service.port, KEY, SECRET)
    yield from browser.walk(f"/console?org={org}", "/docs", "/event-types")
