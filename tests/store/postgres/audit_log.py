"""An audit log in PostgreSQL: its entries and anchors, written in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.store.conformance.audited import KEY, change
from tidings.core.audit.anchors import AnchorLine
from tidings.store import port
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.halves import PostgresWriter
from tidings.store.postgres.ownership import OwnerWatch

STEP_MS = 1000


class AuditLogWriter:
    """Who owns a schema, as far as its audit log goes."""

    def __init__(self, half: PostgresWriter, key: bytes) -> None:
        self._half = half
        self._key = key
        self._now_ms = 0

    def write(self, *orgs: int) -> None:
        """Write an entry in the chain of each."""
        for org in orgs:
            self._half.audit.write(port.AuditWrite(self._key, (change(org=org),)))

    def anchor(self) -> AnchorLine:
        """Write an anchor of all chains that have grown."""
        self._now_ms += STEP_MS
        made = self._half.audit_upkeep.put_anchor(self._key, self._now_ms)
        assert made is not None
        return AnchorLine(made.mac, made.number)


@contextmanager
def owned_log(database: StoreDatabase, key: bytes = KEY) -> Iterator[AuditLogWriter]:
    """Own the store of a database, to write its audit log."""
    ours = OwnerWatch(database.connect, lambda: 0.0).take()
    half = PostgresWriter(database.open_writer(ours), ours)
    try:
        yield AuditLogWriter(half, key)
    finally:
        half.close()
