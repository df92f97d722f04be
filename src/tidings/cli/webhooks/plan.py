"""Webhooks as code: what has to happen so that the webhooks are as a file says. Pure.

A webhook is known by its name. What a file leaves out of a webhook has its default, so that a file
says all there is. Whether a change can be, and what exactly it comes to, the service says.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tidings.cli.webhooks.defaults import AUTHENTICATION, DEFAULTS, HEADERS, ORDER, Body, settled
from tidings.cli.webhooks.document import Document, FileFault, fill

_UNSURE = re.compile(r"[^A-Z0-9]+")


@dataclass(frozen=True)
class PlannedChange:
    """One thing to do. `body` is None for a removal; `present` for a webhook to be made."""

    name: str
    present: Body | None
    body: Body | None
    fields: tuple[tuple[str, Any, Any], ...] = ()  # field, what it is, what it is to be
    path: str = ""  # where the file says so
    given: tuple[tuple[str, str], ...] = ()  # secrets of which the end alone tells no difference

    @property
    def unsure(self) -> bool:
        """Return whether it is only known once it is made if it changes anything."""
        return bool(self.given) and not self.fields

    @property
    def what(self) -> str:
        """In a word."""
        if self.present is None:
            return "create"
        return "delete" if self.body is None else "change"

    def coming_to(self, now: Mapping[str, Any]) -> "PlannedChange | None":
        """Return the change by what the service makes of it; None where it makes no difference."""
        if self.body is None:
            return self
        new = settled(now)
        if self.present is None:
            return replace(self, fields=_new(new))
        moved = _moved(settled(self.present), new, tuple(DEFAULTS))
        return replace(self, fields=moved) if moved or self.given else None


# -- out of the service ----------------------------------------------------------------------------


def exported(webhook: Mapping[str, Any]) -> Body:
    """Return a webhook as a file holds it: without secrets, and without what is usual.

    The service shows no secret whole. A file never holds what it shows instead.
    """
    shown = settled(webhook)
    shown[HEADERS] = {name: variable(webhook["name"], name) for name in shown[HEADERS]}
    if isinstance(who := shown[AUTHENTICATION], Mapping):
        shown[AUTHENTICATION] = {
            name: variable(webhook["name"], name) if str(value).startswith("…") else value
            for name, value in who.items()
            if value is not None
        }
    kept: Body = {"name": webhook["name"]}
    for field in DEFAULTS:
        always = field in ("eventNames", "webHookUrl", "maxAllowedConnections")
        if always or not same(field, shown[field], DEFAULTS[field]):
            kept[field] = shown[field]
    return kept


def variable(webhook: str, header: str) -> str:
    """Return the variable that stands in a file for a secret: of a header, or of a part of an
    authentication."""
    name = _UNSURE.sub("_", f"{webhook}_{header}".upper()).strip("_")
    return "${" + (name if name[:1].isalpha() else f"WEBHOOK_{name}")[:128] + "}"


# -- the plan --------------------------------------------------------------------------------------


def plan(
    document: Document,
    present: Sequence[Mapping[str, Any]],
    environ: Mapping[str, str],
    *,
    prune: bool = False,
    only: Sequence[str] | None = None,
) -> tuple[list[PlannedChange], list[FileFault]]:
    """Plan the changes, in the order of the file, removals last; and list what stands in the way.

    `only` are the fields that are looked at, all where it is None.
    """
    by_name = {webhook["name"]: webhook for webhook in present}
    changes, faults = [], []
    for body in document.wanted:
        name = str(body["name"])
        path, there = document.paths[name], by_name.get(name)
        filled, missing = fill(body, environ, there)
        if missing:
            faults += [FileFault(f"{path}.{place}", name, message) for place, message in missing]
        elif there is None:
            given = {field: value for field, value in filled.items() if value is not None}
            made = {"maxAllowedConnections": 10} | given
            changes.append(PlannedChange(name, None, made, fields=_new(filled), path=path))
        else:
            new = {field: _or_default(filled, field) for field in only or DEFAULTS}
            if moved := _moved(settled(there), new, tuple(new)):
                wanted = {field: to for field, _, to in moved}
                again = _given(there.get(HEADERS), wanted.get(HEADERS))
                again += _given_proof(there.get(AUTHENTICATION), wanted.get(AUTHENTICATION))
                changes.append(
                    PlannedChange(
                        name=name,
                        present=dict(there),
                        body=wanted,
                        fields=moved,
                        path=path,
                        given=again,
                    )
                )
    if prune:
        gone = [webhook for webhook in present if webhook["name"] not in document.paths]
        changes += [PlannedChange(webhook["name"], dict(webhook), None) for webhook in gone]
    return changes, faults


def _moved(
    old: Mapping[str, Any], new: Mapping[str, Any], fields: Sequence[str]
) -> tuple[tuple[str, Any, Any], ...]:
    differ = [field for field in fields if not same(field, old[field], new[field])]
    return tuple((field, old[field], new[field]) for field in differ)


def _or_default(body: Body, field: str) -> Any:
    """A field of a file; null stands for its default."""
    value = body.get(field)
    return DEFAULTS[field] if value is None else value


def same(field: str, old: Any, new: Any) -> bool:
    """Return whether two values of a field come to the same."""
    if field in ("eventNames", "customerIdentifiersToBeEnriched") and isinstance(new, list):
        return set(map(str, old or [])) == set(map(str, new))
    if field == HEADERS:
        return _lowered(old) == _lowered(new)
    if field == "retryPolicy" and isinstance(new, Mapping):
        usual = DEFAULTS[field]
        return {**usual, **(old or {})} == {**usual, **new}
    if field == AUTHENTICATION:
        return bool(_without_nulls(old) == _without_nulls(new))
    if field == "slaInSeconds":
        return (old or None) == (new or None)
    return bool(old == new)


def _given(old: Any, new: Any) -> tuple[tuple[str, str], ...]:
    """Headers whose new value ends as the stored one does, which is all that is shown of that."""
    from tidings.core.webhooks.masks import mask  # noqa: PLC0415  # help needs it not

    before = _lowered(old)
    return tuple(
        (f"{HEADERS}.{name}", mask(value))
        for name, value in (new or {}).items()
        if value != before.get(name.lower()) == mask(value.strip(" \t"))
    )


def _given_proof(old: Any, new: Any) -> tuple[tuple[str, str], ...]:
    """The same of an authentication: it is another one, and nothing that is shown says so."""
    if not isinstance(new, Mapping) or _masked(new) != _without_nulls(old):
        return ()
    return ((AUTHENTICATION, str(new.get("type"))),)


def _masked(proof: Any) -> Any:
    """An authentication with its secrets as the service shows them."""
    from tidings.core.webhooks.authentication_body import VARIANTS  # noqa: PLC0415  # as above

    return _without_nulls(VARIANTS.masked(proof))


def _without_nulls(proof: Any) -> Any:
    if not isinstance(proof, Mapping):
        return proof
    usual = {"clientAuthentication": "client_secret_basic"}
    kept = {name: value for name, value in proof.items() if value is not None}
    return {name: value for name, value in kept.items() if usual.get(name) != value}


def _lowered(headers: Any) -> dict[str, Any]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _new(body: Body) -> tuple[tuple[str, Any, Any], ...]:
    return tuple(
        (field, None, body[field])
        for field in ORDER
        if field != "name" and field in body and body[field] != DEFAULTS[field]
    )


def diff(change: PlannedChange) -> list[tuple[str, str]]:
    """Return a change in lines, each with its sign: `+` comes, `-` goes, `~` both. No secret is in
    it."""
    sign = {"create": "+", "delete": "-", "change": "~"}[change.what]
    lines = [(sign, change.name)]
    for field, old, new in change.fields:
        if field == HEADERS:
            lines += _header_lines(old or {}, new or {})
        else:
            was, to = (_masked(old), _masked(new)) if field == AUTHENTICATION else (old, new)
            if change.present is None:
                lines.append(("+", f"  {field}: {_text(to)}"))
            elif was != to or field != AUTHENTICATION:
                lines.append(("~", f"  {field}: {_text(was)} → {_text(to)}"))
    lines += [("~", f"  {place}: {end}, given again") for place, end in change.given]
    return lines


def _header_lines(old: Mapping[str, str], new: Mapping[str, str]) -> list[tuple[str, str]]:
    from tidings.core.webhooks.masks import mask  # noqa: PLC0415  # help needs it not

    lines = []
    before, after = _lowered(old), _lowered(new)
    for name, value in new.items():
        if name.lower() not in before:
            lines.append(("+", f"  {HEADERS}.{name}: {mask(value)}"))
        elif (was := mask(before[name.lower()])) != mask(value):
            lines.append(("~", f"  {HEADERS}.{name}: {was} → {mask(value)}"))
    lines += [("-", f"  {HEADERS}.{name}") for name in old if name.lower() not in after]
    return lines


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "–" if value is None else json.dumps(value, ensure_ascii=False)
