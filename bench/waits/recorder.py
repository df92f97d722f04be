"""Notes when each call passes the points of its way; copied as `sitecustomize` like the sampler.

In the main process it wraps what takes a call, queues it, closes its batch, sends that to the
writer, and answers; in the writer it wraps the commit. Both read the clock that all processes
share. Commits are numbered alike on both sides: the writer makes them in the order in which they
are sent. What was noted while the file `on` stood beside it is written at the process's end.
"""

import atexit
import json
import sys
import time
from pathlib import Path
from typing import Any

FLAG = "on"
WRITER = "tidings.store.sqlite.process"
CALL, ADDED, CLOSED, COMMIT, ANSWERED, RESUMED, WRITTEN = range(7)  # of a call's note
SENT, RECEIPT = range(2)  # of a commit's in the main process
BEGUN, APPLIED, SYNCED = range(3)  # of a commit's in the writer
now = time.monotonic_ns


class Recorder:
    """The notes of one process."""

    def __init__(self, folder: Path, role: str) -> None:
        self._flag = folder / FLAG
        self._file = folder / f"waits-{role}.json"
        self.calls: list[list[int]] = []
        self.commits: list[list[int]] = []
        atexit.register(self.end)

    def on(self) -> bool:
        """Return whether notes are to be taken now."""
        return self._flag.exists()

    def end(self) -> None:
        """Write down what was noted."""
        self._file.write_text(json.dumps({"calls": self.calls, "commits": self.commits}))


def in_writer(recorder: Recorder) -> None:
    """Note each commit of the writer."""
    from tidings.store.sql.writer import Writer  # noqa: PLC0415  # in this process alone

    commit, apply = Writer.commit, Writer._apply

    def noted_apply(self: Writer, *given: Any) -> Any:
        try:
            return apply(self, *given)
        finally:
            recorder.commits[-1][APPLIED] = now()

    def noted_commit(self: Writer, batch: Any) -> Any:
        recorder.commits.append([now(), 0, 0])
        try:
            return commit(self, batch)
        finally:
            recorder.commits[-1][SYNCED] = now()

    _put(Writer, "_apply", noted_apply)
    _put(Writer, "commit", noted_commit)


Note = list[int]


class Notes:
    """The notes of the calls under way: of the one that begins now, and by the future of each."""

    def __init__(self) -> None:
        self.beginning: Note | None = None
        self.of_future: dict[int, Note] = {}


def in_main(recorder: Recorder) -> None:
    """Note each call of the API that brings one event, and each commit."""
    notes = Notes()
    _note_calls(recorder, notes)
    _note_queue(recorder, notes)
    _note_commits(recorder)


def _note_calls(recorder: Recorder, notes: Notes) -> None:
    from tidings.api.v1.events import accept  # noqa: PLC0415  # in this process alone

    begin, answer = accept.AcceptApp.begin, accept._answer_committed

    def noted_begin(self: accept.AcceptApp, call: Any) -> bool:
        notes.beginning = [now(), 0, 0, 0, 0, 0, 0]
        try:
            return begin(self, call)
        finally:
            notes.beginning = None

    def noted_answer(direct: Any, call: Any, draft: Any, verdicts: Any) -> None:
        if (note := notes.of_future.pop(id(verdicts), None)) is None:
            answer(direct, call, draft, verdicts)
            return
        note[RESUMED] = now()
        answer(direct, call, draft, verdicts)
        note[WRITTEN] = now()
        if all(note) and recorder.on():
            recorder.calls.append(note)

    _put(accept.AcceptApp, "begin", noted_begin)
    _put(accept, "_answer_committed", noted_answer)


def _note_queue(recorder: Recorder, notes: Notes) -> None:
    from tidings.engine.events import committer  # noqa: PLC0415
    from tidings.engine.events.commit_queue import CommitQueue  # noqa: PLC0415

    of_future = notes.of_future
    add, close, answer = CommitQueue.add, CommitQueue.close, committer._answer

    def noted_add(self: CommitQueue, events: Any) -> Any:
        future = add(self, events)
        if (note := notes.beginning) is not None:
            note[ADDED] = now()
            of_future[id(future)] = note
        return future

    def noted_close(self: CommitQueue) -> Any:
        batch, at = close(self), now()
        for call in batch.calls:
            if (note := of_future.get(id(call.answered))) is not None:
                note[CLOSED], note[COMMIT] = at, len(recorder.commits) + 1
        return batch

    def noted_answer(call: Any, *given: Any) -> None:
        answer(call, *given)
        if (note := of_future.get(id(call.answered))) is not None:
            note[ANSWERED] = now()

    _put(CommitQueue, "add", noted_add)
    _put(CommitQueue, "close", noted_close)
    _put(committer, "_answer", noted_answer)


def _note_commits(recorder: Recorder) -> None:
    from tidings.engine.events.committer import Committer  # noqa: PLC0415
    from tidings.store.hosting.child import Child  # noqa: PLC0415

    write, ask = Committer._write, Child.call

    def noted_ask(self: Child, decoder: Any, operation: str, *given: Any) -> Any:
        if operation == "commit":
            recorder.commits.append([now(), 0])
        return ask(self, decoder, operation, *given)

    async def noted_write(self: Committer, *given: Any) -> Any:
        found = await write(self, *given)
        recorder.commits[-1][RECEIPT] = now()
        return found

    _put(Child, "call", noted_ask)
    _put(Committer, "_write", noted_write)


def _put(place: Any, name: str, value: object) -> None:
    setattr(place, name, value)


def begin(folder: Path, command: list[str]) -> None:
    """Take notes in the process of this command, if it is one of both."""
    if WRITER in command and "write" in command:
        in_writer(Recorder(folder, "writer"))
    elif "serve" in command:
        in_main(Recorder(folder, "main"))


if __name__ == "sitecustomize":
    begin(Path(__file__).parent, sys.orig_argv)
