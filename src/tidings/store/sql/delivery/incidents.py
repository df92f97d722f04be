"""Incidents as rows."""

from collections.abc import Sequence

from tidings.core.incidents.incident import Incident
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import FLAG, StoredTable

_INCIDENT = StoredTable("incident", Incident, {"notified_opened": FLAG, "notified_ended": FLAG})
_KEY = ("webhook", "number")
# A process that goes on for a moment after its family has left writes of webhooks that are gone.
_PUT = (
    _INCIDENT.insert_where("EXISTS (SELECT 1 FROM webhook w WHERE w.number = ?1)")
    + f" ON CONFLICT ({', '.join(_KEY)}) {_INCIDENT.update(*_KEY)}"
)
_TRIM = (
    "DELETE FROM incident WHERE webhook = ?1 AND ended_ms IS NOT NULL AND number <="
    " (SELECT number FROM incident WHERE webhook = ?1 AND ended_ms IS NOT NULL"
    " ORDER BY number DESC LIMIT 1 OFFSET ?2)"
)
_UNHEARD = (
    f"{_INCIDENT.select} WHERE ended_ms IS NULL"
    " OR (notified_opened <> 0 AND notified_ended = 0) ORDER BY number"
)


class IncidentRows:
    """Shares the writer's connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    @answers(port.Store.put_incidents)
    def put(self, incidents: Sequence[Incident]) -> None:
        with self._connection:
            for incident in incidents:
                self._connection.execute(_PUT, _INCIDENT.write(incident))
            for webhook in sorted({known.webhook for known in incidents if not known.is_open}):
                self._connection.execute(_TRIM, (webhook, port.INCIDENTS_KEPT))

    @answers(port.Store.open_incidents)
    def open_incidents(self) -> list[Incident]:
        return [_INCIDENT.read(row) for row in self._connection.execute(_UNHEARD)]


class IncidentReader:
    """Shares the reader's connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    @answers(port.Store.incidents)
    def incidents(self, query: port.IncidentQuery) -> list[Incident]:
        found: list[str] = ["number < :before"]
        if query.org is not None:
            found.append("org = :org")
        if query.is_open is not None:
            found.append(f"ended_ms IS {'' if query.is_open else 'NOT '}NULL")
        if query.webhook is not None:
            found.append("webhook = :webhook")
        if query.kind:
            found.append("kind = :kind")
        where = " AND ".join(found)
        asked = {
            name: value
            for name, value in (
                ("before", query.before),
                ("org", query.org),
                ("webhook", query.webhook),
                ("kind", query.kind or None),
                ("limit", query.limit),
            )
            if value is not None
        }
        statement = f"{_INCIDENT.select} WHERE {where} ORDER BY number DESC LIMIT :limit"
        return [_INCIDENT.read(row) for row in self._connection.execute(statement, asked)]

    @answers(port.Store.incident)
    def incident(self, number: int) -> Incident | None:
        rows = self._connection.execute(f"{_INCIDENT.select} WHERE number = ?", (number,))
        return next((_INCIDENT.read(row) for row in rows), None)
