"""The act `call`: an HTTP call. Pure."""

from tidings.core.actions.action import Credential, HttpCall, Part
from tidings.core.actions.file.calls import credential_header, credential_in, headers_in, url_in
from tidings.core.actions.file.connected import DeclaredNames
from tidings.core.actions.file.heard import filter_in
from tidings.core.actions.file.table import Table, View
from tidings.core.actions.file.templates import TemplateReader, is_json, is_kept, part_in, text_in
from tidings.core.webhooks.headers import header_fits
from tidings.values import describe_value

METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
FORM_MAX = 100
CONTENT_TYPE_MAX = 200


def call_of(table: Table, view: View, declared: DeclaredNames) -> HttpCall | None:
    """Read the call that a table declares; what is wrong with it is reported."""
    table.refuse_unknown(
        "method url values headers credential json form text content_type idempotency taken "
        "untaken at_most_once".split()
    )
    method = table.one_of("method", METHODS, "POST")
    url, values = url_in(table, view)
    bodies = [field for field in ("json", "form", "text") if table.body.get(field) is not None]
    if len(bodies) > 1:
        table.refuse(
            "bad_body",
            bodies[1],
            f"A call must have at most one of json, form and text; got {' and '.join(bodies)}. "
            "Remove the others.",
        )
    credential = credential_in(table, declared.credentials)
    headers = headers_in(table, view, credential, body=bool(bodies))
    kept = is_kept(table, "taken")
    taken = None if kept else filter_in(table, "taken", '{path = "status", eq = "success"}')
    return HttpCall(
        method,
        url,
        values,
        headers=headers,
        credential=credential,
        json=part_in(table, "json", view, secrets=True),
        form=_form(table, view),
        text=text_in(table, "text", view),
        content_type=_content_type(table),
        idempotency=_idempotency(table, credential),
        taken=None if taken is None else taken[1],
        untaken=table.one_of("untaken", ("never", "again"), "never"),
        url_secret=table.is_reference("url"),
        at_most_once=table.flag("at_most_once", False),
    )


def _form(table: Table, view: View) -> tuple[tuple[str, Part], ...]:
    form = table.table("form", '{email = "{{ contact.email }}"}')
    if form is None:
        return ()
    if len(form.body) > FORM_MAX:
        form.refuse(
            "too_many",
            "",
            f"form must contain at most {FORM_MAX} fields; got {len(form.body)}. Send less.",
        )
        return ()
    parts, found = TemplateReader(form, view, secrets=True), []
    for name, value in form.body.items():
        is_path = isinstance(value, dict) and list(value) in (["path"], ["file"], ["constant"])
        if not is_path and not is_json(value):
            form.refuse(
                "bad_type",
                name,
                f"{name[:64]} must be a text, a number, true, false or a path; got "
                f"{describe_value(value)}. A form has no lists and no tables: use json.",
            )
        else:
            found.append((name, parts.of(name, value)))
    return tuple(found)


def _content_type(table: Table) -> str:
    if is_kept(table, "content_type"):
        return ""
    content_type = table.text(
        "content_type",
        "a content type",
        lambda text: (
            0 < len(text) <= CONTENT_TYPE_MAX
            and "/" in text
            and text.isascii()
            and text.isprintable()
        ),
        '"text/xml"',
    )
    if content_type and table.body.get("text") is None:
        table.refuse(
            "bad_body",
            "content_type",
            "content_type must be given with text; got it without. json and form have their own.",
        )
    return content_type or (
        "text/plain; charset=utf-8" if table.body.get("text") is not None else ""
    )


def _idempotency(table: Table, credential: Credential | None) -> str:
    name = table.body.get("idempotency")
    if name is None or is_kept(table, "idempotency"):
        return ""
    if not isinstance(name, str):
        table.refuse(
            "bad_type",
            "idempotency",
            f"idempotency must be the name of a header; got {describe_value(name)}. Write "
            '"Idempotency-Key".',
        )
        return ""
    given = table.body.get("headers")
    others = [*(given if isinstance(given, dict) else ())]
    others += [] if credential is None else [credential_header(credential)]
    known = name.lower() in [header.lower() for header in others]
    return name if header_fits(table, "idempotency", name, "", known=known) else ""
