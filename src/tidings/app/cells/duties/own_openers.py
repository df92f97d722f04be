"""What opens something of the families of a cell, as its own store has it: for the directory.

One-time links are not listed anywhere; they are in the directory from their making, or end soon.
Credentials of the platform are every cell's.
"""

from collections.abc import Collection, Iterator, Sequence

from tidings.core.cells.directory import Opener, OpenerKind, directory_digest
from tidings.core.cells.families import FamilyId
from tidings.core.ids import OrgId
from tidings.store import port

Named = tuple[OpenerKind, str, OrgId]


async def list_openers(store: port.Store, key: bytes) -> list[tuple[bytes, Opener]]:
    """List what opens something of the families that are here, by digest. `key`: of digests in the
    directory. Raise StoreDown."""
    snapshot, named = await _read(store)
    parents = {org.id: org.parent for org in snapshot.orgs}
    found: dict[bytes, Opener] = {}
    rows: list[tuple[bytes, Opener]] = []
    for kind, text, org in named:
        if org not in parents:
            continue
        digest = directory_digest(kind, key, text)
        opener = Opener(kind, _family_of(parents, org))
        if kind is OpenerKind.EMAIL or found.setdefault(digest, opener) == opener:
            rows.append((digest, opener))
    return list(dict.fromkeys(rows))


async def list_openers_of(
    store: port.Store, key: bytes, orgs: Collection[OrgId]
) -> list[tuple[bytes, OpenerKind, bool]]:
    """List what opens something of some orgs, each by digest and kind, and whether it opens
    something of these alone. `key`: of digests in the directory. Raise StoreDown."""
    _, named = await _read(store)
    own: dict[tuple[bytes, OpenerKind], None] = {}
    others: set[tuple[bytes, OpenerKind]] = set()
    for kind, text, org in named:
        found = directory_digest(kind, key, text), kind
        if org in orgs:
            own[found] = None
        else:
            others.add(found)
    return [(digest, kind, (digest, kind) not in others) for digest, kind in own]


async def _read(store: port.Store) -> tuple[port.Snapshot, list[Named]]:
    snapshot = await store.load()
    people = await store.load_people()
    inboxes = await store.load_inboxes()
    return snapshot, [*_named(snapshot, people, inboxes)]


def _named(
    snapshot: port.Snapshot, people: port.People, inboxes: Sequence[port.Inbox]
) -> Iterator[Named]:
    for org in snapshot.orgs:
        yield OpenerKind.ORG, str(org.id), org.id
    for credential in snapshot.credentials:
        if not credential.platform:
            yield OpenerKind.KEY, credential.id, credential.org
    for webhook in snapshot.webhooks:
        yield OpenerKind.WEBHOOK, str(webhook.id), webhook.org
        yield OpenerKind.CONSUMER_GROUP, webhook.consumer_group, webhook.org
    for inbox in inboxes:
        yield OpenerKind.INBOX, inbox.token, inbox.org
    addresses = {person.id: person.email for person in people.persons}
    for member in people.members:
        if member.person in addresses:
            yield OpenerKind.EMAIL, addresses[member.person], member.org


def _family_of(parents: dict[OrgId, OrgId | None], org: OrgId) -> FamilyId:
    while (above := parents.get(org)) is not None:
        org = above
    return FamilyId(org)
