"""All configuration at once, and the id of the installation."""

from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.configuration.credentials import CREDENTIAL
from tidings.store.sql.configuration.orgs import ORG
from tidings.store.sql.configuration.registry_version import RegistryVersion
from tidings.store.sql.configuration.webhooks import DISABLING, DISABLINGS, WEBHOOKS
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.queries import WEBHOOK
from tidings.store.sql.row_mapping import StoredTable

KEPT_KEY = StoredTable("kept_key", port.KeptKey)


class ConfigurationReader:
    """Reads the configuration as a whole; shares the writer's connection."""

    def __init__(self, connection: StoreConnection, version: RegistryVersion) -> None:
        self._connection = connection
        self._version = version

    @answers(port.Store.installation)
    def installation(self) -> str:
        [(id,)] = self._connection.execute("SELECT id FROM installation")
        return str(id)

    @answers(port.Store.kept_keys)
    def kept_keys(self) -> list[port.KeptKey]:
        rows = self._connection.execute(f"{KEPT_KEY.select} ORDER BY purpose")
        return [KEPT_KEY.read(row) for row in rows]

    @answers(port.Store.load)
    def load(self) -> port.Snapshot:
        run = self._connection.execute
        return port.Snapshot(
            registry_version=self._version.read(),
            orgs=[ORG.read(row) for row in run(f"{ORG.select} ORDER BY id")],
            credentials=[CREDENTIAL.read(row) for row in run(f"{CREDENTIAL.select} ORDER BY id")],
            webhooks=[WEBHOOK.read(row) for row in run(f"{WEBHOOKS} ORDER BY w.number")],
            disablings=[DISABLING.read(row) for row in run(DISABLINGS)],
        )
