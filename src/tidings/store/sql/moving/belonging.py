"""Refuses a page of rows in which something is another family's."""

from collections.abc import Sequence
from typing import Any

from tidings.core.cells.families import FamilyId
from tidings.store import port
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.owned_keys import OwnedKeys, listed
from tidings.store.sql.moving.family_tables import IN_ORGS, FamilyRowsList
from tidings.store.sql.moving.family_walks import Row

_EVENTS = (
    "SELECT t.seq FROM event t WHERE t.seq IN (SELECT value FROM json_each(:keys))"
    f" AND t.org {IN_ORGS}"
)
_DELIVERIES = (
    "SELECT t.id FROM delivery t JOIN webhook w ON w.number = t.webhook"
    f" WHERE t.id IN (SELECT value FROM json_each(:keys)) AND w.org {IN_ORGS}"
)
_PERSONS = f"SELECT m.person FROM member m WHERE m.org {IN_ORGS}"
_CREDENTIALS = f"SELECT c.id FROM credential c WHERE c.org {IN_ORGS}"


def must_belong(
    connection: StoreConnection,
    family: FamilyId,
    owned: OwnedKeys,
    of: FamilyRowsList,
    rows: Sequence[Row],
) -> None:
    """Raise StaleChange where a row of a page is not the family's, by the rows that are here."""

    def values(column: str) -> list[Any]:
        at = of.columns.index(column)
        return [row[at] for row in rows]

    def found(query: str, keys: Sequence[Any] = ()) -> set[Any]:
        asked = {"keys": listed({*keys}), "orgs": owned.orgs_json}
        return {key for (key,) in connection.execute(query, asked).fetchall()}

    if of.table == "org":
        _must_hang_together(family, owned, values("id"), values("parent"))
        return
    if of.table == "person":
        odd = {*values("id")} - found(_PERSONS)
    elif of.table == "session":
        persons, credentials = found(_PERSONS), found(_CREDENTIALS)
        pairs = zip(values("person"), values("credential"), strict=True)
        odd = {pair for pair in pairs if pair[0] not in persons and pair[1] not in credentials}
    elif of.table == "delivery":
        events, webhooks = values("event"), values("webhook")
        odd = {*events} - found(_EVENTS, events) | {*webhooks} - {*owned.keys_of("webhook")}
    elif of.of == "event":
        seqs = values(of.column)
        odd = {*seqs} - found(_EVENTS, seqs)
    elif of.of == "delivery":
        deliveries = values(of.column)
        odd = {*deliveries} - found(_DELIVERIES, deliveries)
    else:
        odd = {*values(of.column)} - {*owned.keys_of(of.of)}
    if odd:
        raise _foreign_rows(of.table, family)


def _must_hang_together(
    family: FamilyId, owned: OwnedKeys, orgs: Sequence[int], parents: Sequence[int | None]
) -> None:
    """Look at orgs, of which each stands behind its parent."""
    known = {*owned.orgs}
    for org, parent in zip(orgs, parents, strict=True):
        if (org != family) if parent is None else (parent not in known):
            raise _foreign_rows("org", family)
        known.add(org)


def _foreign_rows(table: str, family: FamilyId) -> port.StaleChange:
    return port.StaleChange(
        f"The page of rows of {table!r} must be of family {family} alone; it holds another one's."
    )
