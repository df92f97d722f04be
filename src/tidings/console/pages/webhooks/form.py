"""The form of a webhook: fields of a page to a body of `/v3/webHooks` and back, and which field a
refusal belongs to. Pure; what a body may say is judged by `core/webhooks/rules.py` alone.

A header's value is shown by its last four characters. Sent back so, it means the value that is
stored already.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidings.catalogue.uses import USE_OF
from tidings.console.json_fields import read_json
from tidings.console.pages.webhooks import filter_form, type_form
from tidings.core.declaration import DeclaredField, declared
from tidings.core.delivery.retry_policy import DEFAULT_POLICY, RetryPolicy
from tidings.core.shaping.enrichment import IDENTIFIERS, STORE, THIN, TILL, WAIT, WHEN_DOWN
from tidings.core.shaping.filters.conditions import ConditionTree
from tidings.core.shaping.neo_rules import NEO, SEND_WHOLE
from tidings.core.shaping.shape_rules import FIELDS, FILTER, RENAME, TRANSFORMATION, show_fields
from tidings.core.shaping.signatures import schemes
from tidings.core.webhooks.authentication import LABELS, SCHEMES
from tidings.core.webhooks.authentication_body import FIELD as AUTHENTICATION
from tidings.core.webhooks.authentication_body import VARIANTS
from tidings.core.webhooks.fields import (
    FIELD_OF,
    SETTABLE,
    SIGNATURES,
    WITHOUT_PERSONAL_DATA,
    WebhookSettings,
)
from tidings.core.webhooks.masks import masked
from tidings.core.webhooks.retry_policy_body import RETRY_FIELDS, show_retry
from tidings.core.webhooks.webhook_types import HTTP
from tidings.errors import FieldRefusal
from tidings.schema.forms import asked, choices, is_ticked, number_in, text_of, value_of, widget
from tidings.values import describe_value

_ASKED = asked(SETTABLE)
_WRITTEN = [field for field in _ASKED if widget(field) != "tick"]
_TICKS = [field for field in _ASKED if widget(field) == "tick"]
# By their places on the page. The original's page asks for till and store first.
METHOD = FIELD_OF["methodType"]
TICKS = tuple(FIELD_OF[name] for name in (TILL, STORE))
FURTHER_TICKS = tuple(tick for tick in _TICKS if tick.keyed and tick not in TICKS)
ADVANCED = tuple(field for field in _WRITTEN if field is not METHOD and widget(field) == "text")
ADVANCED_CHOICES = tuple(
    field for field in _WRITTEN if field is not METHOD and widget(field) == "choice"
)
WITHOUT = FIELD_OF[WITHOUT_PERSONAL_DATA]
ADVANCED_TICKS = tuple(tick for tick in _TICKS if not tick.keyed and tick is not WITHOUT)
CHOICES = {field.name: choices(field) for field in _WRITTEN if widget(field) == "choice"}
SOURCES = (
    ("WeChat", "WeChat"),
    ("WebEngage", "WebEngage"),
    ("Instore", "InStore: external id, mobile and e-mail"),
)
WHEN_DOWN_CHOICES = (
    (THIN, "Send without what is missing"),
    (WAIT, "Wait until it answers"),
)
FIELDS_CHOICES = (("all", "All fields"), ("keep", "Only these"), ("drop", "All but these"))
HEADER_ROWS_MIN = 2
SCHEMES_OF_SIGNATURES = tuple(schemes.SCHEMES.values())
AUTHENTICATIONS = (("", "None"), *LABELS.items())
PARTS = {
    scheme: [(f"{AUTHENTICATION}.{field.name}", field) for field in declared(kind)]
    for scheme, kind in SCHEMES.items()
}
WORDS = {
    place: [(word, word) for word in getattr(part.field.kind, "words", ())]
    for parts in PARTS.values()
    for place, part in parts
}
# The fields of a retry policy, by their places on the page.
RETRY_POLICY = "retryPolicy"
USES_FIELD = "uses"  # ticked on the page instead of the types that they stand for
RETRIES = tuple((f"{RETRY_POLICY}.{field.name}", field) for field in RETRY_FIELDS)


_TEXTS = (
    *("name", "webHookUrl", "signingSecret", TRANSFORMATION, WHEN_DOWN),
    *type_form.TEXTS,
    *(field.name for field in _WRITTEN),
    *(AUTHENTICATION, *(place for parts in PARTS.values() for place, _ in parts)),
    *(place for place, _ in RETRIES),
    *(FILTER, "fieldsKind", "paths", RENAME),
)
_CHECKS = tuple(tick.name for tick in _TICKS)
# Ticked on the page, and no field of a body by itself.
_TICKED = (*_CHECKS, SEND_WHOLE)

# The page's field for a body's field; all others have the same name.
_PLACES = {
    RETRY_POLICY: RETRIES[0][0],
    "fields": "paths",
    "neoEnrichment": "flow",
    "webHookHeaders": "headers",
    "all": FILTER,
    "any": FILTER,
    "not": FILTER,
}


class WebhookFormState(msgspec.Struct):
    """The values of the page's fields."""

    texts: dict[str, str]
    checks: set[str]  # ticked ones
    headers: list[tuple[str, str]]
    names: list[str]  # of event types
    sources: list[str]
    signatures: list[str]  # ticked schemes
    unknown_uses: Sequence[str] = ()
    asks_signing: bool = True  # whether the page has ticks for them
    rows: ConditionTree | None = None  # of the filter; None: it is edited as JSON


