"""The audit log as it is asked for and shown: entries by filters, the last change of a thing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from tidings.core.audit.audit_actions import summarize_action
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditEntry
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.times import iso
from tidings.errors import Forbidden
from tidings.reads.filters import LogQuestion
from tidings.store import port

_NEWEST = 20  # entries of a thing among which its last change is looked for
_NO_CHANGES = ("webhook.tested", "payload.viewed")
_UNSET: Sequence[Any] = (None, "", [], {})
ABSENT = msgspec.UNSET
"""The value of a field that was not there before, or is not any more."""


class AuditParts(Protocol):
    """Services that read the audit log."""

    @property
    def store(self) -> port.AuditStore:
        """Return the store of the entries."""


class FieldChange(msgspec.Struct, frozen=True):
    """A field of an entry, before and after."""

    name: str
    before: Any
    after: Any


class LastChange(msgspec.Struct, frozen=True):
    """The entry of what was done to a thing last, for its page."""

    entry: AuditEntry
    verb: str  # "Changed", as a participle before "by"
    fields: Sequence[FieldChange]


def chain_of(caller: AuthenticatedCaller, chain: str) -> int:
    """Return the chain that a caller asks for: the org's, or the platform's by its word.
    Forbidden."""
    if not chain:
        return caller.org
    if not caller.platform:
        raise Forbidden.because(
            "forbidden",
            "chain must be left out, for the log of the org; got platform, which takes the "
            "platform's own credential. Ask the operator.",
            field="chain",
        )
    return PLATFORM_CHAIN


async def audit_page(parts: AuditParts, chain: int, question: LogQuestion) -> port.AuditPage:
    """Return a page of a chain, newest first. StoreDown."""
    return await parts.store.audit_page(
        port.AuditQuery(
            chain,
            since_ms=question.from_ms,
            until_ms=question.to_ms,
            actor=question.actor,
            action=question.action,
            object_kind=question.object_kind,
            object=question.object,
            before=question.before,
            after=question.after,
            limit=question.limit,
        )
    )


async def following_entries(
    parts: AuditParts, chain: int, after: int, limit: int
) -> tuple[Sequence[AuditEntry], int | None]:
    """Return the entries of a chain behind a number, oldest first, and the number behind which
    the next ones are; None where there are none yet. StoreDown."""
    page = await parts.store.audit_page(port.AuditQuery(chain, after=after, limit=limit))
    return page.entries[::-1], page.newer


async def last_change(
    parts: AuditParts, chain: int, kind: str, object: str = ""
) -> LastChange | None:
    """Return what was done last to a thing, or to any of its kind; None where the log has nothing
    of it, or cannot be read now: its page is shown all the same."""
    try:
        page = await parts.store.audit_page(
            port.AuditQuery(chain, object_kind=kind, object=object, limit=_NEWEST)
        )
    except (port.StoreDown, port.StoreUnanswered):
        return None
    entries = [entry for entry in page.entries if entry.action not in _NO_CHANGES]
    if not entries:
        return None
    entry = entries[0]
    verb = entry.action.partition(".")[2].replace("_", " ").capitalize()
    return LastChange(entry, verb, field_changes(entry))


def field_changes(entry: AuditEntry) -> list[FieldChange]:
    """List the fields of an entry: what each was before, and what it is. Of an object within those
    that differ, as `settings.validation`; of what is new those that are set."""
    changes = _differences("", _fields(entry.before), _fields(entry.after))
    if entry.before is None:
        return [change for change in changes if change.after not in _UNSET]
    return list(changes)


def object_name(entry: AuditEntry) -> str | None:
    """Return what the thing of an entry is called; None where its name is its id, or unknown."""
    name = _fields(entry.after).get("name", _fields(entry.before).get("name"))
    return name if isinstance(name, str) and name != entry.object else None


def _fields(written: bytes | None) -> dict[str, Any]:
    return {} if written is None else msgspec.json.decode(written, type=dict[str, Any])


def _differences(
    stem: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[FieldChange]:
    for name in {**before, **after}:
        was, now = before.get(name, ABSENT), after.get(name, ABSENT)
        if isinstance(was, dict) and isinstance(now, dict):
            yield from _differences(f"{stem}{name}.", was, now)
        elif was != now:
            yield FieldChange(f"{stem}{name}", was, now)


def show_entry(entry: AuditEntry) -> dict[str, Any]:
    """Show an entry as answers have it."""
    return {
        "number": entry.number,
        "at": iso(entry.at_ms),
        "actor": {
            "kind": entry.actor_kind,
            "id": entry.actor,
            "name": entry.actor_name,
            "face": entry.face,
            "address": entry.address,
            "behalf": entry.behalf,
        },
        "action": entry.action,
        "summary": summarize_action(entry.action),
        "object": {"kind": entry.object_kind, "id": entry.object},
        "before": _raw(entry.before),
        "after": _raw(entry.after),
        "times": entry.times,
    }


def show_sealed_entry(entry: AuditEntry) -> dict[str, Any]:
    """Show an entry with what it is checked by: its chain, and its seal."""
    org = None if entry.chain == PLATFORM_CHAIN else entry.chain
    return {"orgId": org, **show_entry(entry), "mac": entry.mac.hex()}


def _raw(fields: bytes | None) -> msgspec.Raw | None:
    return None if fields is None else msgspec.Raw(fields)
