"""The lines of outbox sources to the operator's databases: so many at one time, in turns."""

import asyncio

from tidings.core.connections.connection import Connection
from tidings.core.ids import OrgId
from tidings.core.sources.line_share import LineShare


class SourceLines:
    """The sources of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._share = LineShare(connection)
        self._admitted: dict[int, asyncio.Future[None]] = {}
        self.waits_because = (
            f"The connection {connection.name} is for {self._share.most} sources at a time, and "
            f"for {self._share.of_org} of one org. The source waits for its turn; have the "
            "operator raise connections_max of the connection."
        )

    def take(self, source: int, org: OrgId) -> "asyncio.Future[None]":
        """Ask for a line; done once the source has it. To be given back by `give` in any case."""
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._share.ask(source, org):
            admitted.set_result(None)
        else:
            self._admitted[source] = admitted
        return admitted

    def give(self, source: int) -> None:
        """Give it back, or wait no longer."""
        self._admitted.pop(source, None)
        self._share.leave(source)
        for waiting in self._share.admit():
            admitted = self._admitted.pop(waiting, None)
            if admitted is not None and not admitted.done():
                admitted.set_result(None)

    def is_wanted(self, source: int) -> bool:
        """Tell whether another source waits for the line of this one."""
        return self._share.is_wanted(source)
