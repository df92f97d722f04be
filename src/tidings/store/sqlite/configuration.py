"""Orgs, credentials, webhooks and own event types.

Each change that matching depends on raises the registry version. That is what makes a commit that
was matched before the change be refused and matched again (`Writer.commit`): a webhook whose
creation was answered is in force for every later 202.
"""

from collections.abc import Callable

import apsw
from msgspec.structs import replace

from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sqlite.answers import answers
from tidings.store.sqlite.queries import WEBHOOK
from tidings.store.sqlite.tables import FLAG, Projection, StoredTable

_WEBHOOKS = (
    f"{WEBHOOK.select} FROM webhook w JOIN webhook_version v ON v.webhook = w.number"
    " AND v.version = (SELECT max(version) FROM webhook_version WHERE webhook = w.number)"
)
_OF_WEBHOOK, _OF_VERSION = WEBHOOK.part("webhook", "w"), WEBHOOK.part("webhook_version", "v")
_PUT_WEBHOOK = _OF_WEBHOOK.insert(without=["number"])
_PUT_VERSION = _OF_VERSION.insert(behind=["webhook"])
_PARKED_SINCE = (
    "(SELECT count(*) FROM delivery d WHERE d.webhook = b.webhook"
    f" AND d.state = {int(State.PARKED)} AND d.done_ms >= v.updated_ms)"
)
_DISABLING = Projection(port.Disabling, "b", {"parked": _PARKED_SINCE})
_DISABLINGS = (
    f"{_DISABLING.select} FROM disabling b JOIN webhook_version v"
    " ON v.webhook = b.webhook AND v.version = b.version"
    " ORDER BY b.webhook"
)

_ORG = StoredTable("org", port.StoredOrg)
_PUT_ORG = _ORG.upsert("id", keeps=["created_ms"])
_CREDENTIAL = StoredTable("credential", port.StoredCredential, {"platform": FLAG})
# Its last use and its creation stay: who changes a credential does not know the newest use.
_PUT_CREDENTIAL = _CREDENTIAL.upsert("id", keeps=["created_ms", "used_ms"])
_TYPE = StoredTable("event_type", port.StoredType)
_PUT_TYPE = _TYPE.upsert("org", "name", "version", keeps=["created_ms"])


class Configuration:
    """The configuration half of the embedded store; shares the writer's connection."""

    def __init__(
        self,
        connection: apsw.Connection,
        clock_ms: Callable[[], int],
        raised: Callable[[int], None],
    ) -> None:
        self._connection = connection
        self._clock_ms = clock_ms
        self._raised = raised

    @answers(port.Store.installation)
    def installation(self) -> str:
        [(id,)] = self._connection.execute("SELECT id FROM installation")
        return str(id)

    @answers(port.Store.load)
    def load(self) -> port.Snapshot:
        run = self._connection.execute
        [(version,)] = run("SELECT value FROM meta WHERE key = 'registry_version'")
        return port.Snapshot(
            registry_version=version,
            orgs=[_ORG.read(row) for row in run(f"{_ORG.select} ORDER BY id")],
            credentials=[_CREDENTIAL.read(row) for row in run(f"{_CREDENTIAL.select} ORDER BY id")],
            webhooks=[WEBHOOK.read(row) for row in run(f"{_WEBHOOKS} ORDER BY w.number")],
            disablings=[_DISABLING.read(row) for row in run(_DISABLINGS)],
        )

    @answers(port.Store.drop_disabling)
    def drop_disabling(self, webhook: int, version: int) -> None:
        with self._connection:
            self._connection.execute(
                "DELETE FROM disabling WHERE webhook = ? AND version <= ?", (webhook, version)
            )

    @answers(port.Store.put_org)
    def put_org(self, org: port.StoredOrg) -> int:
        with self._connection:
            dated = replace(org, created_ms=org.created_ms or self._clock_ms())
            self._connection.execute(_PUT_ORG, _ORG.write(dated))
            version = self._raise_version()
        self._raised(version)
        return version

    @answers(port.Store.put_credential)
    def put_credential(self, credential: port.StoredCredential) -> None:
        with self._connection:
            dated = replace(credential, created_ms=credential.created_ms or self._clock_ms())
            self._connection.execute(_PUT_CREDENTIAL, _CREDENTIAL.write(dated))

    @answers(port.Store.put_webhook)
    def put_webhook(self, webhook: port.StoredWebhook) -> tuple[port.StoredWebhook, int]:
        now = self._clock_ms()
        run = self._connection.execute
        with self._connection:
            number = webhook.number
            dated = replace(webhook, created_ms=webhook.created_ms or now, updated_ms=now)
            if number == 0:
                taken = run(
                    "SELECT 1 FROM webhook w JOIN webhook_version v ON v.webhook = w.number"
                    " WHERE w.org = ? AND w.name = ? AND v.version = (SELECT max(version) FROM"
                    " webhook_version WHERE webhook = w.number) AND v.standing <> 'deleted'",
                    (webhook.org, webhook.name),
                ).fetchone()
                if taken:
                    raise port.NameTaken(webhook.name)
                run(_PUT_WEBHOOK, _OF_WEBHOOK.write(dated, without=["number"]))
                number = self._connection.last_insert_rowid()
            run(_PUT_VERSION, (number, *_OF_VERSION.write(dated)))
            if webhook.status == "deleted":
                run("DELETE FROM disabling WHERE webhook = ?", (number,))
            elif webhook.status == "disabled":
                run("INSERT OR REPLACE INTO disabling VALUES (?, ?, '')", (number, webhook.version))
            version = self._raise_version()
        self._raised(version)
        return replace(dated, number=number), version

    @answers(port.Store.load_types)
    def load_types(self) -> list[port.StoredType]:
        rows = self._connection.execute(f"{_TYPE.select} ORDER BY org, name, version")
        return [_TYPE.read(row) for row in rows]

    @answers(port.Store.put_type)
    def put_type(self, kind: port.StoredType) -> tuple[port.StoredType, int]:
        now = self._clock_ms()
        with self._connection:
            [(created,)] = self._connection.execute(
                f"{_PUT_TYPE} RETURNING created_ms",
                _TYPE.write(replace(kind, created_ms=now, updated_ms=now)),
            )
            version = self._raise_version()
        self._raised(version)
        return replace(kind, created_ms=created, updated_ms=now), version

    @answers(port.Store.delete_type)
    def delete_type(self, org: OrgId, name: str) -> int:
        with self._connection:
            self._connection.execute(
                "DELETE FROM event_type WHERE org = ? AND name = ?", (org, name)
            )
            version = self._raise_version()
        self._raised(version)
        return version

    def read_version_again(self) -> None:
        """Take the registry version from the database, where a change was taken back."""
        [(version,)] = self._connection.execute(
            "SELECT value FROM meta WHERE key = 'registry_version'"
        )
        self._raised(version)

    def _raise_version(self) -> int:
        [(version,)] = self._connection.execute(
            "UPDATE meta SET value = value + 1 WHERE key = 'registry_version' RETURNING value"
        )
        return int(version)
