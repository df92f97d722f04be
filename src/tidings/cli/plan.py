"""Webhooks as code: what has to happen so that the webhooks are as a file says. Pure.

A webhook is known by its name. What a file leaves out of a webhook has its default, so that a file
says all there is. Secrets are not in files: a header that may hold one is written `${NAME}`, which
stands for a variable of the environment; where that is not set, the header stays as it is.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidings.cli.webhook_fields import SECRET_NAME, hidden
from tidings.core.outcome import DEFAULT_POLICY
from tidings.core.retry_rules import show_retry

Body = dict[str, Any]

# What a webhook has where nothing is said. Tests hold it against the service.
DEFAULTS: Body = {
    "active": True,
    "eventNames": [],
    "eventVersions": {},
    "filter": None,
    "fields": None,
    "rename": {},
    "transformation": None,
    "webHookType": "HTTP",
    "webHookUrl": "",
    "methodType": "POST",
    "webHookHeaders": {},
    "maxAllowedConnections": 10,
    "slaInSeconds": None,
    "customerIdentifiersToBeEnriched": [],
    "tillDetailsEnrichmentEnabled": False,
    "storeDetailsEnrichmentEnabled": False,
    "awardedReferenceEnrichmentEnabled": False,
    "availablePointsBalanceEnrichmentEnabled": False,
    "cardNumberEnrichmentEnabled": False,
    "enrichmentWhenDown": "thin",
    "listenToChildEvents": False,
    "neoEnrichment": None,
    "ordering": "none",
    "holdOnFailure": False,
    "rateLimit": None,
    "deadlineInSeconds": 30.0,
    "keepResponses": False,
    "retryPolicy": show_retry(DEFAULT_POLICY),
}
ORDER = ("name", *DEFAULTS)
# What the original knows: an import of its answer says nothing about the rest.
ORIGINAL = (
    "active eventNames webHookType webHookUrl methodType webHookHeaders maxAllowedConnections "
    "slaInSeconds customerIdentifiersToBeEnriched tillDetailsEnrichmentEnabled "
    "storeDetailsEnrichmentEnabled awardedReferenceEnrichmentEnabled "
    "availablePointsBalanceEnrichmentEnabled listenToChildEvents neoEnrichment"
).split()
HEADERS = "webHookHeaders"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]{0,127})\}")
_UNSURE = re.compile(r"[^A-Z0-9]+")


class BadFile(Exception):
    """A file does not say what webhooks there are to be."""


@dataclass(frozen=True)
class Change:
    """One thing to do. `body` is None for a removal; `present` for a webhook to be made."""

    name: str
    present: Body | None
    body: Body | None
    fields: tuple[tuple[str, Any, Any], ...] = ()  # field, what it is, what it is to be

    @property
    def what(self) -> str:
        """In a word."""
        if self.present is None:
            return "create"
        return "delete" if self.body is None else "change"


# -- out of the service ----------------------------------------------------------------------------


def exported(webhook: Mapping[str, Any]) -> Body:
    """A webhook as a file holds it: without secrets, and without what is usual."""
    shown = settled(webhook)
    shown[HEADERS] = {
        name: variable(webhook["name"], name) if SECRET_NAME.search(name) else value
        for name, value in shown[HEADERS].items()
    }
    kept: Body = {"name": webhook["name"]}
    for field in DEFAULTS:
        always = field in ("eventNames", "webHookUrl", "maxAllowedConnections")
        if always or not same(field, shown[field], DEFAULTS[field]):
            kept[field] = shown[field]
    return kept


def settled(webhook: Mapping[str, Any]) -> Body:
    """The fields of a webhook that can be set, as GET shows it."""
    shown = {field: webhook.get(field, default) for field, default in DEFAULTS.items()}
    shown[HEADERS] = shown[HEADERS] or {}
    neo = shown["neoEnrichment"]
    if isinstance(neo, Mapping):
        kept = {name: neo.get(name) for name in ("label", "value")}
        shown["neoEnrichment"] = kept if any(kept.values()) else None
    return shown


def variable(webhook: str, header: str) -> str:
    """What stands in a file for a header's secret."""
    name = _UNSURE.sub("_", f"{webhook}_{header}".upper()).strip("_")
    return "${" + (name if name[:1].isalpha() else f"WEBHOOK_{name}")[:128] + "}"


