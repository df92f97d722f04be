"""One call to accept events: from its bytes to drafts and refused events, in the order they came.

Forms, told apart by content type: one flat object or an array of them (`application/json`), NDJSON
(`application/x-ndjson`), CloudEvents 1.0 structured, batch, and binary (`ce-` headers). A call that
cannot be split into events is refused as a whole (Invalid, TooLarge, Unsupported); a fault of one
event refuses that event alone. Nothing else is ever raised.

Pure: the time, the maker of ids, the catalogue and the rules of an org are passed in, and so is the
maker of drafts, because a draft belongs to the engine.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Generic, Literal, Protocol, TypeVar

import msgspec

from tidings.catalogue.versions import version_of
from tidings.core.events import cloudevents
from tidings.core.events.attribution import StoredAttribution
from tidings.core.events.call_items import (
    Draft,
    FlatEvent,
    Item,
    RejectedEvent,
    UncheckedEvent,
    note_trace,
    pass_on,
)
from tidings.core.events.call_split import (
    CallLimits,
    Form,
    call_refused,
    form_of,
    lines,
    of_body,
    split,
    too_large,
)
from tidings.core.events.envelope import (
    DAY_MS,
    NAME_MAX,
    NOT_JSON,
    SURELY_MS,
    EventFault,
    bad_event_id,
    complete,
    decode,
    given_id,
    given_name,
    org_of,
    time_warning,
)
from tidings.core.events.event_faults import (
    check_size,
    check_unknown,
    event_too_large,
    refused_name,
    unknown_org,
    weigh_problems,
)
from tidings.core.events.known_types import OwnTypes, Types, TypeVersion, TypeViolation
from tidings.core.events.own_types import RESERVED
from tidings.core.events.passage import HEADER, read_passage
from tidings.core.events.trace_context import HEADER as TRACE_HEADER
from tidings.core.events.trace_context import KEPT, trace_of_call
from tidings.core.ids import EVENT_ID, OrgId, derived_event_id
from tidings.errors import Invalid
from tidings.values import ABSENT, IN_EVENTS, describe_value

Draft_co = TypeVar("Draft_co", covariant=True)
_fits = EVENT_ID.fullmatch
_HOPS, _MESSAGE, _TRACE = HEADER.encode(), b"webhook-id", TRACE_HEADER.encode()
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

Validation = Literal["strict", "lenient", "off"]  # lenient: accepted with a warning


class IntakeRules(msgspec.Struct, frozen=True):
    """An org's rules for its events."""

    unknown: Literal["refused", "admitted"] = "refused"  # names that the catalogue does not have
    validation: Validation = "strict"
    by_type: dict[str, Validation] | None = None  # types for which another one holds


EITHER = " or "  # between scopes of which one is enough


class AuthenticatedCaller(msgspec.Struct, frozen=True):
    """An authenticated caller, with what it may do."""

    org: OrgId
    platform: bool = False  # may name any org
    credential: str = ""  # its id, or that of the person; for rate limits
    grants: frozenset[str] = frozenset()  # "events:write", …
    attribution: StoredAttribution = (
        StoredAttribution()
    )  # on whose behalf; what `attribution` shows
    role: str = ""  # of a person in this org; "" of a credential
    calls_per_minute: float | None = None  # of its own; None: the usual
    events_per_s: float | None = None
    limited: bool = False  # whether its events are counted at all
    adopts: bool = False  # its events are its org's, whichever org they name

    def may(self, scope: str) -> bool:
        """Return whether a scope, such as "logs:read", is theirs, or one of several with `EITHER`
        between them."""
        return any(scope_word in self.grants for scope_word in scope.split(EITHER))


class DraftMaker(Protocol[Draft_co]):
    """Makes what the engine accepts (`tidings.engine.events.intake.Draft`)."""

    def __call__(
        self,
        org: OrgId,
        name: str,
        event_id: str,
        body: bytes,
        event: dict[str, Any],
        warning: str | None,
        raw: bytes,
        version: int,
        /,
    ) -> Draft_co: ...


RulesOf = Callable[[OrgId], IntakeRules | None]  # None: there is no such org


