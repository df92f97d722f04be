"""The webhooks that a file names, and all that is wrong with how it names them. Pure.

Secrets are not in files: the value of a header, and what is secret of an authentication, is written
`${NAME}`, which stands for a variable of the environment; where that is not set, it stays as it is.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidings.cli.webhooks.defaults import AUTHENTICATION, HEADERS, ORDER, Body, settled
from tidings.core.webhooks.fields import ORIGINAL

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]{0,127})\}")
_SHOWN = 80


class BadFile(Exception):
    """A file holds no list of webhooks at all."""


@dataclass(frozen=True)
class FileFault:
    """One thing that cannot be: where it stands in the file, of which webhook, and a sentence."""

    path: str
    webhook: str
    sentence: str

    def __str__(self) -> str:
        of = f" ({_short(self.webhook)})" if self.webhook else ""
        return f"{self.path}{of}: {self.sentence}"


@dataclass
class Document:
    """The contents of a file of webhooks."""

    root: str  # where its list stands
    wanted: list[Body] = field(default_factory=list)  # those without a fault
    paths: dict[str, str] = field(default_factory=dict)  # by name, those with a fault too
    faults: list[FileFault] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # what was left out, in sentences


def read_file(document: Any) -> Document:
    """Read the webhooks of a file of ours. Raise BadFile where it lists none."""
    found = document.get("webhooks") if isinstance(document, Mapping) else None
    if not isinstance(found, list):
        raise BadFile("FILE must contain a list named webhooks; got none. `export` writes one.")
    return _read(Document("webhooks"), dict(enumerate(found)), ORDER)


def read_original(document: Any) -> Document:
    """Read the active webhooks of an answer of the original's `GET /v3/webHooks`. Raise BadFile
    where it has no list.

    Among those that are not active are the deleted ones, which look the same.
    """
    found = document.get("data") if isinstance(document, Mapping) else document
    if not isinstance(found, list):
        raise BadFile(
            "FILE must be an answer of GET /v3/webHooks, with a list as data; got no list. Save "
            "the whole answer."
        )
    read = Document("data" if isinstance(document, Mapping) else "")
    kept: dict[int, Any] = {}
    for at, webhook in enumerate(found):
        if not isinstance(webhook, Mapping):
            kept[at] = webhook
        elif webhook.get("active") is False:
            read.left.append(f"{_short(webhook.get('name'))} is not active; it was left out.")
        else:
            body = {
                name: webhook[name] for name in ("name", *ORIGINAL) if webhook.get(name) is not None
            }
            kept[at] = body | {"neoEnrichment": settled(webhook)["neoEnrichment"]}
            if isinstance(headers := body.get(HEADERS), dict) and headers.get(""):
                name = _short(webhook.get("name"))
                read.left.append(f"A header of {name} has no name; it was left out.")
                kept[at][HEADERS] = headers | {"": ""}
    return _read(read, kept, ("name", *ORIGINAL))


def _read(read: Document, found: Mapping[int, Any], known: Sequence[str]) -> Document:
    for at, webhook in found.items():
        path = f"{read.root}[{at}]"
        name = webhook.get("name") if isinstance(webhook, dict) else None
        if not isinstance(name, str) or not name.strip():
            message = "A webhook must have a name; got none. Write name: crm."
            read.faults.append(FileFault(path, "", message))
            continue
        name = name.strip()  # as the service takes it
        if (first := read.paths.get(name)) is not None:
            message = f"A name must be there once; {first} has it too. Rename one of them."
            read.faults.append(FileFault(f"{path}.name", name, message))
            continue
        read.paths[name] = path
        faults = list(_faults(path, name, webhook, known))
        read.faults += faults
        if not faults:
            read.wanted.append(_plain(webhook) | {"name": name})
    return read


def _plain(one: Body) -> Body:
    """Without the nameless header that the original's form sends for "no header"."""
    headers = one.get(HEADERS)
    if not isinstance(headers, dict) or headers.get("", "") not in ("", None):
        return one
    return one | {HEADERS: {name: value for name, value in headers.items() if name != ""}}


def _faults(path: str, webhook: str, one: Body, known: Sequence[str]) -> Iterator[FileFault]:
    """Yield what can be seen to be wrong without the service; the service sees the rest."""
    for name in one:
        if name not in (*known, "signingSecret"):
            message = f"A field must be one of a webhook; got {_short(name)}. Check its spelling."
            yield FileFault(f"{path}.{_short(name)}", webhook, message)
    headers = one.get(HEADERS) or {}
    message = "Headers must be names and texts; got something else. Put both in quotes."
    if not isinstance(headers, dict):
        yield FileFault(f"{path}.{HEADERS}", webhook, message)
        headers = {}
    for name, value in headers.items():
        nameless = name == "" and value is None
        if not nameless and not (isinstance(name, str) and isinstance(value, str)):
            yield FileFault(f"{path}.{HEADERS}.{_short(name)}", webhook, message)
    for name, value in one.items():
        if name in known and name != HEADERS:
            yield from _no_json(f"{path}.{name}", webhook, value)


def _no_json(path: str, webhook: str, value: Any) -> Iterator[FileFault]:
    """Yield values that YAML can say and JSON cannot: dates, sets, numbers without end."""
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _no_json(f"{path}.{_short(name)}", webhook, child)
    elif isinstance(value, list):
        for at, child in enumerate(value):
            yield from _no_json(f"{path}[{at}]", webhook, child)
    elif isinstance(value, float) and not math.isfinite(value):
        message = f"A number must have an end; got {value}. Leave the field out for its default."
        yield FileFault(path, webhook, message)
    elif not isinstance(value, str | int | float | None):
        kind = type(value).__name__
        message = f"A value must be text, a number, true or false; got a {kind}. Put it in quotes."
        yield FileFault(path, webhook, message)


def fill(
    body: Body, environ: Mapping[str, str], present: Mapping[str, Any] | None
) -> tuple[Body, list[tuple[str, str]]]:
    """Return a webhook of a file with the values of its variables; and where one is missing, with
    what to do.

    What has a variable that is not set stays as it is. A webhook that is there keeps its secret.
    """
    there = {name.lower(): value for name, value in ((present or {}).get(HEADERS) or {}).items()}
    filled = dict(body)
    missing: list[tuple[str, str]] = []

    def value(place: str, text: str, stays: str | None) -> str:
        unset = [name for name in _VARIABLE.findall(text) if name not in environ]
        if not unset:
            return _VARIABLE.sub(lambda found: environ[found[1]], text)
        if stays is None:
            missing.append((place, _needs(unset[0])))
        return stays or ""

    if HEADERS in body:
        filled[HEADERS] = {
            name: value(f"{HEADERS}.{name}", text, there.get(name.lower()))
            for name, text in (body[HEADERS] or {}).items()
        }
    if isinstance(who := body.get(AUTHENTICATION), dict):
        was = (present or {}).get(AUTHENTICATION) or {}
        was = was if was.get("type") == who.get("type") else {}
        filled[AUTHENTICATION] = {
            name: value(f"{AUTHENTICATION}.{name}", text, was.get(name))
            if isinstance(text, str)
            else text
            for name, text in who.items()
        }
    if present is None and isinstance(secret := body.get("signingSecret"), str):
        filled["signingSecret"] = value("signingSecret", secret, None)
    return filled, missing


def _needs(variable: str) -> str:
    return (
        f"It needs the variable {variable}; it is not set. Set it: {variable}=… tidings webhooks "
        "apply FILE"
    )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
