"""How a webhook's owner may say who it is to its receiver: `authentication` of its body.

A secret that reads show masked may come back so, and means the stored one. A stored one goes where
it was stored for, and nowhere else: neither to another host of `webHookUrl` nor, where a token is
fetched with it, to another one of `tokenUrl`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tidings.core.declaration import (
    Json,
    declared,
    or_null,
    read_resource,
    said_names,
    show_resource,
)
from tidings.core.form import Form, came
from tidings.core.webhooks.authentication import (
    SCHEMES,
    Authentication,
    OAuth2ClientCredentials,
    SchemeForm,
    header_of,
)
from tidings.core.webhooks.headers import Headers, same_origin, same_url
from tidings.core.webhooks.masks import mask

FIELD = "authentication"
_TYPE = "type"
_EXAMPLE = '{"type": "basic", "username": "tidings", "password": "…"}'


class Said(NamedTuple):
    """What a body says, and whether a stored secret stands in it."""

    value: Authentication | None
    stays: bool = False


def name_of(authentication: Authentication) -> str:
    """The `type` of a scheme."""
    return next(name for name, scheme in SCHEMES.items() if isinstance(authentication, scheme))


def show_authentication(authentication: Authentication) -> Json:
    """As answers show it: secrets by their end."""
    return {_TYPE: name_of(authentication), **dict(show_resource(authentication))}


def masked_body(said: Any) -> Any:
    """What a body says of it, without secrets: for whoever shows a body before it was read."""
    scheme = SCHEMES.get(str(said.get(_TYPE))) if isinstance(said, dict) else None
    if scheme is None:
        return None if said is None else {}
    secret = {one.name for one in declared(scheme) if getattr(one.field.kind, "secret", False)}
    return {
        name: mask(value) if name in secret and isinstance(value, str) else value
        for name, value in said.items()
    }


def read_authentication(
    form: Form, stored: Authentication | None, check_url: Callable[[str], str | None]
) -> Said:
    """What the body says of it, and it does say something. What is `stored` is what masks mean."""
    value = form.body[FIELD]
    if value is None:
        return Said(None)
    name = value.get(_TYPE) if isinstance(value, dict) else None
    scheme = SCHEMES.get(name) if isinstance(name, str) else None
    if scheme is None:
        *first, last = SCHEMES
        got = came(value) if not isinstance(value, dict) else f"the type {came(name)}"
        form.refuse(
            "bad_authentication",
            FIELD,
            f"authentication must be an object with the type {', '.join(first)} or {last}; got "
            f"{got}. Write {_EXAMPLE}.",
        )
        return Said(None)
    names = said_names(scheme)
    form.warn_of_unknown(value, frozenset((_TYPE, *names)), f"{FIELD}.")
    inner = SchemeForm(value, stored if isinstance(stored, scheme) else None, check_url)
    made = read_resource(scheme, inner, None)
    form.take_in(inner, f"{FIELD}.")
    return Said(None) if inner.refusals else Said(made, inner.stays)


def refuse_twice(form: Form, authentication: Authentication, headers: Headers) -> None:
    """A header is set by the headers of a webhook or by its authentication, not by both."""
    name = header_of(authentication)
    if any(one.lower() == name.lower() for one, _ in headers):
        form.refuse(
            "duplicate_header",
            FIELD,
            f"authentication must set a header that webHookHeaders has not; got {name} in both. "
            "Take it out of webHookHeaders.",
        )


def is_elsewhere(
    old: tuple[Authentication | None, str], new: tuple[Authentication, str], *, tried: bool
) -> bool:
    """Whether what is stored would go to another place than it was stored for, by the scheme and
    the URL of both; for a test message that is any other URL."""
    same = same_url if tried else same_origin
    (was, old_url), (now, url) = old, new
    if url.strip() and not same(old_url, url):
        return True
    if not isinstance(now, OAuth2ClientCredentials):
        return False
    return not (isinstance(was, OAuth2ClientCredentials) and same(was.token_url, now.token_url))


def refuse_elsewhere(form: Form) -> None:
    """A changed webhook sends no stored secret elsewhere."""
    form.refuse(
        "credentials_stay",
        FIELD,
        "authentication must hold its secret whole where webHookUrl or tokenUrl moves to another "
        "scheme, host or port; got another one, and no secret. A stored secret goes where it was "
        "stored for alone: give it again, or set authentication to null.",
    )


def warn_left_out(form: Form) -> None:
    """A test message goes without what is stored for another URL."""
    form.warn(
        "credentials_left_out",
        FIELD,
        "webHookUrl and tokenUrl must be the stored ones for a stored secret to be sent; got "
        "another. This test went without authentication: give the whole secret to send it.",
    )


def _scheme_schema(name: str, scheme: type[Authentication], *, answers: bool) -> Json:
    fields = declared(scheme)
    properties: Json = {_TYPE: {"type": "string", "enum": [name]}}
    for one in fields:
        text = one.field.kind.shown() if answers else one.field.kind.taken(new=True)
        properties[one.name] = text if one.required else or_null(text)
    return {
        "type": "object",
        "title": name,
        "description": (scheme.__doc__ or "").partition("\n")[0],
        "properties": properties,
        "required": [_TYPE, *(one.name for one in fields if one.required)],
    }


def _schema(*, answers: bool) -> dict[str, Any]:
    schemes = SCHEMES.items()
    return {"anyOf": [_scheme_schema(name, one, answers=answers) for name, one in schemes]}


SCHEMA, ANSWER_SCHEMA = _schema(answers=False), _schema(answers=True)
