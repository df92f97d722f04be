"""An audit log of a million entries is verified in little memory, and one changed row is named."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from tidings.app.keys.derived_keys import AUDIT_PURPOSE, derived_key
from tidings.core.audit.actor import Actor
from tidings.core.audit.audit_actions import WEBHOOK_CHANGED
from tidings.core.audit.chain import START, numbered, sealed
from tidings.core.audit.entries import AuditEntry, draft
from tidings.store.sql.row_mapping import StoredTable
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import WritingHalf

pytestmark = [pytest.mark.systems, pytest.mark.timeout(600)]
CHAINS, ENTRIES = 20, 1_000_000  # of all of them
EACH = ENTRIES // CHAINS
AT_MS = 1_790_000_000_000
MORE_MB = 100
ASHA = Actor("person", "usr_asha", "asha@acme.example", "console", "192.0.2.7")
ENTRY = StoredTable("audit", AuditEntry)
VERIFY = """
import json, sys, time
from pathlib import Path
from tidings import app

def kib(name):
    status = Path("/proc/self/status").read_text()
    return int(status.partition(name + ":")[2].split()[0])

before_kib, began_s = kib("VmRSS"), time.process_time()
report = app.verify_audit(Path(sys.argv[1]))
faults = [(fault.chain, fault.number) for fault in report.faults]
print(json.dumps({
    "entries": report.entries, "chains": report.chains, "anchors": report.anchors,
    "faults": faults, "mb": (kib("VmHWM") - before_kib) / 1024,
    "seconds": time.process_time() - began_s,
}))
"""


def entries_of(chain: int, key: bytes) -> Iterator[AuditEntry]:
    """The entries of a chain, sealed as the service seals them."""
    previous = START
    for number in range(1, EACH + 1):
        change = draft(
            *(chain, ASHA, WEBHOOK_CHANGED, f"webhook-{number % 997}"),
            {"webHookUrl": f"https://acme.example/{number - 1}", "eventNames": ["pointsIssued"]},
            {"webHookUrl": f"https://acme.example/{number}", "eventNames": ["pointsIssued"]},
        )
        entry = sealed(key, previous, numbered(change, number, AT_MS + number, ""))
        previous = entry.mac
        yield entry


def write_log(data: Path) -> None:
    """A database with the log, its notes of the newest entries, and an anchor."""
    key = derived_key(data, AUDIT_PURPOSE)
    half = WritingHalf(data / FILE)
    run = half.connection.execute
    for chain in range(CHAINS):
        with half.connection:
            last = b""
            for record in entries_of(chain, key):
                run(ENTRY.insert(), ENTRY.write(record))
                last = record.mac
            run(
                "INSERT INTO audit_chain (chain, number, mac) VALUES (?, ?, ?)", (chain, EACH, last)
            )
    assert half.audit_upkeep.put_anchor(key, AT_MS) is not None
    half.close()


def verified(data: Path) -> dict[str, Any]:
    """What a process of its own finds, how much more memory it takes, and its seconds of CPU."""
    command = [sys.executable, "-c", VERIFY, str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    print(found)
    return found


def test_a_million_entries_are_verified_in_little_memory_and_a_changed_one_is_named(
    tmp_path: Path,
) -> None:
    write_log(tmp_path)
    whole = verified(tmp_path)
    assert (whole["entries"], whole["chains"], whole["anchors"]) == (ENTRIES, CHAINS, 1)
    assert whole["faults"] == [] and whole["mb"] < MORE_MB
    with apsw.Connection(str(tmp_path / FILE)) as connection:
        connection.execute(
            "UPDATE audit SET address = '192.0.2.8' WHERE chain = 13 AND number = 31337"
        )
        assert connection.changes() == 1
    changed = verified(tmp_path)
    assert changed["faults"] == [[13, 31337]] and changed["mb"] < MORE_MB
