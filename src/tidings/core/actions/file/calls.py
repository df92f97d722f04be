"""What HTTP calls of look-ups and of acts have in common: URLs with holes, and headers. Pure.

A hole stands in the path or the query alone, so that no event says which server is asked.
"""

import re

from tidings.core.actions.action import (
    Credential,
    Path,
    Plain,
    ServiceAccount,
    TemplatedText,
    TokenCall,
)
from tidings.core.actions.file.likely_slips import warn_of_proof
from tidings.core.actions.file.table import Table, View, listed
from tidings.core.actions.file.templates import text_of
from tidings.core.actions.placeholders import HOLE, holes_of
from tidings.core.webhooks.authentication import AUTHORIZATION, header_of
from tidings.core.webhooks.body_reader import URL_MAX
from tidings.core.webhooks.headers import HEADERS_BYTES_MAX, HEADERS_MAX, header_fits
from tidings.core.webhooks.targets.mailing import is_template
from tidings.values import describe_value

_WHERE = re.compile(r"(?i)https?://([^/?#]*)")
_SET_BY_BODY = "content-type"


def url_in(table: Table, view: View) -> tuple[str, dict[str, Path]]:
    """Read the URL of a call, and the paths that fill its holes; what is wrong is reported."""
    if not table.need("url", '"https://api.example/v1/customers/{id}"'):
        return "", {}
    url = table.body["url"]
    if isinstance(url, str) and len(url) <= URL_MAX and _is_url(table, url):
        return url, values_in(table, view, list(holes_of(url)), "a hole of the URL, as {id}")
    if not isinstance(url, str) or len(url) > URL_MAX:
        got = f"{len(url)} characters" if isinstance(url, str) else describe_value(url)
        table.refuse(
            "bad_url",
            "url",
            f"url must be a text of at most {URL_MAX} characters; got {got}. Write "
            "https://api.example/v1/customers/{id}.",
        )
    return "", {}


def _is_url(table: Table, url: str) -> bool:
    where = _WHERE.match(url)
    rest = HOLE.sub("x", url)
    if where is None:
        must, advice = "begin with https:// or http://", "Write it in full."
    elif "{" in where[1] or is_template(url[: where.end()]):
        must = "have no hole and no template before its path"
        advice = "An event may not say which server is asked: write the host."
    elif "{" in rest or "}" in rest:
        must = "have holes such as {id}, of letters, digits and _, and no template"
        advice = "Fill a hole by values, and write %7B for a brace."
    else:
        if (reason := table.given.check_url(rest)) is not None:
            table.refuse("url_refused", "url", reason)
        return reason is None
    table.refuse("bad_url", "url", f"url must {must}; got {describe_value(url)}. {advice}")
    return False


def values_in(table: Table, view: View, holes: list[str], what: str) -> dict[str, Path]:
    """Read the paths in `values`: one for each hole, and no other, or it is reported. `what` names
    a hole in words."""
    given = table.table("values", '{id = "event.data.customerIdentifiers.customerId"}')
    fields = {} if given is None else given.body
    found: dict[str, Path] = {}
    if given is not None:
        for name, path in fields.items():
            if name not in holes:
                given.refuse(
                    "unknown_name",
                    name,
                    f"values must name {what}; got {describe_value(name)}, which is none. Remove "
                    "it, or add it there.",
                )
            elif given.is_seen(name, path, view):
                found[name] = path
    for hole in dict.fromkeys(holes):
        if hole not in fields:
            table.refuse(
                "field_missing",
                "values",
                f"values must name every value to fill in; got no path for {hole}. Write "
                f'{hole} = "event.data.…".',
            )
    return found


def headers_in(
    table: Table, view: View | None, credential: Credential | None, *, body: bool = False
) -> tuple[tuple[str, TemplatedText | Plain], ...]:
    """Read the headers of a call; what is wrong is reported. `view`: what templates may use; with
    None there are none. `body`: whether the call has one, whose type is set elsewhere."""
    given = table.table("headers", '{X-Brand = "acme"}')
    if given is None:
        return ()
    found: dict[str, tuple[str, TemplatedText | Plain]] = {}
    taken = "" if credential is None else credential_header(credential).lower()
    for name, value in given.body.items():
        lower = name.lower()
        template = view is not None and isinstance(value, str) and is_template(value)
        if lower == taken or (body and lower == _SET_BY_BODY):
            by = "the credential" if lower == taken else "the body (say content_type beside text)"
            given.refuse(
                "duplicate_header",
                name,
                f"headers must not contain one that is set anyway; got {describe_value(name)}, "
                f"which is set by {by}. Remove it.",
            )
        elif view is not None and given.is_reference(name):
            given.refuse(
                "secret_kept",
                name,
                "headers must be written in the file, since those of an act are stored and shown; "
                "it comes from elsewhere. Declare a credential of type apiKey.",
            )
        elif header_fits(given, name, name, "" if template else value, known=lower in found):
            text: TemplatedText | Plain | None = Plain(value.strip(" \t"))
            if template and view is not None:
                text = text_of(given, name, value, view)
            if text is not None:
                found[lower] = (name, text)
                warn_of_proof(given, name)
    size = sum(len(name) + len(str(value)) + 4 for name, value in given.body.items())
    if size > HEADERS_BYTES_MAX or len(given.body) > HEADERS_MAX:
        table.refuse(
            "headers_too_large",
            "headers",
            f"headers must be at most {HEADERS_MAX} and {HEADERS_BYTES_MAX} bytes; got "
            f"{len(given.body)} and {size}. Remove what the receiver does not need.",
        )
    return tuple(found.values())


def credential_header(credential: Credential) -> str:
    """Return the name of the header that carries a credential."""
    if isinstance(credential, TokenCall):
        return credential.header
    return AUTHORIZATION if isinstance(credential, ServiceAccount) else header_of(credential)


def credential_in(table: Table, credentials: dict[str, Credential | None]) -> Credential | None:
    """Find the credential that a table names; None if it names none, or one that is not declared,
    which is reported."""
    name = table.body.get("credential")
    if name is None:
        return None
    if isinstance(name, str) and name in credentials:
        return credentials[name]
    known = f"one of {listed(credentials)}" if credentials else "declared in [credentials.NAME]"
    table.refuse(
        "unknown_credential",
        "credential",
        f"credential must be {known}; got {describe_value(name)}. Declare it, or leave it out.",
    )
    return None
