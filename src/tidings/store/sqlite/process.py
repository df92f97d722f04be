"""A half of the embedded store as a child process; it inherits the directory's lock, so no other
owner gets in before it is gone.

    python -m tidings.store.sqlite.process write|read DIRECTORY DESCRIPTOR
"""

import os
import socket
import sys
from functools import partial
from pathlib import Path

from tidings.store import port
from tidings.store.hosting.host import (
    ANSWER_S,
    READER_NICE,
    HostedHalf,
    StoreHost,
    reading_operations,
    run_child,
    writing_operations,
)
from tidings.store.sql.halves import passed_s
from tidings.store.sqlite.answer_bound import AnswerBound
from tidings.store.sqlite.connection import DISK_FAULTS
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import ReadingHalf, WritingHalf


def open_half(role: str, directory: Path, line: socket.socket) -> StoreHost:
    """Open the files of a half. Raises StoreRefused; StoreDown where the disk takes nothing now."""
    try:
        if role == "write":
            half = WritingHalf(directory / FILE, passed_s=passed_s)
            return StoreHost(
                line,
                HostedHalf(
                    writing_operations(half),
                    after=half.checkpoints.run_if_due,
                    record=half.record,
                ),
            )
        os.nice(READER_NICE)
        reading = ReadingHalf.in_directory(directory)
        return StoreHost(
            line,
            HostedHalf(
                reading_operations(reading),
                background=reading.background,
                bounded=AnswerBound(reading.connections, ANSWER_S),
            ),
        )
    except DISK_FAULTS as error:
        raise port.StoreDown(str(error)) from error


if __name__ == "__main__":
    sys.exit(run_child(sys.argv[3], partial(open_half, sys.argv[1], Path(sys.argv[2]))))