def fresh(kind: str = HTTP) -> WebhookFormState:
    """Fill the page of a new webhook of a type as it is first seen."""
    texts = dict.fromkeys(_TEXTS, "")
    texts |= {field.name: text_of(field.usual()) for field in _WRITTEN}
    texts |= {
        type_form.TYPE: kind,
        WHEN_DOWN: THIN,
        **{place: words[0][0] for place, words in WORDS.items() if words},
        "fieldsKind": "all",
        **_retry_texts(DEFAULT_POLICY),
    }
    return WebhookFormState(
        texts=texts,
        checks={"active"},
        headers=[("", "")] * HEADER_ROWS_MIN,
        names=[],
        sources=[],
        signatures=[*FIELD_OF[SIGNATURES].usual()],
        rows=filter_form.rows_of_json(""),
    )


def of_settings(settings: WebhookSettings, active: bool) -> WebhookFormState:
    """Fill the page of a webhook that is there."""
    shown, extra = fresh(), settings.extra
    fields = show_fields(settings.fields) or {}
    kind = next(iter(fields), "all")
    shown.texts |= {
        "name": settings.name,
        "webHookUrl": settings.url,
        **{field.name: text_of(field.show(settings)) for field in _WRITTEN},
        TRANSFORMATION: settings.transformation or "",
        **_authentication_texts(settings),
        **type_form.texts_of(settings),
        WHEN_DOWN: str(_extra(extra, WHEN_DOWN) or THIN),
        **_retry_texts(settings.retry),
        FILTER: "" if settings.filter is None else filter_form.laid_out(settings.filter),
        "fieldsKind": kind,
        "paths": "\n".join(fields.get(kind, ())),
        RENAME: "\n".join(f"{path} = {name}" for path, name in settings.rename.items()),
    }
    set_ = {tick.name for tick in _TICKS if tick.name != "active" and is_ticked(tick.of(settings))}
    shown.checks = set_ | ({"active"} if active else set())
    shown.checks |= {SEND_WHOLE} if (_extra(extra, NEO) or {}).get(SEND_WHOLE) else set()
    shown.headers = [*masked(settings.headers), ("", "")]
    shown.names = list(settings.event_names)
    shown.signatures = list(settings.signatures)
    shown.rows = filter_form.rows_of_json(shown.texts[FILTER])
    shown.sources = [str(identifier) for identifier in _extra(extra, IDENTIFIERS) or ()]
    return shown


def of_form(form: Mapping[str, str], lists: Mapping[str, Sequence[str]]) -> WebhookFormState:
    """Read the page as somebody has filled it in."""
    texts = {name: form.get(name, "").strip() for name in _TEXTS}
    names, values = lists.get("headerName", ()), lists.get("headerValue", ())
    headers = [(name.strip(), value) for name, value in zip(names, values, strict=False)]
    uses = lists.get(USES_FIELD, ())
    return WebhookFormState(
        texts=texts,
        checks={name for name in _TICKED if name in form},
        headers=headers or [("", "")] * HEADER_ROWS_MIN,
        names=list(
            dict.fromkeys(
                [
                    *lists.get("eventNames", ()),
                    *(name for use in uses if use in USE_OF for name in USE_OF[use].types),
                    *_lines(form.get("otherNames", "")),
                ]
            )
        ),
        unknown_uses=[use for use in uses if use not in USE_OF],
        sources=list(dict.fromkeys(lists.get("sources", ()))),
        signatures=list(lists.get(SIGNATURES, ()))
        if "signing" in form
        else [*FIELD_OF[SIGNATURES].usual()],
        asks_signing="signing" in form,
        rows=filter_form.rows_in(form, lists),
    )


