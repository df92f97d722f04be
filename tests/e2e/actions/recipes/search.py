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

SHORTEST = 5  # characters: what is shorter stands in anything
_LINE_END = re.compile(rb"=?\r?\n[ \t]?")  # also of quoted-printable, base64 and folded headers


def contact_values(rows: Iterable[Row]) -> set[str]:
    """All of a contact list by which somebody can be known."""
    found: set[str] = set()
    for row in rows:
        found |= {row["email"], row["phone"], row["phone"].lstrip("+"), row["name"]}
        found |= {row.get("device", ""), *row["name"].split()}
    return {text for text in found if len(text) >= SHORTEST}


def forms_of(value: str) -> set[bytes]:
    """How a value may stand in bytes, in small letters where that makes no other one of it."""
    raw = value.encode()
    found = {raw, value.encode("utf-16-le"), value.encode("utf-16-be")}
    found |= {quote(value, safe="").encode(), quote_plus(value).encode(), quote(value).encode()}
    found |= {json.dumps(value)[1:-1].encode(), html.escape(value).encode()}
    found |= {quopri.encodestring(raw).strip(), quopri.encodestring(raw, header=True).strip()}
    found |= {"".join(f"&#{ord(text)};" for text in value).encode(), raw.hex().encode()}
    for before in range(3):  # where base64 of something longer has it
        whole = base64.b64encode(b"\0" * before + raw)
        found.add(whole[-(-8 * before // 6) : len(whole) - 4 if len(raw) > 6 else None])
        found.add(found_urlsafe(whole, before, len(raw)))
    return {body.lower() for body in found if len(body) >= SHORTEST}


def found_urlsafe(whole: bytes, before: int, size: int) -> bytes:
    """The same in the alphabet of URLs."""
    return whole.translate(bytes.maketrans(b"+/", b"-_"))[-(-8 * before // 6) : -4]


class Search:
    """For values, in many places."""

    def __init__(self, values: Iterable[str]) -> None:
        self._forms = {form: value for value in values for form in forms_of(value)}
        assert self._forms

    def hits(self, places: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
        """Where a value stands, and which."""
        found = []
        for place, content in places:
            low = content.lower()
            joined = _LINE_END.sub(b"", low)
            for form, value in self._forms.items():
                if form in low or form in joined:
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