# -- out of a file ---------------------------------------------------------------------------------


def read_file(document: Any) -> list[Body]:
    """The webhooks of a file of ours. BadFile."""
    found = document.get("webhooks") if isinstance(document, Mapping) else None
    if not isinstance(found, list):
        raise BadFile("FILE must hold a list named webhooks; got none. `export` writes one.")
    return _checked(found, tuple(ORDER))


def read_original(document: Any) -> tuple[list[Body], list[str]]:
    """The active webhooks of an answer of the original's `GET /v3/webHooks`, and what was left out.

    BadFile. Among those that are not active are the deleted ones, which look the same.
    """
    found = document.get("data") if isinstance(document, Mapping) else document
    if not isinstance(found, list):
        raise BadFile(
            "FILE must be an answer of GET /v3/webHooks, with a list as data; got no list. Save "
            "the whole answer."
        )
    left, kept = [], []
    for one in found:
        if isinstance(one, Mapping) and one.get("active") is False:
            left.append(f"{str(one.get('name'))[:80]} is not active; it was left out.")
        elif isinstance(one, Mapping):
            body = {name: one[name] for name in ("name", *ORIGINAL) if one.get(name) is not None}
            kept.append(body | {"neoEnrichment": settled(one)["neoEnrichment"]})
        else:
            kept.append(one)
    return _checked(kept, ("name", *ORIGINAL)), left


def _checked(found: list[Any], known: Sequence[str]) -> list[Body]:
    names: set[str] = set()
    for at, one in enumerate(found, 1):
        if not isinstance(one, dict) or not isinstance(one.get("name"), str) or not one["name"]:
            raise BadFile(f"Webhook {at} of FILE must have a name; got none. Write name: crm.")
        name = one["name"]
        if name in names:
            raise BadFile(f"A name must be there once; {name[:80]} is there twice. Rename one.")
        names.add(name)
        for field in one:
            if field not in (*known, "signingSecret"):
                raise BadFile(
                    f"A field of {name[:80]} must be one of a webhook; got {str(field)[:80]}. "
                    "Check its spelling."
                )
        headers = one.get(HEADERS) or {}
        if not isinstance(headers, dict) or not all(
            isinstance(value, str) for value in headers.values()
        ):
            raise BadFile(f"{HEADERS} of {name[:80]} must be names and texts. Put them in quotes.")
    return found


def fill(body: Body, environ: Mapping[str, str], present: Mapping[str, Any] | None) -> Body:
    """A webhook of a file with the values of its variables.

    A header whose variable is not set stays as it is. BadFile where there is nothing to stay.
    """
    there = {name.lower(): value for name, value in ((present or {}).get(HEADERS) or {}).items()}
    filled = dict(body)
    if HEADERS in body:
        filled[HEADERS] = {
            name: _value(str(body["name"]), name, value, environ, there.get(name.lower()))
            for name, value in (body[HEADERS] or {}).items()
        }
    if isinstance(said := body.get("signingSecret"), str):
        filled["signingSecret"] = _value(str(body["name"]), "signingSecret", said, environ, "")
    return filled


def _value(
    webhook: str, field: str, said: str, environ: Mapping[str, str], stays: str | None
) -> str:
    missing = [name for name in _VARIABLE.findall(said) if name not in environ]
    if not missing:
        return _VARIABLE.sub(lambda found: environ[found[1]], said)
    if stays is not None:
        return stays
    raise BadFile(
        f"{field} of {webhook[:80]} needs the variable {missing[0]}; it is not set. Set it: "
        f"{missing[0]}=… tidings webhooks apply FILE"
    )