class CallReader(Generic[Draft]):
    """Reads calls. Holds no state of its own."""

    def __init__(
        self,
        make_draft: DraftMaker[Draft],
        types: Types,
        rules_of: RulesOf,
        new_id: Callable[[], str],
        limits: CallLimits,
        own: OwnTypes = lambda org, name: None,
    ) -> None:
        self._make = make_draft
        self._own = own
        self._versions = types.versions
        self._alias_of = types.alias_of
        self._rules_of = rules_of
        self._new_id = new_id
        self.limits = limits

    def read(
        self,
        content_type: bytes | None,
        headers: Mapping[bytes, bytes],  # names in lower case
        body: bytes,
        caller: AuthenticatedCaller,
        key: str | None,  # the Idempotency-Key
        now_ms: int,
    ) -> "list[Item[Draft]]":
        """Return one item per event, in order. Raise Invalid, TooLarge, Unsupported for the
        call."""
        return list(self.read_each(content_type, headers, body, caller, key, now_ms))

    def read_each(
        self,
        content_type: bytes | None,
        headers: Mapping[bytes, bytes],
        body: bytes,
        caller: AuthenticatedCaller,
        key: str | None,
        now_ms: int,
        indices: Sequence[int] = (),  # of a part's events in the whole call
    ) -> "Iterable[Item[Draft]]":
        """Read it event by event where there are several: others may have a turn between them."""
        items = self._read_passed(content_type, headers, body, caller, key, now_ms, indices)
        if _TRACE not in headers and KEPT not in headers:
            return items
        trace = trace_of_call(headers)
        traced = (note_trace(draft, trace) for draft in items)
        return list(traced) if items.__class__ is list else traced

    def _read_passed(
        self,
        content_type: bytes | None,
        headers: Mapping[bytes, bytes],
        body: bytes,
        caller: AuthenticatedCaller,
        key: str | None,
        now_ms: int,
        indices: Sequence[int],
    ) -> "Iterable[Item[Draft]]":
        """Read it, and note how far its events have come, where its head says so."""
        if _HOPS not in headers:
            if (
                content_type == b"application/json"
                and key is None
                and body[:1] == b"{"
                and len(body) <= self.limits.body_bytes
                and cloudevents.BINARY_MARK not in headers
            ):  # nearly every call
                return [self._alone(body, body, caller, None, now_ms)]
            return self._read_each(content_type, headers, body, caller, key, now_ms, indices)
        items = self._read_each(content_type, headers, body, caller, key, now_ms, indices)
        passage_text = headers[_HOPS].decode("latin-1")
        passage = read_passage(passage_text, headers.get(_MESSAGE, b"").decode("latin-1"))
        noted = (pass_on(draft, passage) for draft in items)
        return list(noted) if items.__class__ is list else noted

    def _read_each(
        self,
        content_type: bytes | None,
        headers: Mapping[bytes, bytes],
        body: bytes,
        caller: AuthenticatedCaller,
        key: str | None,
        now_ms: int,
        indices: Sequence[int],
    ) -> "Iterable[Item[Draft]]":
        if len(body) > self.limits.body_bytes:
            raise too_large(self.limits.body_bytes, len(body))
        if content_type == b"application/json" and cloudevents.BINARY_MARK not in headers:
            form: Form = "json"
        else:
            form = form_of(content_type, headers)
        if key is not None and not _KEY.fullmatch(key):
            rule = "Idempotency-Key must be 1 to 255 visible ASCII characters"
            refusal_text = f"{rule}; got {describe_value(key, IN_EVENTS)}. Use a UUID."
            raise call_refused(Invalid, "idempotency_key", refusal_text, header="Idempotency-Key")
        if form == "json" and body.lstrip(b" \t\r\n")[:1] == b"{":
            return [self._alone(body, body, caller, key, now_ms)]
        if form in ("json", "ndjson"):
            raws = (split if form == "json" else lines)(body, self.limits)
            return self._many(raws, None, caller, key, now_ms, indices)
        message = headers.get(_MESSAGE, b"").decode("latin-1")

        def flatten(raw: bytes) -> FlatEvent:
            event = cloudevents.structured(raw, self.limits.depth)
            flat = cloudevents.flatten(event, caller.org, now_ms)
            return FlatEvent(flat, event.passage(message), event.trace)

        if form == "batch":
            return self._many(split(body, self.limits), flatten, caller, key, now_ms, indices)
        try:
            check_size(body, self.limits)  # before it is read, and made another
            if form == "structured":
                flat = flatten(body)
            else:
                media = (content_type or b"").decode("latin-1")
                event = cloudevents.binary(headers, media, body)
                flat_body = cloudevents.flatten(event, caller.org, now_ms)
                flat = FlatEvent(flat_body, event.passage(message), event.trace)
        except EventFault as fault:
            return [self._refused_alone(body, fault)]
        return [flat.note_on(self._alone(flat.body, body, caller, key, now_ms))]

    def read_one(
        self,
        flat: bytes,
        raw: bytes,
        caller: AuthenticatedCaller,
        key: str,
        index: int,
        now_ms: int,
    ) -> "Item[Draft]":
        """Read the flat event at `index` of those that were made of something else, `raw`, by which
        a repeat is told."""
        try:
            check_size(flat, self.limits)
            event = decode(flat, self.limits.depth)
        except EventFault as fault:
            return self._refuse(flat, {}, fault)
        return self._judge(flat, raw, event, caller, key, index, now_ms)

    def _alone(
        self, raw: bytes, raw_call: bytes, caller: AuthenticatedCaller, key: str | None, now_ms: int
    ) -> "Item[Draft]":
        try:
            if len(raw_call) > self.limits.event_bytes:  # no call: every event passes here
                raise event_too_large(raw_call, self.limits)
            event = decode(raw, self.limits.depth)
        except EventFault as fault:
            return self._refused_alone(raw_call, fault)
        return self._judge(raw, raw_call, event, caller, key, 0, now_ms)

    def _refused_alone(self, raw: bytes, fault: EventFault) -> RejectedEvent:
        """Refuse a body that is one event; what is no JSON refuses the call."""
        if fault.code == NOT_JSON:
            raise call_refused(Invalid, NOT_JSON, of_body(fault)) from None
        return self._refuse(raw, {}, fault)

    def _many(
        self,
        raws: list[bytes],
        flatten: Callable[[bytes], FlatEvent] | None,
        caller: AuthenticatedCaller,
        key: str | None,
        now_ms: int,
        indices: Sequence[int],
    ) -> "Iterator[Item[Draft]]":
        for index, raw in zip(indices or range(len(raws)), raws, strict=True):
            try:
                check_size(raw, self.limits)
                flat = FlatEvent(raw) if flatten is None else flatten(raw)
                event = decode(flat.body, self.limits.depth)
            except EventFault as fault:
                yield self._refuse(raw, {}, fault)
            else:
                item = self._judge(flat.body, raw, event, caller, key, index, now_ms)
                yield flat.note_on(item)

    def _judge(
        self,
        raw: bytes,
        original: bytes,
        event: dict[str, Any],
        caller: AuthenticatedCaller,
        key: str | None,
        index: int,
        now_ms: int,
    ) -> "Item[Draft]":
        """Judge a parsed event by its envelope and its type, and complete it."""
        try:
            org = own = caller.org
            raw_org = event.get("orgId", ABSENT)
            if raw_org != own or raw_org.__class__ is not int:
                org = own if caller.adopts else org_of(raw_org, own, caller.platform)
            if (rules := self._rules_of(org)) is None:
                raise unknown_org(org)
            name = event.get("eventName", ABSENT)
            if (
                name.__class__ is not str
                or not 0 < len(name) <= NAME_MAX
                or name.startswith(RESERVED)
            ):
                raise refused_name(name)
            event_id = event.get("eventId")
            if event_id is not None and (event_id.__class__ is not str or not _fits(event_id)):
                raise bad_event_id(event_id)
            name, version, level, problems = self._judge_type(org, name, event, raw, rules)
        except EventFault as fault:
            return self._refuse(raw, event, fault)
        judged = org, name, version, level
        if problems is None:
            return self._unchecked(raw, original, event, judged, key, index, now_ms)
        return self._finish(raw, original, event, judged, key, index, now_ms, problems)

    def _judge_type(
        self, org: OrgId, name: str, event: dict[str, Any], raw: bytes, rules: IntakeRules
    ) -> tuple[str, int, Validation, Sequence[TypeViolation] | None]:
        """Return the type and version that an event is of, how strictly it is checked, and what is
        wrong with it: None if that must be checked elsewhere. Raise EventFault if its type or
        version is not admitted."""
        level = rules.validation
        if rules.by_type is not None:
            level = rules.by_type.get(name, level)
        version = 1
        if (versions := self._versions(name)) is not None:
            if len(versions) > 1:  # else `eventVersion` is a field that nobody has declared
                version = _version(event, versions)
            problems = () if level == "off" else versions[version].check(event)
            return name, version, level, problems
        if (own := self._own(org, name)) is not None:
            version = _version(event, own)
            made = own[version]
            if level == "off":
                return name, version, level, ()
            if len(raw) > made.light and not made.fits_loop(raw):
                return name, version, level, None
            return name, version, level, made.check(event)
        if (real := self._alias_of(name)) is not None:
            return self._judge_type(org, real, event, raw, rules)
        check_unknown(name, admitted=rules.unknown == "admitted")
        return name, version, level, ()

    def _finish(
        self,
        raw: bytes,
        original: bytes,
        event: dict[str, Any],
        judged: tuple[OrgId, str, int, Validation],  # org, type, version, level
        key: str | None,
        index: int,
        now_ms: int,
        problems: Sequence[TypeViolation],
    ) -> Draft | RejectedEvent:
        """Finish an event that has been checked by its type; return what becomes of it."""
        org, name, version, level = judged
        event_id, get = event.get("eventId"), event.get
        warning = None
        if problems:
            try:
                warning = weigh_problems(name, problems, lenient=level == "lenient")
            except EventFault as fault:
                return self._refuse(raw, event, fault)
        elif level != "off":
            of_time, at = None, get("createdAt")
            if at.__class__ is not int or not SURELY_MS <= at <= now_ms + DAY_MS:
                of_time = time_warning(at, now_ms)
            if (versions := self._versions(name)) is not None:
                if (warnings := versions[version].warnings(event)) or of_time is not None:
                    warning = " ".join(([] if of_time is None else [of_time]) + list(warnings))
            else:
                warning = of_time
        if event_id is None or get("orgId") is None or get("createdAt") is None:
            raw = self._complete(raw, event, org, key, index, now_ms)
            event_id = event["eventId"]
        return self._make(org, name, event_id, raw, event, warning, original, version)

    def _unchecked(
        self,
        raw: bytes,
        original: bytes,
        event: dict[str, Any],
        judged: tuple[OrgId, str, int, Validation],
        key: str | None,
        index: int,
        now_ms: int,
    ) -> UncheckedEvent[Draft]:
        org, name, version, _ = judged
        own = self._own(org, name)
        assert own is not None  # it was there a moment ago
        return UncheckedEvent(
            org,
            name,
            own[version],
            raw,
            partial(self._finish, raw, original, event, judged, key, index, now_ms),
        )

    def _complete(
        self,
        raw: bytes,
        event: dict[str, Any],
        org: OrgId,
        key: str | None,
        index: int,
        now_ms: int,
    ) -> bytes:
        """Add what is absent or null to the decoded event, and to its bytes, which are returned."""
        due: dict[str, str | int] = {}
        if event.get("eventId") is None:
            due["eventId"] = self._new_id() if key is None else derived_event_id(org, key, index)
        if event.get("orgId") is None:
            due["orgId"] = org
        if event.get("createdAt") is None:
            due["createdAt"] = now_ms
        raw = complete(raw, event, due)
        event.update(due)
        return raw

    def _refuse(self, raw: bytes, event: dict[str, Any], fault: EventFault) -> RejectedEvent:
        body, event_id, name = raw[: self.limits.event_bytes], given_id(event), given_name(event)
        return RejectedEvent(
            event_id, name, fault.code, message=fault.message, path=fault.path, body=body
        )


def _version(event: dict[str, Any], versions: Mapping[int, TypeVersion]) -> int:
    """Return the version that an event says it is of, also unchecked; raise EventFault for none."""
    version = version_of(event, versions)
    if isinstance(version, int):
        return version
    raise EventFault("event_version", version.message, version.path)
