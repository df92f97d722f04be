"""Every method of the port that puts something: which compare what was read, and which need not."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from tests.store.rows import ORG, webhook
from tidings.core.ids import EventNumber, OrgId
from tidings.core.incidents.incident import Incident
from tidings.core.replay import JobState
from tidings.core.sources.table_owner import TableOwner
from tidings.core.sources.topic_places import TopicPlace
from tidings.store import port

Put = Callable[[port.Store, Any], Awaitable[Any]]


class StoredObject(NamedTuple):
    """What is read, changed and put again."""

    first: Any
    put: Put
    load: Callable[[port.Store], Awaitable[Sequence[Any]]]  # all of them
    field: str  # one that a change sets, and two values of it
    values: tuple[object, object]
    number: str = "revision"  # the field that says which change it is
    twin: Any = None  # another one with the key of the first, where that is not the first itself


async def orgs(store: port.Store) -> Sequence[Any]:
    return (await store.load()).orgs


async def credentials(store: port.Store) -> Sequence[Any]:
    return (await store.load()).credentials


async def webhooks(store: port.Store) -> Sequence[Any]:
    return (await store.load()).webhooks


async def persons(store: port.Store) -> Sequence[Any]:
    return (await store.load_people()).persons


async def members(store: port.Store) -> Sequence[Any]:
    return (await store.load_people()).members


_HOOK = webhook("till")
_SEALED = (b"one", b"two")
# By the method, and where it puts several things by which of them.
COMPARED = {
    "put_org": StoredObject(
        port.StoredOrg(ORG, "a"),
        lambda store, org: store.put_org(org),
        orgs,
        "name",
        ("one", "two"),
    ),
    "put_credential": StoredObject(
        port.StoredCredential("key", ORG, False, digest=b"d", scopes="*"),
        lambda store, credential: store.put_credential(credential),
        credentials,
        "scopes",
        ("logs:read", "events:write"),
    ),
    "put_webhook": StoredObject(
        _HOOK,
        lambda store, hook: store.put_webhook(hook),
        webhooks,
        "config",
        _SEALED,
        number="version",
        twin=msgspec.structs.replace(_HOOK, name="other"),
    ),
    "put_type": StoredObject(
        port.StoredType(ORG, "a", 3, declaration=b"{}"),
        lambda store, kind: store.put_type(kind),
        lambda store: store.load_types(),
        "declaration",
        _SEALED,
    ),
    "put_transformation": StoredObject(
        port.StoredTransformation(ORG, "a", 1, template="{}", created_by="boss"),
        lambda store, made: store.put_transformation(made),
        lambda store: store.load_transformations(),
        "template",
        ("one", "two"),
        number="version",
    ),
    "put_people person": StoredObject(
        port.StoredPerson("usr_a", "asha@acme.example"),
        lambda store, person: store.put_people([person]),
        persons,
        "password",
        ("one", "two"),
    ),
    "put_people member": StoredObject(
        port.Member(ORG, "usr_a", "Asha", role="owner"),
        lambda store, member: store.put_people([], [member]),
        members,
        "role",
        ("reader", "admin"),
    ),
    "put_source": StoredObject(
        port.StoredSource(0, ORG, "shop", sealed=b"sealed"),
        lambda store, source: store.put_source(source),
        lambda store: store.load_sources(),
        "sealed",
        _SEALED,
    ),
    "put_alert_channel": StoredObject(
        port.StoredChannel("alc_a", ORG, b"sealed"),
        lambda store, channel: store.put_alert_channel(channel),
        lambda store: store.load_alert_channels(),
        "sealed",
        _SEALED,
    ),
    "put_saved_view": StoredObject(
        port.StoredView(ORG, "usr_a", "view_a", list="webhooks", name="one", query="q=a"),
        lambda store, view: store.put_saved_view(view),
        lambda store: store.saved_views(ORG, "usr_a"),
        "name",
        ("one", "two"),
    ),
    "put_inbox": StoredObject(
        port.Inbox(0, ORG, "token", name="a", answer=b"{}"),
        lambda store, inbox: store.put_inbox(inbox),
        lambda store: store.load_inboxes(),
        "answer",
        _SEALED,
    ),
}

_LINK = port.OneTimeLink(b"l" * 32, "invite", "usr_a", org=ORG, credential="", expires_ms=1 << 50)
_SESSION = port.StoredSession(b"s" * 32, "usr_a", "", proof=b"p", created_ms=10, seen_ms=10)
_LETTER = port.DeadLetter(
    0, 1, 1000, place="m", code="c", reason="r", field="", headers=[], body=b"b", known_by=b"k"
)
_SPEC = port.ReplaySpec(
    ORG, None, None, [ORG], (), None, None, (), False, False, True, EventNumber(0)
)
# What is put as it is, whatever was there, and why nobody's change is lost by it. Each is done
# twice: what is there already is no fault of the statement.
NOT_COMPARED: dict[str, tuple[str, Callable[[port.Store], Awaitable[Any]]]] = {
    "put_anchor": ("adds what the chains are", lambda store: store.put_anchor(b"k" * 32, 1)),
    "put_key_check": (
        "says the same whoever puts it; the first one stays",
        lambda store: store.put_key_check(1),
    ),
    "put_stop": (
        "says the same whoever puts it; the first one stays",
        lambda store: store.put_stop(port.SendingStop(ORG, "boss")),
    ),
    "put_session": (
        "begins once; when it was last seen stays",
        lambda store: store.put_session(_SESSION),
    ),
    "put_link": ("is never changed", lambda store: store.put_link(_LINK)),
    "put_reference": (
        "each record is given whole by the platform, and not made of what is stored",
        lambda store: store.put_reference(OrgId(ORG), 1, [port.ReferenceRow("1", b"{}")]),
    ),
    "put_list_piece": (
        "is of a state that only its writer knows",
        lambda store: store.put_list_piece(port.ListPiece("l", "r", piece=1, sealed=b"s")),
    ),
    "put_kept_list": (
        "is what the owner alone has read, given whole",
        lambda store: store.put_kept_list(port.KeptList("l", "r", pieces=0, sealed=b"s")),
    ),
    "put_replay": (
        "is always new; later steps name the states that they begin in",
        lambda store: store.put_replay(
            port.ReplayJob(0, ORG, "cancel", JobState.COUNTING, _SPEC, 10.0, True, "boss"), ()
        ),
    ),
    "put_email": (
        "is the queue of the owner alone",
        lambda store: store.put_email(port.QueuedEmail("e", ORG, "kind", fact=b"{}", due_ms=1)),
    ),
    "put_alert_marks": (
        "is what the owner alone has sent",
        lambda store: store.put_alert_marks([port.StoredAlertMark("alc_a", "inc_a", ORG)]),
    ),
    "put_healths": (
        "is what the owner alone has counted",
        lambda store: store.put_healths([port.StoredHealth(1, failures=1)]),
    ),
    "put_incidents": (
        "is what the owner alone has seen",
        lambda store: store.put_incidents([Incident(webhook=1, number=1, org=ORG, kind="failing")]),
    ),
    "put_topic_places": (
        "is how far the owner alone has read",
        lambda store: store.put_topic_places(1, [TopicPlace("t", 0, "c", "id", 1)]),
    ),
    "put_table_owner": (
        "is what the owner alone has found",
        lambda store: store.put_table_owner(TableOwner(1, takes_over=True)),
    ),
    "put_activity": (
        "is what the owner alone has counted",
        lambda store: store.put_activity([port.StoredActivity(1, 1, [(1, {"accepted": 1})])]),
    ),
    "put_dead_letters": (
        "a message that comes again takes the place of the one before",
        lambda store: store.put_dead_letters([_LETTER]),
    ),
}
