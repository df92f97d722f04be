"""Reads what strace wrote of the service's process tree, and judges the order of system calls.

With `strace -f` one tracer sees all processes, and a traced process goes on only after its call was
written down: what causes something else stands above it. A call that another line interrupts is
written as two, `<unfinished ...>` where it begins and `<... resumed>` where it ends.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CALLS = "fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg,recvfrom,read"
STRACE = ("strace", "-D", "-f", "-y", "-s", "700", "-e", f"trace={CALLS}", "-e", "signal=none")
WAL = "tidings.db-wal>"
SYNCS = ("fdatasync", "fsync")
WRITES = ("write", "writev", "sendto", "sendmsg")
READS = ("recvfrom", "read")

_LINE = re.compile(r"(\d+)\s+(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)", re.S)
_RESULT = re.compile(r"= (-?\d+)[^=]*$")
UNFINISHED = "<unfinished ...>"


@dataclass
class Call:
    """One system call: the lines at which it began and ended, and all that was written of it."""

    pid: int
    name: str
    began: int
    ended: int
    text: str
    result: int


def calls(lines: Iterable[str]) -> list[Call]:
    """All calls that have ended, in the order of their ends."""
    found: list[Call] = []
    begun: dict[int, tuple[int, str]] = {}
    for number, line in enumerate(lines):
        match = _LINE.match(line)
        if match is None:
            continue
        pid, resumed, name, text = int(match[1]), match[2], match[3], match[4].rstrip()
        began = number
        if resumed:
            began, before = begun.pop(pid, (number, ""))
            name, text = resumed, before + text
        elif text.endswith(UNFINISHED):
            begun[pid] = number, text.removesuffix(UNFINISHED)
            continue
        result = _RESULT.search(text)
        if result is not None:
            found.append(Call(pid, name, began, number, text, int(result[1])))
    return found


def unsynced(lines: Iterable[str], ids: Sequence[str]) -> list[str]:
    """What is wrong with the answers to these events, which were posted one by one.

    Each must be preceded, in this order, by: the writing process reads the event in a commit;
    writes to the write-ahead log; syncs the log, with success; and only then `202` is written to
    the caller. A sync stands for one answer.
    """
    found = calls(lines)
    faults: list[str] = []
    spent: set[int] = set()
    for event_id in ids:
        commit = next((c for c in found if _reads(c, event_id)), None)
        if commit is None:
            faults.append(f"{event_id}: no process has read a commit of it")
            continue
        answer = next((c for c in found if _answers(c, event_id)), None)
        if answer is None or answer.pid == commit.pid:
            faults.append(f"{event_id}: no answer 202")
            continue
        logged = [
            call.ended
            for call in found
            if call.pid == commit.pid and call.name == "pwrite64" and WAL in call.text
            if commit.ended < call.began and call.ended < answer.began
        ]
        synced = [
            call.ended
            for call in found
            if call.pid == commit.pid and call.name in SYNCS and WAL in call.text
            if call.result == 0 and call.ended not in spent
            if logged and logged[0] < call.began and call.ended < answer.began
        ]
        if not logged:
            faults.append(f"{event_id}: answered before its commit was in the log")
        elif not synced:
            faults.append(f"{event_id}: answered before the sync of its commit")
        else:
            spent.add(synced[0])
    return faults


def _reads(call: Call, event_id: str) -> bool:
    return call.name in READS and "commit" in call.text and event_id in call.text


def _answers(call: Call, event_id: str) -> bool:
    return call.name in WRITES and "HTTP/1.1 202" in call.text and event_id in call.text
