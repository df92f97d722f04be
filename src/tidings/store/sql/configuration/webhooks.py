"""Webhooks as rows: each with its versions, and those that were disabled."""

from collections.abc import Callable

from msgspec.structs import replace

from tidings.core.delivery.states import State
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.configuration.registry_version import RegistryVersion
from tidings.store.sql.configuration.versioned_rows import VersionedRows
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.numbers import StoreNumbers
from tidings.store.sql.queries import WEBHOOK
from tidings.store.sql.row_mapping import Projection, insert_into
from tidings.store.sql.writer_rows import DisablingRow

WEBHOOKS = (
    f"{WEBHOOK.select} FROM webhook w JOIN webhook_version v ON v.webhook = w.number"
    " AND v.version = (SELECT max(version) FROM webhook_version WHERE webhook = w.number)"
)
_OF_WEBHOOK, _OF_VERSION = WEBHOOK.part("webhook", "w"), WEBHOOK.part("webhook_version", "v")
_PUT_WEBHOOK = f"{_OF_WEBHOOK.insert()} ON CONFLICT DO NOTHING RETURNING number"
_PUT_VERSION = _OF_VERSION.insert(behind=["webhook"])
_NEXT = f"?{_OF_VERSION.names_without(()).index('version') + 2}"  # behind the webhook's number
_IS_NEXT = f"{_NEXT} = (SELECT max(version) + 1 FROM webhook_version WHERE webhook = ?1)"
_PUT_NEXT = f"{_OF_VERSION.insert_where(_IS_NEXT, behind=['webhook'])} ON CONFLICT DO NOTHING"
_TAKEN = (
    "SELECT 1 FROM webhook w JOIN webhook_version v ON v.webhook = w.number"
    " WHERE w.org = ? AND w.name = ? AND v.version = (SELECT max(version) FROM"
    " webhook_version WHERE webhook = w.number) AND v.standing <> 'deleted'"
)
_TO_TELL = insert_into("disabling", DisablingRow, "INSERT OR REPLACE")
_PARKED_SINCE = (
    "(SELECT count(*) FROM delivery d WHERE d.webhook = b.webhook"
    f" AND d.state = {int(State.PARKED)} AND d.done_ms >= v.updated_ms)"
)
DISABLING = Projection(port.Disabling, "b", {"parked": _PARKED_SINCE})
DISABLINGS = (
    f"{DISABLING.select} FROM disabling b JOIN webhook_version v"
    " ON v.webhook = b.webhook AND v.version = b.version"
    " ORDER BY b.webhook"
)


class WebhookRows(VersionedRows):
    """Writes webhooks."""

    def __init__(
        self,
        connection: StoreConnection,
        clock_ms: Callable[[], int],
        version: RegistryVersion,
        numbers: StoreNumbers,
    ) -> None:
        """See `VersionedRows`."""
        super().__init__(connection, clock_ms, version)
        self._numbers = numbers

    @answers(port.Store.drop_disabling)
    def drop_disabling(self, webhook: int, version: int) -> None:
        with self._connection:
            self._connection.execute(
                "DELETE FROM disabling WHERE webhook = ? AND version <= ?", (webhook, version)
            )

    @answers(port.Store.put_webhook)
    def put_webhook(self, webhook: port.StoredWebhook) -> tuple[port.StoredWebhook, int]:
        now = self._clock_ms()
        run = self._connection.execute
        with self._numbers.transaction():
            number = webhook.number
            dated = replace(webhook, created_ms=webhook.created_ms or now, updated_ms=now)
            if number == 0:
                number = self._insert(dated)
            else:
                run(_PUT_NEXT, (number, *_OF_VERSION.write(dated)))
                if not self._connection.changes():
                    raise port.StaleChange(
                        f"version {webhook.version} of a webhook is not the next one"
                    )
            if webhook.status == "deleted":
                run("DELETE FROM disabling WHERE webhook = ?", (number,))
            elif webhook.status == "disabled":
                run(_TO_TELL, DisablingRow(webhook=number, version=webhook.version))
            version = self._version.increase()
        self._version.announce(version)
        return replace(dated, number=number), version

    def _insert(self, webhook: port.StoredWebhook) -> int:
        """Insert a new webhook with its first version, in a transaction; return its number."""
        run = self._connection.execute
        if run(_TAKEN, (webhook.org, webhook.name)).fetchone():
            raise port.NameTaken(webhook.name)
        number = self._numbers.take("webhook")
        made = run(_PUT_WEBHOOK, _OF_WEBHOOK.write(replace(webhook, number=number))).fetchall()
        if not made:
            raise port.StaleChange("the id of a new webhook is there already")
        run(_PUT_VERSION, (number, *_OF_VERSION.write(webhook)))
        return number
