"""Each table of the store, once: by what its rows of a family are found, or why it stays here.

The order is that in which rows go: what others are found by, or are checked by, comes first. A test
compares the list with the schemas of both databases, columns too, so that a new table or column has
an entry or fails.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import NamedTuple


class FoundBy(Enum):
    """Name by what the rows of a family are found."""

    ORGS = auto()  # the orgs of the family, from the one without a parent down
    CONDITION = auto()  # a look at each row by key: there are few, or no index leads to them
    PARENT = auto()  # the rows of another table that they are of, one after another, by an index
    EVENTS = auto()  # the events of the family, in the order of their numbers
    REPLAYED = auto()  # deliveries that replays have made: their numbers are none of an event's
    EVENT_IDS = auto()  # the events of the family, by the hash of the org and the id of each


class FamilyRowsList(NamedTuple):
    """A list of rows: a table, or a part of one. `of`: what its rows are of, whose number or id
    `column` holds; `condition`: which rows of `t` are the family's, by its `:orgs`."""

    table: str
    found: FoundBy
    columns: tuple[str, ...]
    key: tuple[str, ...]
    of: str = ""
    column: str = ""
    condition: str = ""
    part: str = ""
    is_shared: bool = False  # a row may be of several families: only its key is compared
    drop_condition: str = ""  # a further one of those that are dropped
    is_summed: bool = True  # or rows may end while they are copied, in either store

    @property
    def name(self) -> str:
        """Return how a place names it."""
        return f"{self.table} {self.part}" if self.part else self.table


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


IN_ORGS = "IN (SELECT value FROM json_each(:orgs))"


def _by_look(
    table: str, key: str, columns: str, condition: str = f"t.org {IN_ORGS}", *, shared: bool = False
) -> FamilyRowsList:
    of = "org" if condition == f"t.org {IN_ORGS}" else ""
    return FamilyRowsList(
        table,
        FoundBy.CONDITION,
        columns=_words(columns),
        key=(key,),
        of=of,
        column=of,
        condition=condition,
        is_shared=shared,
    )


def _by_parent(table: str, of: str, key: str, columns: str, column: str = "") -> FamilyRowsList:
    """`key`: what is beside the parent's."""
    column = column or of
    return FamilyRowsList(
        table,
        FoundBy.PARENT,
        columns=_words(columns),
        key=(column, *_words(key)),
        of=of,
        column=column,
    )


def _by_events(table: str, key: str, columns: str, column: str) -> FamilyRowsList:
    of = "event" if column in ("seq", "event") else "delivery"
    return FamilyRowsList(
        table,
        FoundBy.EVENTS,
        columns=_words(columns),
        key=_words(key),
        of=of,
        column=column,
    )


def _with_replayed(lists: list[FamilyRowsList]) -> list[FamilyRowsList]:
    return [
        part
        for rows in lists
        for part in (rows, rows._replace(found=FoundBy.REPLAYED, part="of replays"))
    ]


_OF_THEIR_MEMBERS = f"EXISTS (SELECT 1 FROM member m WHERE m.person = t.{{}} AND m.org {IN_ORGS})"
_OF_NOBODY_ELSE = (
    f"NOT EXISTS (SELECT 1 FROM member o WHERE o.person = t.{{}} AND NOT o.org {IN_ORGS})"
)
_OF_THEIR_CREDENTIALS = (
    f"EXISTS (SELECT 1 FROM credential c WHERE c.id = t.credential AND c.org {IN_ORGS})"
)

OF_DELIVERIES = _with_replayed(
    [
        _by_events(
            "delivery",
            "id",
            "id event webhook version state attempts due_ms done_ms duration_ms status key",
            "event",
        )._replace(of="delivery", column="id"),
        _by_events(
            "attempt",
            "delivery number",
            "delivery number started_ms version duration_ms status kind detail headers body"
            " truncated timings",
            "delivery",
        ),
        _by_events("sent", "delivery", "delivery bytes without_personal_data", "delivery"),
        _by_events("left_out", "delivery", "delivery said", "delivery"),
        _by_events(
            "waiting", "delivery", "delivery reason detail needed looks since_ms", "delivery"
        ),
        _by_events("delivery_cancel", "delivery", "delivery by replay", "delivery"),
    ]
)
"""What is found by the numbers of deliveries: those of events, and then those that replays made."""

