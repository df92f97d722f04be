"""Which installation of Tidings reads a table: two that take each other's rows lose half of them.
Pure.

Whoever reads a table holds a lock of the database, and names itself by its `application_name`. A
restart lets go of the lock for a while; so who was met once is remembered, until it is taken over.
"""

import msgspec

CLIENT = "tidings-"


class TableOwner(msgspec.Struct, frozen=True, array_like=True):
    """Records who reads what a source would read. `takes_over`: the source does, whoever does
    now."""

    source: int
    place: str = ""  # server, database and table
    installation: str = ""
    takes_over: bool = False

    def keeps_out(self, place: str, installation: str) -> bool:
        """Tell whether the table is another installation's."""
        return not self.takes_over and self.place == place and self.installation != installation


def client_name(installation: str) -> str:
    """Return how an installation names itself to what it reads from."""
    return f"{CLIENT}{installation}"


def installation_of(client: str) -> str:
    """Return the installation that names itself so; empty for anybody else, and for a Tidings of
    before there were ids."""
    return client.removeprefix(CLIENT) if client.startswith(CLIENT) else ""