# -- the plan --------------------------------------------------------------------------------------


def plan(
    wanted: Sequence[Body],
    present: Sequence[Mapping[str, Any]],
    environ: Mapping[str, str],
    *,
    prune: bool = False,
    only: Sequence[str] | None = None,
) -> list[Change]:
    """What has to be done, in the order of the file; removals last. BadFile.

    `only` are the fields that are looked at, all where it is None.
    """
    by_name = {one["name"]: one for one in present}
    changes = []
    for body in wanted:
        name = str(body["name"])
        there = by_name.get(name)
        filled = fill(body, environ, there)
        if there is None:
            given = {field: value for field, value in filled.items() if value is not None}
            changes.append(Change(name, None, {"maxAllowedConnections": 10} | given, _new(filled)))
            continue
        new = {field: _or_default(filled, field) for field in only or DEFAULTS}
        old = settled(there)
        moved = tuple(
            (field, old[field], new[field])
            for field in new
            if not same(field, old[field], new[field])
        )
        if moved:
            changes.append(Change(name, dict(there), {field: to for field, _, to in moved}, moved))
    if prune:
        names = {str(body["name"]) for body in wanted}
        changes += [
            Change(one["name"], dict(one), None) for one in present if one["name"] not in names
        ]
    return changes


def _or_default(body: Body, field: str) -> Any:
    """A field of a file; null stands for its default."""
    value = body.get(field)
    return DEFAULTS[field] if value is None else value


def same(field: str, old: Any, new: Any) -> bool:
    """Whether two values of a field come to the same."""
    if field in ("eventNames", "customerIdentifiersToBeEnriched"):
        return sorted(old or []) == sorted(new or [])
    if field == HEADERS:
        return _lowered(old) == _lowered(new)
    if field == "retryPolicy":
        usual = DEFAULTS[field]
        return {**usual, **(old or {})} == {**usual, **(new or {})}
    if field == "maxAllowedConnections" and isinstance(new, float) and math.isfinite(new):
        return bool(old == int(new))  # 10.99 is 10, as in the original
    if field == "slaInSeconds":
        return (old or None) == (new or None)
    return bool(old == new)


def _lowered(headers: Any) -> dict[str, Any]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _new(body: Body) -> tuple[tuple[str, Any, Any], ...]:
    return tuple(
        (field, None, body[field])
        for field in ORDER
        if field != "name" and field in body and body[field] != DEFAULTS[field]
    )


def diff(change: Change) -> list[tuple[str, str]]:
    """A change in lines, each with its sign: `+` comes, `-` goes, `~` both. No secret is in it."""
    sign = {"create": "+", "delete": "-", "change": "~"}[change.what]
    lines = [(sign, change.name)]
    for field, old, new in change.fields:
        if field == HEADERS:
            lines += _header_lines(old or {}, new or {})
        elif change.present is None:
            lines.append(("+", f"  {field}: {_text(new)}"))
        else:
            lines.append(("~", f"  {field}: {_text(old)} → {_text(new)}"))
    return lines


def _header_lines(old: Mapping[str, str], new: Mapping[str, str]) -> list[tuple[str, str]]:
    lines = []
    before, after = _lowered(old), _lowered(new)
    for name, value in new.items():
        if name.lower() not in before:
            lines.append(("+", f"  {HEADERS}.{name}: {hidden(name, value)}"))
        elif before[name.lower()] != value:
            was = hidden(name, before[name.lower()])
            lines.append(("~", f"  {HEADERS}.{name}: {was} → {hidden(name, value)}"))
    lines += [("-", f"  {HEADERS}.{name}") for name in old if name.lower() not in after]
    return lines


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "–" if value is None else json.dumps(value, ensure_ascii=False)