FAMILY_ROWS: tuple[FamilyRowsList, ...] = (
    FamilyRowsList(
        "org",
        FoundBy.ORGS,
        columns=_words("id name parent time_zone settings created_ms revision"),
        key=("id",),
    ),
    _by_look(
        "credential",
        "id",
        "id org platform digest scopes created_ms revoked_ms kind name expires_ms previous"
        " previous_until_ms calls_per_minute events_per_s created_by used_ms revision",
    ),
    _by_look("webhook", "number", "number id consumer_group org name created_ms"),
    _by_parent(
        "webhook_version", "webhook", "version", "webhook version standing config updated_ms"
    ),
    _by_parent(
        "webhook_health",
        "webhook",
        "",
        "webhook failing_since_ms failures cause opens until_ms told failing_ms partly_since_ms",
    ),
    _by_parent(
        "incident",
        "webhook",
        "number",
        "webhook number org kind cause opened_ms since_ms waiting step grew grew_ms cause_changes"
        " cause_changed_ms previous_cause acknowledged_ms acknowledged_by note ended_ms end_reason"
        " notified_opened notified_grew notified_causes notified_ended",
    ),
    _by_parent("disabling", "webhook", "", "webhook version reason"),
    _by_parent(
        "event_type",
        "org",
        "name version",
        "org name version declaration created_ms updated_ms revision",
    ),
    _by_parent(
        "transformation",
        "org",
        "name version",
        "org name version template created_by created_ms",
    ),
    _by_parent("reference", "org", "kind id", "org kind id value"),
    _by_parent("reference_count", "org", "kind", "org kind records"),
    _by_parent("stop", "org", "", "org by since_ms"),
    _by_parent(
        "member",
        "org",
        "person",
        "org person name role created_ms created_by accepted_ms disabled_ms revision",
    ),
    _by_look(
        "person",
        "id",
        "id email password created_ms revision",
        _OF_THEIR_MEMBERS.format("id"),
        shared=True,
    )._replace(drop_condition=_OF_NOBODY_ELSE.format("id")),
    _by_look(
        "session",
        "digest",
        "digest person credential proof created_ms seen_ms address agent portal",
        f"({_OF_THEIR_MEMBERS.format('person')} AND {_OF_NOBODY_ELSE.format('person')}"
        f" OR {_OF_THEIR_CREDENTIALS})",
    )._replace(is_summed=False),
    _by_look("link", "digest", "digest purpose person org credential expires_ms portal"),
    _by_parent(
        "saved_view",
        "org",
        "owner id",
        "org owner id list name query created_ms revision",
    ),
    _by_look("letter", "id", "id org kind fact due_ms tries"),
    _by_look("alert_channel", "id", "id org sealed created_ms changed_ms revision"),
    _by_parent("alert_mark", "org", "channel incident", "channel incident org mark"),
    _by_parent("keyed_call", "org", "place", "place org body at_ms answer"),
    _by_parent(
        "audit",
        "org",
        "number",
        "chain number at_ms actor_kind actor actor_name face address behalf action object_kind"
        " object before after times mac",
        "chain",
    ),
    _by_parent("audit_chain", "org", "", "chain number mac anchored", "chain"),
    _by_look("source", "number", "number org name sealed created_ms changed_ms revision"),
    _by_parent(
        "aside",
        "source",
        "number",
        "number source at_ms place code reason field headers body known_by times",
    ),
    _by_parent(
        "source_place",
        "source",
        "topic partition",
        "source topic partition cluster topic_id offset",
    ),
    _by_parent("source_activity", "source", "", "source last_ms minutes"),
    _by_parent("source_owner", "source", "", "source place installation takes_over"),
    _by_look("inbox", "number", "number org token name answer created_ms used_ms revision"),
    _by_parent(
        "arrival",
        "inbox",
        "number",
        "number inbox at_ms method headers body size verdict reason status",
    ),
    _by_parent(
        "rejection",
        "org",
        "id",
        "id org at_ms name event_id code message path body passage",
    ),
    _by_parent(
        "replay",
        "org",
        "number",
        "number org kind state spec rate hold by reason cursor counted_to counted total made"
        " under_way had no_body delivered failed parked cancelled created_ms started_ms ended_ms"
        " closed",
    ),
    _by_parent("replay_list", "replay", "last", "replay last entries"),
    _by_parent("cap_use", "webhook", "subject delivery", "webhook subject delivery at_ms until_ms"),
    _by_look(
        "event",
        "seq",
        "seq org name id at_ms warning first_delivery deliveries terms passage",
    ),
    FamilyRowsList(
        "event_id",
        FoundBy.EVENT_IDS,
        columns=_words("hash seq digest"),
        key=("hash",),
        of="event",
        column="seq",
    ),
    _by_events("body", "seq", "seq bytes", "seq"),
    _by_look(
        "fan_out",
        "first",
        "first event count entries",
        f"EXISTS (SELECT 1 FROM event e WHERE e.seq = t.event AND e.org {IN_ORGS})",
    )._replace(of="event", column="event"),
    _by_look(
        "delivery_replay",
        "delivery",
        "delivery replay event webhook again at_ms state",
        "EXISTS (SELECT 1 FROM webhook w WHERE w.number = t.webhook AND w.org " + IN_ORGS + ")",
    )._replace(of="webhook", column="webhook"),
    *OF_DELIVERIES,
)
"""What goes with a family, in this order."""

OF_THE_STORE: Mapping[str, str] = {
    "owner": "who owns this store",
    "schema_version": "which number its schema has",
    "store_copy": "which side of a copy this store is",
    "copy_progress": "how far that has come",
    "kept_key": "keys of the installation: the same in each of its cells",
    "meta": "facts of this store",
    "installation": "the same in each cell",
    "number_range": "the numbers that this store may give",
    "family": "the row that decides where the family is: each store has its own",
    "keeping": "how far retention has come in this store",
    "kept_back": "events that retention of this store has passed by",
    "leap": "leaps of the clock that this store has followed",
    "audit_anchor": "anchors of this store, over the chains that it has had",
    "kept_list": "look-up lists of the operator's connections",
    "list_piece": "their pieces",
}
DERIVED: Mapping[str, str] = {
    "touched": "blocks whose summaries are to be made again",
    "segment": "search terms, made of the events",
    "name": "names of the search",
    "block": "a summary, made of deliveries",
    "cell": "a summary, made of deliveries",
    "slice": "a summary, made of deliveries",
    "event_block": "a summary, made of events",
    "event_cell": "a summary, made of events",
    "event_slice": "a summary, made of events",
}
