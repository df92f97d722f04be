"""No write for an org whose family is not here: looked at where all of a store's writes pass.

Each method of the half that writes is in one of the tables here, by which orgs it is for; a test
compares them with the port, so that none is forgotten. A batch says its families itself
(`Batch.families`). While every family is here, nothing is looked up.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tidings.store import port
from tidings.store.sql.configuration.families import FamilyRows
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.absences import LEFT_OUT, read_absent

Arguments = tuple[Any, ...]
Function = Callable[..., Any]


class OrgsOf(NamedTuple):
    """By what the orgs of a write are found: `query` finds the org of a key, None where the key is
    the org's id."""

    query: str | None
    keys: Callable[[Arguments], Iterable[Any]]
    ends: bool = False  # it comes of what has begun: also while the family is leaving
    parts: bool = False  # its one argument is a list, of which those that are not here are left out

    def ending(self) -> "OrgsOf":
        """Return the same, of what comes of something that has begun."""
        return self._replace(ends=True)


_ORG_OF: Mapping[str, str | None] = {
    "org": None,
    "webhook": "SELECT org FROM webhook WHERE number = ?",
    "source": "SELECT org FROM source WHERE number = ?",
    "inbox": "SELECT org FROM inbox WHERE number = ?",
    "replay": "SELECT org FROM replay WHERE number = ?",
    "delivery": (
        "SELECT w.org FROM delivery d JOIN webhook w ON w.number = d.webhook WHERE d.id = ?"
    ),
    "link": "SELECT org FROM link WHERE digest = ?",
    "letter": "SELECT org FROM letter WHERE id = ?",
    "channel": "SELECT org FROM alert_channel WHERE id = ?",
    "call": "SELECT org FROM keyed_call WHERE place = ?",
}


def _first(kind: str) -> OrgsOf:
    """The key is the first argument."""
    return OrgsOf(_ORG_OF[kind], lambda given: given[:1])


def _field(kind: str = "org") -> OrgsOf:
    """It is a field of the first argument, called as its kind."""
    return OrgsOf(_ORG_OF[kind], lambda given: (getattr(given[0], kind),))


def _each(kind: str) -> OrgsOf:
    """It is such a field of each object of a list."""
    return OrgsOf(_ORG_OF[kind], lambda given: [getattr(part, kind) for part in given[0]])


def _of_org(given: Arguments) -> list[int]:
    """Return an org, of which the family that it is of may end, and the parent that it gets."""
    [org] = given
    return [above for above in (org.id, org.parent) if above is not None]


def _of_people(given: Arguments) -> list[int]:
    """Return the orgs of members, and of the link that one of them is sent."""
    _, members, link, *_ = given
    return [member.org for member in members] + ([] if link is None else [link.org])


def _of_entries(given: Arguments) -> list[int]:
    return [draft.chain for draft in given[0].entries]


def _of_draft(given: Arguments) -> list[int]:
    return [given[1].chain]


FOR_ORGS: Mapping[str, OrgsOf] = {
    # what is configured
    "put_org": OrgsOf(None, _of_org),
    "put_credential": _field(),
    "put_webhook": _field(),
    "put_type": _field(),
    "delete_type": _first("org"),
    "put_transformation": _field(),
    "put_reference": _first("org"),
    "delete_reference": _first("org"),
    "put_stop": _field(),
    "drop_stop": _first("org"),
    "put_inbox": _field(),
    "drop_inbox": _first("inbox"),
    "put_source": _field(),
    "drop_source": _first("source"),
    "drop_rejection": _first("org"),
    # who may
    "put_people": OrgsOf(None, _of_people),
    "drop_member": _first("org"),
    "put_link": _field(),
    "take_link": _first("link"),
    "put_saved_view": _field(),
    "drop_saved_view": _first("org"),
    "begin_call": _field(),
    "end_call": _first("call").ending(),
    # what is sent
    "take_caps": _each("webhook"),
    "put_email": _field(),
    "drop_emails": OrgsOf(_ORG_OF["letter"], lambda given: given[0], ends=True, parts=True),
    "put_alert_channel": _field(),
    "drop_alert_channel": _first("channel"),
    "put_alert_marks": _each("org")._replace(ends=True, parts=True),
    "drop_alert_marks": _each("org")._replace(ends=True, parts=True),
    "retry_now": _first("delivery"),
    "wake": _first("delivery"),
    "wake_oldest": _first("webhook"),
    "wake_retries": _first("webhook"),
    "release": _first("webhook"),
    "retire": _first("webhook"),
    "park_expired": _first("webhook"),
    "drop_disabling": _first("webhook").ending(),
    "put_healths": _each("webhook")._replace(ends=True, parts=True),
    "put_incidents": _each("webhook")._replace(ends=True, parts=True),
    # replays
    "put_replay": _field(),
    "move_replay": _first("replay"),
    "note_counted": _first("replay"),
    "tally_replay": _first("replay").ending(),
    "close_replay": _first("replay").ending(),
    # what comes in
    "use_inbox": _first("inbox"),
    "add_arrivals": _each("inbox")._replace(ends=True),
    "put_table_owner": _field("source"),
    "drop_table_owner": _first("source").ending(),
    "put_topic_places": _first("source").ending(),
    "put_activity": _each("source")._replace(ends=True, parts=True),
    "put_dead_letters": _each("source").ending(),
    "drop_conflicts": _first("source"),
    "drop_dead_letters": _first("source"),
    # the audit log; a change's own entries are looked at with it (`RowWriter.record`)
    "append_audit": OrgsOf(None, _of_entries, ends=True),
    "shorten_audit": OrgsOf(None, _of_draft, ends=True),
}
_OF_PERSON = "SELECT org FROM member WHERE person = ?"
_OF_CREDENTIAL = "SELECT org FROM credential WHERE id = ?"
_OF_SESSION = (
    "SELECT m.org FROM session s JOIN member m ON m.person = s.person WHERE s.digest = ?1"
    " UNION SELECT c.org FROM session s JOIN credential c ON c.id = s.credential"
    " WHERE s.digest = ?1"
)
OF_PEOPLE: Mapping[str, Sequence[OrgsOf]] = {
    "put_people": [OrgsOf(_OF_PERSON, lambda given: [person.id for person in given[0]])],
    "put_session": [
        OrgsOf(_OF_PERSON, lambda given: [given[0].person]),
        OrgsOf(_OF_CREDENTIAL, lambda given: [given[0].credential]),
    ],
    "drop_sessions": [OrgsOf(_OF_SESSION, lambda given: given[0])],
}
"""Of a person, who may be of several families, or of a sign-in: refused while one of the families
is copied, for its copy has what was in force before."""
FOR_ALL = frozenset(("drop", "drop_expired", "note_uses"))
"""Go through the rows of all orgs: they wait while a family is copied."""
FOR_NONE = frozenset(
    (
        # a commit says its families itself, and moves are what changes them
        *("commit", "move_family", "family_row", "families", "close"),
        # rows of a family that comes or goes: looked at by the number of its move
        *("read_family_rows", "write_family_rows", "sum_family_rows", "drop_family_rows"),
        *("count_family_rows", "highest_numbers_of", "facts_of_family", "clock_leaps"),
        # of the store or of the installation
        *("number_ranges", "end_endless_range", "grant_ranges", "begin_range", "give_up_ranges"),
        "note_epoch",
        *("installation", "key_check", "put_key_check", "kept_keys", "put_anchor"),
        *("shorten_anchors", "note_restore", "retention_state"),
        *("kept_list", "list_piece", "put_list_piece", "put_kept_list", "forget_lists"),
        *("drop_list_pieces",),
        # read in order with what is written; a start looks at what it finds by the families
        *("load", "load_types", "load_people", "load_transformations", "load_sources"),
        *("list_links", "load_inboxes", "load_alert_channels", "alert_marks", "load_activity"),
        *("dead_letter_sums", "topic_places", "table_owner"),
        *("transformation_versions", "emails", "stops", "healths", "past_attempts", "page"),
        "open_incidents",
        *("recover", "unfinished", "unfinished_of", "file_space", "give_back"),
    )
)


