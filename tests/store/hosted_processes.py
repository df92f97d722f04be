"""What the suite does to the processes of a store as it runs, whatever the database."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tidings.store import port
from tidings.store.hosting.client import HostedStore

FROZEN_WITHIN_S = 60.0


class HostedProcesses:
    """Stops and ends them."""

    async def crash(self, store: port.Store) -> None:
        """See `Adapter`. What they have answered and nobody has read is lost with them."""
        assert isinstance(store, HostedStore)
        for child in (store._writing, store._reading):
            os.kill(child.pid, signal.SIGKILL)
        transport = store._writing._transport
        if transport is not None:
            transport.abort()
        await store.close(clean=False)

    def stop_hearing(self, store: port.Store) -> None:
        """See `HostedAdapter`."""
        assert isinstance(store, HostedStore)
        store._writing._transport.pause_reading()  # type: ignore[union-attr]  # it reads, too

    def freeze(self, store: port.Store) -> None:
        """See `HostedAdapter`."""
        assert isinstance(store, HostedStore)
        pid = store._writing.pid
        os.kill(pid, signal.SIGSTOP)
        give_up = time.monotonic() + FROZEN_WITHIN_S
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < give_up
            time.sleep(0.001)

    def thaw(self, store: port.Store) -> None:
        """See `HostedAdapter`."""
        assert isinstance(store, HostedStore)
        with suppress(ProcessLookupError):
            os.kill(store._writing.pid, signal.SIGCONT)
