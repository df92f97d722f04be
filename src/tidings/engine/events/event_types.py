"""Every event type that an org can send and subscribe to: the catalogue's and its own.

Own types are in memory, over the store, and in force at once: a declaration is in the store first,
then here, and only then is its caller answered. The catalogue is not asked through this service for
an event of a type that it knows, so that own types cost such events nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import structlog

from tidings.catalogue import Catalogue, EventType, SchemaViolation
from tidings.catalogue.compat import SchemaChange, breaking
from tidings.catalogue.event_type import Json
from tidings.catalogue.versions import ReadyVersion, pick
from tidings.core.audit.audit_actions import EVENT_TYPE_DELETED, EVENT_TYPE_PUT
from tidings.core.events.own_schema import SchemaRefused, expand_schema
from tidings.core.events.own_types import (
    TYPES_MAX,
    VERSIONS_MAX,
    Declaration,
    OwnType,
    ParsedTypeBody,
    misfit,
    read_own_type,
)
from tidings.core.ids import OrgId
from tidings.core.shares.budget import SharedBudget
from tidings.core.webhooks.known_paths import unknown_key
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.callables import OrgsBelow
from tidings.engine.changes import Changes
from tidings.engine.events.intake import Overloaded
from tidings.engine.events.late_checks import LateChecks
from tidings.engine.threads import SMALL_BYTES, ThreadOffload
from tidings.errors import Conflict, FieldRefusal, Invalid, NotFound, passed
from tidings.store import port

# What the types of an org keep in memory, of all of them, and of all orgs. Of a catalogue of 500
# types with 30 fields each it is half.
ORG_BYTES_MAX, PROCESS_BYTES_MAX = 32 << 20, 512 << 20
READING_TIMES = 4  # reading a schema takes so many times as long as shaping as many bytes: measured

Users = Callable[
    [OrgId, str], list[str]
]  # names of the webhooks that subscribe to a type of an org


class UnknownType(NotFound):
    """The org has no event type of this name, and none of this version."""

    def __init__(self, name: str) -> None:
        shown = name if len(name) <= 40 else name[:40] + "…"
        message = (
            f'eventName must be an event type of this org; got "{shown}", which does not exist. '
            "GET /v1/eventTypes lists them; case matters."
        )
        super().__init__(FieldRefusal.build("not_found", message, field="eventName"))


class OwnRecord(msgspec.Struct, frozen=True):
    """One version of an own event type, as it is stored and as it works."""

    stored: port.StoredType
    declaration: Declaration
    made: OwnType


log = structlog.get_logger(__name__)

_declarations = msgspec.json.Decoder(Declaration)


class EventTypeSource(Protocol):
    """Knows the types of events."""

    def event_type_of(self, org: OrgId, event: Json) -> EventType | None:
        """Return the type of an org's event, decoded, in its version; None where none is known."""


