"""Orgs, credentials, webhooks and own event types.

Each change that matching depends on raises the registry version. That is what makes a commit that
was matched before the change be refused and matched again (`Writer.commit`): a webhook whose
creation was answered is in force for every later 202.
"""

from collections.abc import Callable
from typing import Any

import apsw
from msgspec.structs import astuple, replace

from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sqlite.answers import answers

_WEBHOOK = (
    "SELECT w.number, w.id, w.consumer_group, w.org, v.version, w.name, v.standing, v.config,"
    " w.created_ms, v.updated_ms FROM webhook w JOIN webhook_version v ON v.webhook = w.number"
    " AND v.version = (SELECT max(version) FROM webhook_version WHERE webhook = w.number)"
)
_DISABLINGS = (
    "SELECT b.webhook, b.version, b.reason, (SELECT count(*) FROM delivery d WHERE"
    f" d.webhook = b.webhook AND d.state = {int(State.PARKED)} AND d.done_ms >= v.updated_ms)"
    " FROM disabling b JOIN webhook_version v ON v.webhook = b.webhook AND v.version = b.version"
    " ORDER BY b.webhook"
)

_CREDENTIAL = (
    "id, org, platform, digest, scopes, created_ms, revoked_ms, kind, name, expires_ms, previous,"
    " previous_until_ms, calls_per_minute, events_per_s, created_by, used_ms"
)
# Its last use and its creation stay: who changes a credential does not know the newest use.
_PUT_CREDENTIAL = (
    f"INSERT INTO credential ({_CREDENTIAL}) VALUES"
    " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
    " org = excluded.org, platform = excluded.platform, digest = excluded.digest,"
    " scopes = excluded.scopes, revoked_ms = excluded.revoked_ms, kind = excluded.kind,"
    " name = excluded.name, expires_ms = excluded.expires_ms, previous = excluded.previous,"
    " previous_until_ms = excluded.previous_until_ms,"
    " calls_per_minute = excluded.calls_per_minute, events_per_s = excluded.events_per_s,"
    " created_by = excluded.created_by"
)


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
            orgs=[
                port.Org(*row)
                for row in run(
                    "SELECT id, name, parent, time_zone, settings, created_ms FROM org ORDER BY id"
                )
            ],
            credentials=[
                port.Credential(id, org, bool(platform), *rest)
                for id, org, platform, *rest in run(
                    f"SELECT {_CREDENTIAL} FROM credential ORDER BY id"
                )
            ],
            webhooks=[port.StoredWebhook(*row) for row in run(_WEBHOOK + " ORDER BY w.number")],
            disablings=[port.Disabling(*row) for row in run(_DISABLINGS)],
        )

    @answers(port.Store.drop_disabling)
    def drop_disabling(self, webhook: int, version: int) -> None:
        with self._connection:
            self._connection.execute(
                "DELETE FROM disabling WHERE webhook = ? AND version <= ?", (webhook, version)
            )

    @answers(port.Store.put_org)
    def put_org(self, org: port.Org) -> int:
        with self._connection:
            self._connection.execute(
                "INSERT INTO org VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                " name = excluded.name, parent = excluded.parent,"
                " time_zone = excluded.time_zone, settings = excluded.settings",
                self._dated(org),
            )
            version = self._raise_version()
        self._raised(version)
        return version

    @answers(port.Store.put_credential)
    def put_credential(self, credential: port.Credential) -> None:
        with self._connection:
            self._connection.execute(_PUT_CREDENTIAL, self._dated(credential))

    @answers(port.Store.put_webhook)
    def put_webhook(self, webhook: port.StoredWebhook) -> tuple[port.StoredWebhook, int]:
        now = self._clock_ms()
        run = self._connection.execute
        with self._connection:
            number = webhook.number
            created = webhook.created_ms or now
            if number == 0:
                taken = run(
                    "SELECT 1 FROM webhook w JOIN webhook_version v ON v.webhook = w.number"
                    " WHERE w.org = ? AND w.name = ? AND v.version = (SELECT max(version) FROM"
                    " webhook_version WHERE webhook = w.number) AND v.standing <> 'deleted'",
                    (webhook.org, webhook.name),
                ).fetchone()
                if taken:
                    raise port.NameTaken(webhook.name)
                run(
                    "INSERT INTO webhook (id, consumer_group, org, name, created_ms)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (webhook.id, webhook.consumer_group, webhook.org, webhook.name, created),
                )
                number = self._connection.last_insert_rowid()
            run(
                "INSERT INTO webhook_version VALUES (?, ?, ?, ?, ?)",
                (number, webhook.version, webhook.standing, webhook.config, now),
            )
            if webhook.standing == "deleted":
                run("DELETE FROM disabling WHERE webhook = ?", (number,))
            elif webhook.standing == "disabled":
                run("INSERT OR REPLACE INTO disabling VALUES (?, ?, '')", (number, webhook.version))
            version = self._raise_version()
        self._raised(version)
        return replace(webhook, number=number, created_ms=created, updated_ms=now), version

    @answers(port.Store.load_types)
    def load_types(self) -> list[port.StoredType]:
        return [
            port.StoredType(*row)
            for row in self._connection.execute(
                "SELECT org, name, version, declaration, created_ms, updated_ms FROM event_type"
                " ORDER BY org, name, version"
            )
        ]

    @answers(port.Store.put_type)
    def put_type(self, kind: port.StoredType) -> tuple[port.StoredType, int]:
        now = self._clock_ms()
        with self._connection:
            [(created,)] = self._connection.execute(
                "INSERT INTO event_type VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (org, name, version) DO UPDATE SET"
                " declaration = excluded.declaration, updated_ms = excluded.updated_ms"
                " RETURNING created_ms",
                (kind.org, kind.name, kind.version, kind.declaration, now, now),
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

    def _dated(self, row: port.Org | port.Credential) -> tuple[Any, ...]:
        """The columns of a row, made now where it is new."""
        return astuple(replace(row, created_ms=row.created_ms or self._clock_ms()))

    def _raise_version(self) -> int:
        [(version,)] = self._connection.execute(
            "UPDATE meta SET value = value + 1 WHERE key = 'registry_version' RETURNING value"
        )
        return int(version)
