"""The version of all that matching depends on: the change that raises it goes in with it.

That is what makes a commit that was matched before the change be refused and matched again
(`Writer.commit`): a webhook whose creation was answered is in force for every later 202.
"""

from collections.abc import Callable

from tidings.store.sql.connection import StoreConnection


class RegistryVersion:
    """Raises the version in the transaction of a change; shares the writer's connection."""

    def __init__(self, connection: StoreConnection, raised: Callable[[int], None]) -> None:
        """`raised` is told of each version once it is written."""
        self._connection = connection
        self._raised = raised

    def increase(self) -> int:
        """Raise the version, and return it; within the transaction of the change."""
        [(version,)] = self._connection.execute(
            "UPDATE meta SET value = value + 1 WHERE key = 'registry_version' RETURNING value"
        )
        return int(version)

    def announce(self, version: int) -> None:
        """Pass on a version that is written."""
        self._raised(version)

    def read(self) -> int:
        """Read the version from the database."""
        [(version,)] = self._connection.execute(
            "SELECT value FROM meta WHERE key = 'registry_version'"
        )
        return int(version)

    def read_again(self) -> None:
        """Take the version from the database, where a change was taken back."""
        self._raised(self.read())
