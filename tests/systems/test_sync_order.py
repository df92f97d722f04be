"""Every 202 follows the sync of its commit: the order of system calls, as the kernel saw them."""

from itertools import pairwise
from pathlib import Path

import pytest

from ..e2e.harness.events import event
from ..e2e.harness.receiver import Receiver
from ..e2e.harness.service import ORG, ServiceProcess
from ..e2e.harness.until import until
from .trace import STRACE, SYNCS, WAL, calls, unsynced

pytestmark = pytest.mark.systems

COUNT = 50
IDS = [f"traced-event-{number:04}" for number in range(COUNT)]


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> list[str]:
    """The trace of a service that accepts and delivers events, posted one by one."""
    folder = tmp_path_factory.mktemp("traced")
    file = folder / "trace"
    service = ServiceProcess(folder / "store", wrap=(*STRACE, "-o", str(file)))
    try:
        service.start()
        path = receiver.path()
        with service.api() as api:
            api.webhook(receiver.url(path))
            for event_id in IDS:
                api.accept(event(event_id, ORG))
            receiver.wait(path, COUNT)
        assert service.stop() == 0
    finally:
        service.end()
    return whole(file)


def whole(file: Path) -> list[str]:
    """The lines, once the tracer has written its last."""
    until(lambda: file.read_bytes().endswith(b"+++\n"), "the end of the trace")
    return file.read_text("utf-8", "replace").splitlines()


def test_every_answer_follows_the_sync_of_its_commit(traced: list[str]) -> None:
    assert unsynced(traced, IDS) == []
    syncs = [call for call in calls(traced) if call.name in SYNCS and WAL in call.text]
    assert len(syncs) >= COUNT and all(call.result == 0 for call in syncs)


def syncs_at(lines: list[str]) -> list[int]:
    """The lines where a sync of the log has ended."""
    return [call.ended for call in calls(lines) if call.name in SYNCS and WAL in call.text]


def test_a_run_with_more_answers_than_syncs_is_found_out(traced: list[str]) -> None:
    without = set(syncs_at(traced))
    assert len(unsynced([line for n, line in enumerate(traced) if n not in without], IDS)) == COUNT
    kept = set(sorted(without)[: COUNT // 2])
    thinned = [line for n, line in enumerate(traced) if n not in without - kept]
    assert len(unsynced(thinned, IDS)) >= COUNT // 2


def test_an_answer_before_its_sync_is_found_out(traced: list[str]) -> None:
    answers = [
        call for call in calls(traced) if "HTTP/1.1 202" in call.text and IDS[7] in call.text
    ]
    [commit] = [
        call
        for call in calls(traced)
        if call.name == "recvfrom" and "commit" in call.text and IDS[7] in call.text
    ]
    early = list(traced)
    early.insert(commit.ended + 1, early.pop(answers[0].began))
    assert [fault.split(":")[0] for fault in unsynced(early, IDS)] == [IDS[7]]


def test_a_sync_that_failed_is_no_sync(traced: list[str]) -> None:
    failed = list(traced)
    for at in syncs_at(traced):
        failed[at] = failed[at].replace("= 0", "= -1 EIO (Input/output error)")
    assert len(unsynced(failed, IDS)) == COUNT


def test_a_call_in_two_lines_ends_where_it_resumes() -> None:
    lines = [
        f'7 recvfrom(3, "commit {IDS[0]}", 9) = 9',
        "7 pwrite64(4</d/tidings.db-wal>, 1, 2, 3) = 2",
        "7 fdatasync(4</d/tidings.db-wal> <unfinished ...>",
        f'8 writev(9, [{{"HTTP/1.1 202 Accepted"}}, {{"{IDS[0]}"}}], 2) = 9',
        "7 <... fdatasync resumed>) = 0",
    ]
    assert len(unsynced(lines, IDS[:1])) == 1
    lines[3], lines[4] = lines[4], lines[3]
    assert unsynced(lines, IDS[:1]) == []


def test_the_steps_of_the_trace_stand_in_time_order(traced: list[str]) -> None:
    ends = [call.ended for call in calls(traced)]
    assert all(first < second for first, second in pairwise(ends))