class FamilyGuard:
    """Stands before every method of a half that writes; shares its connection."""

    def __init__(self, connection: StoreConnection, families: FamilyRows) -> None:
        self._connection = connection
        self._families = families

    def guarded(self, asked: str, function: Function) -> Function:
        """Return what answers a method of the port, if need be behind a look at the families of
        its orgs."""
        if asked in FOR_ALL:
            return self._waiting(function)
        if (rules := OF_PEOPLE.get(asked)) is not None:
            function = self._resting(rules, function)
        if (leave_out := LEFT_OUT.get(asked)) is not None:
            return self._leaving_out(leave_out, function)
        if (rule := FOR_ORGS.get(asked)) is None:
            return function
        return self._in_parts(rule, function) if rule.parts else self._refusing(rule, function)

    def _waiting(self, function: Function) -> Function:
        def answer(*given: Any, **named: Any) -> Any:
            self._families.must_copy_nothing()
            return function(*given, **named)

        return answer

    def _resting(self, rules: Sequence[OrgsOf], function: Function) -> Function:
        shape = inspect.signature(function)

        @functools.wraps(function)
        def answer(*given: Any, **named: Any) -> Any:
            if not self._families.are_all_here:
                bound = shape.bind(*given, **named)
                for rule in rules:
                    self._families.must_not_be_copied(self._found(rule, rule.keys(bound.args)))
            return function(*given, **named)

        return answer

    def _leaving_out(self, leave_out: Function, function: Function) -> Function:
        def answer(*given: Any, **named: Any) -> Any:
            found = function(*given, **named)
            if self._families.are_all_here:
                return found
            absent = read_absent(self._connection)
            return found if absent is None else leave_out(found, absent)

        return answer

    def _refusing(self, rule: OrgsOf, function: Function) -> Function:
        # Not at each start: only once a family is not here.
        shape = functools.cache(functools.partial(inspect.signature, function))

        def answer(*given: Any, **named: Any) -> Any:
            if not self._may_pass(rule):
                bound = shape().bind(*given, **named)
                bound.apply_defaults()
                self._look(rule, rule.keys(bound.args))
            return function(*given, **named)

        return answer

    def _in_parts(self, rule: OrgsOf, function: Function) -> Function:
        def answer(parts: Sequence[Any]) -> Any:
            if not self._may_pass(rule):
                keys = rule.keys((parts,))
                parts = [
                    part for part, key in zip(parts, keys, strict=True) if self._is_here(rule, key)
                ]
            return function(parts)

        return answer

    def _may_pass(self, rule: OrgsOf) -> bool:
        """Return whether nothing is to be looked up: what has an owner in the store is here."""
        if rule.query is None:
            return self._families.are_none_away
        return self._families.are_all_here

    def _is_here(self, rule: OrgsOf, key: Any) -> bool:
        try:
            self._look(rule, (key,))
        except port.FamilyAway:
            return False
        return True

    def _look(self, rule: OrgsOf, keys: Iterable[Any]) -> None:
        self._families.must_be_here(self._found(rule, keys), ends=rule.ends)

    def _found(self, rule: OrgsOf, keys: Iterable[Any]) -> Iterable[int]:
        """Return the orgs of a write's keys."""
        if rule.query is None:
            return keys
        found = (self._connection.execute(rule.query, (key,)).fetchall() for key in {*keys})
        return [org for rows in found for (org,) in rows]
