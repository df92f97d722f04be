"""The HTML of a mail as its reader sees it: a document for a frame, which can neither run nor load
anything.

A mail brings its own styles, which a page of ours does not let in, so it is a document of its own.
Its policy holds in the frame and in a window of its own alike: it is of no origin, scripts and
forms are off, and pictures are those that it carries itself.
"""

from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from tidings.console.visit import Visit

POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'{around}"
)
_NOTE = Markup(
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>No mail</title><p>{}</p></html>'
)


def html_of(made: dict[str, Any] | None) -> str | None:
    """Return the HTML of what a run has made; None where it is no mail, or has none."""
    if made is None or made["kind"] != "mail":
        return None
    html: str | None = made["content"]["html"]
    return html


def mail_answer(visit: Visit, html: str, status: int = 200) -> Response:
    """Answer with the HTML of a mail, for a frame of a page of ours."""
    portal = visit.portal
    around = "".join(f" {origin}" for origin in portal.embed_in) if portal is not None else ""
    headers = {
        "content-security-policy": POLICY.format(around=around),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-dns-prefetch-control": "off",
    }
    text = html.encode("utf-8", "replace")
    return Response(text, status, headers, media_type="text/html; charset=utf-8")


def mail_note(visit: Visit, sentence: str, status: int) -> Response:
    """Answer with a sentence in the place of a mail."""
    return mail_answer(visit, _NOTE.format(sentence), status)