class EventTypes:
    """The catalogue, and the own types of all orgs."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        envelope: Json,
        store: port.TypeStore,
        changes: Changes,
        audit: AuditLog,
        below: OrgsBelow,  # the orgs below an org
        users: Users,
        late: LateChecks | None = None,  # for examples that may take long to check
        offload: ThreadOffload | None = None,  # in which large declarations are read
    ) -> None:
        self.catalogue = catalogue
        self._late = late
        self._envelope = envelope
        self._store = store
        self._changes = changes
        self._audit = audit
        self._below = below
        self._users = users
        changes.reread.add(lambda _, types: self.load(types))
        self._held = SharedBudget[OrgId](PROCESS_BYTES_MAX, ORG_BYTES_MAX)
        self._reading = offload or ThreadOffload()
        self._own: dict[int, dict[str, dict[int, OwnRecord]]] = {}
        self._catalogue_names = {
            name: max(versions)
            for name in catalogue.names()
            if (versions := catalogue.versions(name))
        }

    def load(self, stored: Sequence[port.StoredType]) -> None:
        """Take over what is stored at start, also by rules that are stricter now.

        Nothing is compiled, and nothing refused: what may take too much is checked elsewhere, and
        what cannot be read at all lets every event pass.
        """
        for org in list(self._own):
            for name in list(self._own[org]):
                self._forget(OrgId(org), name)
        for kind in stored:
            declaration = _declarations.decode(kind.declaration)
            try:
                expanded = expand_schema(declaration.schema)
            except SchemaRefused as refused:  # what was accepted goes on being accepted
                why = refused.sentence
                log.warning("a schema cannot be read", org=kind.org, event_type=kind.name, why=why)
                expanded = {}
            self._keep(kind, declaration, expanded)

    # -- reading ----------------------------------------------------------------------------------

    def names(self, org: OrgId) -> Mapping[str, int]:
        """Map what an org's webhooks may subscribe to, each with its newest version.

        The catalogue, the org's own types, and those of the orgs below it, whose events it hears
        with `listenToChildEvents`.
        """
        found = dict(self._catalogue_names)
        for member in (org, *self._below(org)):
            for name, versions in self._own.get(member, {}).items():
                found[name] = max(found.get(name, 1), *versions)
        return found

    def spelled(self, org: OrgId, names: Iterable[str]) -> tuple[str, ...]:
        """List these names, and with each one all others that events of its type can stand under in
        the log: what came before a name was known as an alias was kept under that."""
        aliases, found = self.catalogue.aliases, dict.fromkeys(names)
        for name in list(found):
            real = aliases.get(name, name)
            same = [real, *(alias for alias, of in aliases.items() if of == real)]
            if len(same) > 1 and name not in self._own.get(org, ()):
                found |= dict.fromkeys(same)
        return tuple(found)

    def get(self, org: OrgId, name: str, version: int | None = None) -> EventType | None:
        """Return the type that `names` holds under that name: the catalogue's type, else the org's
        own, else that of an org below it, else the type that it is an alias of. The newest version
        unless one is named; None where there is none."""
        if (versions := self._find((org, *self._below(org)), name)) is None:
            return None
        found = versions.get(max(versions) if version is None else version)
        return None if found is None else found.kind

    def event_type_of(self, org: OrgId, event: Json) -> EventType | None:
        """Return the type of a stored event of the org, in its version; None for a type that it
        does not know, whatever an org below it has under that name."""
        name = event.get("eventName")
        versions = self._find((org,), name) if type(name) is str else None
        if versions is None:
            return None
        return (versions[1] if len(versions) == 1 else pick(versions, event)).kind

    def _find(self, orgs: Iterable[OrgId], name: str) -> Mapping[int, ReadyVersion] | None:
        if (versions := self.catalogue.versions(name)) is not None:
            return versions
        for org in orgs:
            if (own := self.own(org, name)) is not None:
                return own
        real = self.catalogue.alias_of(name)
        return None if real is None else self.catalogue.versions(real)

    def own(self, org: OrgId, name: str) -> Mapping[int, OwnType] | None:
        """Return an own type's versions, for the accept path; None where the org has no such
        type."""
        versions = self._own.get(org, {}).get(name)
        return None if versions is None else {at: version.made for at, version in versions.items()}

    def record(self, org: OrgId, name: str, version: int | None = None) -> OwnRecord:
        """Find an own type of the org, the newest version unless one is named. Raise
        UnknownType."""
        versions = self._own.get(org, {}).get(name)
        if versions is None or (version is not None and version not in versions):
            raise UnknownType(name)
        return versions[max(versions) if version is None else version]

    def records(self, org: OrgId) -> list[OwnRecord]:
        """List the newest version of every own type of the org, by name."""
        own = self._own.get(org, {})
        return [own[name][max(own[name])] for name in sorted(own, key=str.lower)]

    def versions(self, org: OrgId, name: str) -> list[int]:
        """List the versions of a type, the oldest first; none where there is no such type."""
        return sorted(self._find((org, *self._below(org)), name) or ())

    def search_values(self, org: OrgId, name: str, event: Json) -> list[str]:
        """List what an event is found by; for types that the catalogue does not know."""
        made = self._made_for(org, name, event)
        return [] if made is None else made.search_values(event)

    def key_of(self, org: OrgId, name: str, event: Json) -> str | None:
        """Return the ordering key of an event, for types that the catalogue does not know; None
        where it has none."""
        made = self._made_for(org, name, event)
        return None if made is None else made.key_of(event)

    # -- changing ---------------------------------------------------------------------------------

    async def put(
        self, org: OrgId, name: str, body: dict[str, Any]
    ) -> tuple[OwnRecord, bool, tuple[FieldRefusal, ...]]:
        """Declare a type, add to it, or begin a new version. Invalid and Conflict say why not.

        Returns it, whether it was made now (the type or the version), and warnings.
        """
        reading = await self._read(org, name, body)
        await self._check_example(org, reading)

        async def change() -> tuple[OwnRecord, bool, tuple[FieldRefusal, ...]]:
            version, made = self._version_for(org, name, reading)
            self._check_room(org, name, version, reading.made)
            known = self._own.get(org, {}).get(name, {}).get(version)
            fresh = port.StoredType(
                org,
                name,
                version,
                declaration=msgspec.json.encode(reading.declaration),
                revision=1 if known is None else known.stored.revision + 1,
            )
            with self._audit.recording(
                EVENT_TYPE_PUT,
                org,
                name,
                self._recorded(org, name),
                _recorded(reading.declaration, version),
            ):
                stored, registry = await self._store.put_type(fresh)
            record = self._keep(stored, reading.declaration, reading.made.expanded)
            self._changes.seen(registry)
            return record, made, reading.warnings + unknown_key(reading.made.kind)

        return await self._changes.run(change)

    async def check(self, org: OrgId, name: str, body: dict[str, Any]) -> None:
        """Look whether `put` would take a declaration as things are, and keep nothing. Invalid and
        Conflict say why not."""
        reading = await self._read(org, name, body)
        await self._check_example(org, reading)
        version, _ = self._version_for(org, name, reading)
        self._check_room(org, name, version, reading.made)

    async def delete(self, org: OrgId, name: str) -> OwnRecord:
        """Forget an own type with all its versions. Events that were accepted stay.

        Conflict while a webhook subscribes to it.
        """

        async def change() -> OwnRecord:
            record = self.record(org, name)
            if users := self._users(org, name):
                raise Conflict(_in_use(name, users))
            with self._audit.recording(EVENT_TYPE_DELETED, org, name, self._recorded(org, name)):
                registry = await self._store.delete_type(org, name)
            self._forget(org, name)
            self._changes.seen(registry)
            return record

        return await self._changes.run(change)

    # -- inside -----------------------------------------------------------------------------------

    def _keep(self, stored: port.StoredType, declaration: Declaration, expanded: Json) -> OwnRecord:
        made = OwnType(
            stored.name, stored.version, declaration, self._envelope, expanded, stored.org
        )
        record = OwnRecord(stored, declaration, made)
        versions = self._own.setdefault(stored.org, {}).setdefault(stored.name, {})
        if (previous := versions.get(stored.version)) is not None:
            self._let_go(previous)
        versions[stored.version] = record
        self._held.charge(stored.org, made.size.held_bytes)
        return record

    def _forget(self, org: OrgId, name: str) -> None:
        for record in self._own[org].pop(name).values():
            self._let_go(record)
        if not self._own[org]:
            del self._own[org]

    def _let_go(self, record: OwnRecord) -> None:
        record.made.forget()
        self._held.give(record.stored.org, record.made.size.held_bytes)

    def _recorded(self, org: OrgId, name: str) -> dict[str, Any] | None:
        """Return what the audit log keeps of a type as it is; None where there is none."""
        if name not in self._own.get(org, ()):
            return None
        record = self.record(org, name)
        return _recorded(record.declaration, record.stored.version)

    def _check_room(self, org: OrgId, name: str, version: int, made: OwnType) -> None:
        """Raise Invalid where the org's types would take more memory than they may. What makes a
        type smaller is taken even then."""
        previous = self._own.get(org, {}).get(name, {}).get(version)
        more = made.size.held_bytes
        if previous is not None:
            more -= previous.made.size.held_bytes
        if more > 0 and not self._held.admits(org, more):
            raise Invalid(_no_room(self._held.held_by(org), more))

    async def _read(self, org: OrgId, name: str, body: dict[str, Any]) -> ParsedTypeBody:
        """Read a declaration, beside the loop where it may take long. Invalid."""
        raw = msgspec.json.encode(body.get("schema"))
        # To measure one pattern alone may take longer than the loop has.
        size = SMALL_BYTES + 1 if b'"pattern' in raw else READING_TIMES * len(raw)
        return passed(
            await self._reading.run(
                org,
                size,
                lambda: read_own_type(name, body, self._envelope, check_example=False),
            )
        )

    async def _check_example(self, org: OrgId, reading: ParsedTypeBody) -> None:
        """Check the example of a declaration if that could not be done at once. Raise Invalid."""
        if not reading.example_unchecked:
            return
        raw = reading.example_unchecked
        try:
            if reading.made.fits_loop(raw):
                problems: Sequence[SchemaViolation] = reading.made.check(reading.made.kind.example)
            elif self._late is None:
                raise Overloaded("nobody checks events apart")
            else:
                problems = await self._late.check_apart(org, reading.made, raw)
        except Overloaded:
            message = "example must be checked by the schema; that takes too long now. Try it again"
            raise Invalid(
                _refusal("bad_example", "example", f"{message}, or leave the example out.")
            ) from None
        if problems:
            raise Invalid(_refusal("bad_example", "example", misfit(problems)))

    def _made_for(self, org: OrgId, name: str, event: Json) -> OwnType | None:
        versions = self._own.get(org, {}).get(name)
        return None if versions is None else pick(versions, event).made

    def _version_for(self, org: OrgId, name: str, reading: ParsedTypeBody) -> tuple[int, bool]:
        """Return the version that a declaration becomes, and whether that is a new one."""
        if self.catalogue.get(name) is not None or (
            self.catalogue.alias_of(name) is not None and name not in self._own.get(org, ())
        ):
            raise Conflict(_taken(name))
        versions = self._own.get(org, {}).get(name)
        if versions is None:
            if len(self._own.get(org, ())) >= TYPES_MAX:
                raise Invalid(_too_many(f"at most {TYPES_MAX} event types of its own"))
            return 1, True
        newest = versions[max(versions)]
        changes = _changes_between(newest, reading.made)
        if not changes:
            return newest.stored.version, False
        if not reading.new_version:
            raise Conflict(_breaks(name, newest.stored.version, changes))
        if len(versions) >= VERSIONS_MAX:
            raise Invalid(_too_many(f"at most {VERSIONS_MAX} versions of an event type"))
        return newest.stored.version + 1, True


def _recorded(declaration: Declaration, version: int) -> dict[str, Any]:
    """Return what the audit log keeps of a declaration: an example may be a customer's, so that its
    size is kept alone."""
    fields: dict[str, Any] = msgspec.to_builtins(declaration)
    example = fields.pop("example", None)
    return fields | {
        "version": version,
        "exampleBytes": 0 if example is None else len(msgspec.json.encode(example)),
    }


def _changes_between(old: OwnRecord, new: OwnType) -> list[SchemaChange]:
    """List what the new declaration breaks of the old one; its key decides order, so it counts
    too."""
    changes = breaking(old.made.kind.schema, new.kind.schema)
    if new.kind.key != old.made.kind.key:
        changes.append(SchemaChange("key", f"was {old.made.kind.key}, is {new.kind.key}"))
    return changes


def _refusal(code: str, field: str, sentence: str) -> FieldRefusal:
    return FieldRefusal.build(code, sentence, field=field)


def _taken(name: str) -> FieldRefusal:
    return _refusal(
        "event_name_taken",
        "eventName",
        f'eventName must be a name that is not in the catalogue; got "{name}". Choose another '
        "name.",
    )


def _too_many(must: str) -> FieldRefusal:
    return _refusal(
        "too_many_types",
        "eventName",
        f"An org must have {must}; this would be one more. Delete one that nobody uses.",
    )


def _no_room(held: int, more: int) -> FieldRefusal:
    return _refusal(
        "types_too_large",
        "schema",
        "The event types of an org, with all their versions, must take at most "
        f"{ORG_BYTES_MAX >> 20} MB of memory, or less where those of other orgs take much; these "
        f"take {held / (1 << 20):.1f} MB and this one {more / (1 << 20):.1f} MB more. Delete one "
        "that nobody uses, or shorten its schema.",
    )


def _breaks(name: str, version: int, changes: list[SchemaChange]) -> FieldRefusal:
    first = changes[0]
    more = "" if len(changes) == 1 else f" It is the first of {len(changes)} changes."
    path = first.path or "data"
    return _refusal(
        "breaking_change",
        path,
        f"Version {version} of {name} must stay compatible; {path} {first.what}.{more} Make "
        'the new field optional, or send "newVersion": true: webhooks then choose by '
        "eventVersions.",
    )


def _in_use(name: str, users: list[str]) -> FieldRefusal:
    shown = ", ".join(users[:5]) + (" …" if len(users) > 5 else "")
    return _refusal(
        "type_in_use",
        "eventName",
        f"{name} must have no webhook that subscribes to it; got {len(users)}: {shown}. Remove it "
        "from their eventNames first.",
    )