def body_of(shown: WebhookFormState) -> tuple[dict[str, Any], list[FieldRefusal]]:
    """Build the body that the page says, and list what cannot be read as a body at all."""
    texts = shown.texts
    refusals: list[FieldRefusal] = []
    body: dict[str, Any] = {
        "name": texts["name"],
        "webHookUrl": texts["webHookUrl"],
        **{field.name: value_of(field, texts[field.name]) for field in _WRITTEN},
        "eventNames": shown.names,
        "webHookHeaders": _headers(shown.headers),
        AUTHENTICATION: _authentication(texts),
        IDENTIFIERS: shown.sources,
        WHEN_DOWN: texts[WHEN_DOWN] or None,
        TRANSFORMATION: texts[TRANSFORMATION] or None,
        RETRY_POLICY: {field.name: _retry_value(field, texts[place]) for place, field in RETRIES},
        FIELDS: _fields(texts["fieldsKind"], texts["paths"]),
        FILTER: None,
        RENAME: None,
        **{name: name in shown.checks for name in _CHECKS},
    }
    body |= type_form.body_of(texts, refusals)
    refusals += [unknown_use(use) for use in shown.unknown_uses[:1]]
    if shown.asks_signing:
        body[SIGNATURES] = shown.signatures
    if texts["signingSecret"]:
        body["signingSecret"] = texts["signingSecret"]
    if shown.rows is not None:
        body[FILTER], of_rows = filter_form.filter_in(shown.rows, texts[FILTER])
        refusals += of_rows
    elif texts[FILTER]:
        body[FILTER] = read_json(FILTER, texts[FILTER], refusals)
    if texts[RENAME]:
        body[RENAME] = _renames(texts[RENAME], refusals)
    return body, refusals


def unknown_use(use: str) -> FieldRefusal:
    """Refuse a use of events that is none of the table's."""
    return FieldRefusal.build(
        "unknown_use",
        f"uses must be one of {', '.join(USE_OF)}; got {describe_value(use)}. Choose one of them, "
        "or choose event types.",
        field="eventNames",
    )


def placed(refusals: Sequence[FieldRefusal]) -> dict[str, str]:
    """Place the refusals beside the fields of the page; under "" those that belong to none."""
    found: dict[str, list[str]] = {}
    for refusal in refusals:
        found.setdefault(_place(refusal.field), []).append(refusal.message)
    return {place: " ".join(sentences[:5]) for place, sentences in found.items()}


def _place(field: str) -> str:
    if field in _TEXTS or filter_form.is_row_place(field):
        return field
    if field in _PLACES:
        return _PLACES[field]
    if (own := next((text for text in _TEXTS if "." in text and field.startswith(text)), "")) != "":
        return own
    stem = field.partition(".")[0].partition("[")[0]
    place = _PLACES.get(stem, stem)
    known = (*_TEXTS, *_CHECKS, "headers", "flow", "eventNames", IDENTIFIERS, SIGNATURES)
    return place if place in known else ""


def _headers(rows: Sequence[tuple[str, str]]) -> dict[str, str] | list[Any]:
    return {name: value for name, value in rows if name or value.strip()} or []


def _authentication_texts(settings: WebhookSettings) -> dict[str, str]:
    if settings.authentication is None:
        return {}
    shown = VARIANTS.show(settings.authentication)
    scheme = str(shown.pop("type"))
    return {AUTHENTICATION: scheme} | {
        f"{AUTHENTICATION}.{name}": value or "" for name, value in shown.items()
    }


def _authentication(texts: Mapping[str, str]) -> dict[str, str | None] | None:
    scheme = texts[AUTHENTICATION]
    if not scheme:
        return None
    fields = {part.name: texts[place] or None for place, part in PARTS.get(scheme, ())}
    return {"type": scheme, **fields}


def _fields(kind: str, paths: str) -> dict[str, list[str]] | None:
    if kind not in ("keep", "drop"):
        return None
    return {kind: _lines(paths)}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _renames(text: str, refusals: list[FieldRefusal]) -> dict[str, str]:
    made: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        path, equals, name = line.partition("=")
        if not equals:
            refusals.append(
                FieldRefusal.build(
                    "bad_rename",
                    f'Each line must be a path, = and a new name; got "{line[:40]}". Write '
                    "data.totalPointsIssued = points.",
                    field="rename",
                )
            )
        made[path.strip()] = name.strip()
    return made


def _list(text: str) -> list[Any] | None:
    parts = [part.strip() for part in text.replace(";", ",").split(",")]
    return [number_in(part) for part in parts if part] or None


def _retry_texts(policy: RetryPolicy) -> dict[str, str]:
    shown = show_retry(policy)
    return {place: _numbers(shown[field.name]) for place, field in RETRIES}


def _retry_value(field: DeclaredField, text: str) -> Any:
    takes_list = field.field.kind.taken(new=True)["type"] == "array"
    return _list(text) if takes_list else number_in(text)


def _numbers(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _extra(extra: Mapping[str, msgspec.Raw], field: str) -> Any:
    raw = extra.get(field)
    return None if raw is None else msgspec.json.decode(raw)
