"""How a webhook's owner may say who it is to its receiver: `authentication` of its body.

A secret that reads show masked may come back so, and means the stored one. A stored one goes where
it was stored for, and nowhere else: neither to another host of `webHookUrl` nor, where a token is
fetched with it, to another one of `tokenUrl`.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, get_type_hints

import msgspec

from tidings.core.form import Form, came
from tidings.core.webhooks.authentication import (
    SCHEMES,
    Authentication,
    OAuth2ClientCredentials,
    Text,
    header_of,
)
from tidings.core.webhooks.headers import Headers, is_reserved, same_origin, same_url
from tidings.core.webhooks.masks import looks_masked, mask

FIELD = "authentication"
_TYPE = "type"
_EXAMPLE = '{"type": "basic", "username": "tidings", "password": "…"}'


class Part(NamedTuple):
    """A text of a scheme, where it stands."""

    name: str  # as bodies say it
    attribute: str
    text: Text
    required: bool
    default: Any


class Said(NamedTuple):
    """What a body says, and whether a stored secret stands in it."""

    value: Authentication | None
    stays: bool = False


@cache
def parts_of(scheme: type[Authentication]) -> tuple[Part, ...]:
    """What a scheme is configured with."""
    hints = get_type_hints(scheme, include_extras=True)
    return tuple(
        Part(
            one.encode_name,
            one.name,
            hints[one.name].__metadata__[0],
            one.required,
            None if one.required else one.default,
        )
        for one in msgspec.structs.fields(scheme)
    )


def name_of(authentication: Authentication) -> str:
    """The `type` of a scheme."""
    return next(name for name, scheme in SCHEMES.items() if isinstance(authentication, scheme))


def show_authentication(authentication: Authentication) -> dict[str, str | None]:
    """As answers show it: secrets by their end."""
    shown: dict[str, str | None] = {_TYPE: name_of(authentication)}
    for one in parts_of(type(authentication)):
        value = getattr(authentication, one.attribute)
        shown[one.name] = mask(value) if one.text.secret and value is not None else value
    return shown


def masked_body(said: Any) -> Any:
    """What a body says of it, without secrets: for whoever shows a body before it was read."""
    scheme = SCHEMES.get(str(said.get(_TYPE))) if isinstance(said, dict) else None
    if scheme is None:
        return None if said is None else {}
    secret = {one.name for one in parts_of(scheme) if one.text.secret}
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
    parts = parts_of(scheme)
    form.warn_of_unknown(value, frozenset((_TYPE, *(one.name for one in parts))), f"{FIELD}.")
    old = stored if isinstance(stored, scheme) else None
    before, stays = len(form.refusals), False
    made: dict[str, Any] = {}
    for one in parts:
        said = value.get(one.name)
        if old is not None and one.text.secret:
            kept = getattr(old, one.attribute)
            if said == mask(kept):
                said, stays = kept, True
        made[one.attribute] = _read(form, one, said, check_url)
    if len(form.refusals) > before:
        return Said(None)
    return Said(scheme(**made), stays)


def _read(form: Form, part: Part, said: object, check_url: Callable[[str], str | None]) -> Any:
    if said is None and not part.required:
        return part.default
    place, text = f"{FIELD}.{part.name}", part.text
    secret = text.secret
    if secret and isinstance(said, str) and looks_masked(said):
        form.refuse(
            "masked_value",
            place,
            f"{part.name} must be whole, or what GET shows of the one that is stored; got a mask "
            "of something else. Write the value itself.",
        )
    elif (
        not isinstance(said, str)
        or len(said) > text.chars_max
        or not re.fullmatch(text.pattern, said)
        or (text.rule == "header" and is_reserved(said))
    ):
        got = "something else" if secret and said is not None else came(said)
        advice = "Write it in full." if part.required else "Leave it out if in doubt."
        form.refuse(
            "bad_authentication", place, f"{part.name} must be {text.must}; got {got}. {advice}"
        )
    elif text.rule == "url" and (reason := check_url(said)) is not None:
        form.refuse("url_refused", place, reason)
    return said


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


def _scheme_schema(name: str, scheme: type[Authentication], *, answers: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {_TYPE: {"type": "string", "enum": [name]}}
    for one in parts_of(scheme):
        text: dict[str, Any] = {"type": "string"}
        if one.text.words:
            text["enum"] = list(one.text.words)
        elif not answers:
            text |= {"maxLength": one.text.chars_max, "pattern": f"^(?:{one.text.pattern})$"}
        if one.text.secret:
            text["description"] = "Shown by its end; what is shown means the stored one."
        if not one.required:
            text = {"anyOf": [text, {"type": "null"}]}
        properties[one.name] = text
    required = [_TYPE, *(one.name for one in parts_of(scheme) if one.required)]
    about = (scheme.__doc__ or "").partition("\n")[0]
    return {
        "type": "object",
        "title": name,
        "description": about,
        "properties": properties,
        "required": required,
    }


def _schema(*, answers: bool) -> dict[str, Any]:
    schemes = SCHEMES.items()
    return {"anyOf": [_scheme_schema(name, one, answers=answers) for name, one in schemes]}


SCHEMA, ANSWER_SCHEMA = _schema(answers=False), _schema(answers=True)
