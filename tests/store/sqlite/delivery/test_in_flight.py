"""The file that says what had left when a process was killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tidings.core.ids import DeliveryId
from tidings.store.sql.delivery.in_flight import FILE, InFlightFile, boot_id

BOOT = b"190fc207-82fa-4d10-8fad-89e94756e74c"
KILLED = """
import os, signal, sys
from pathlib import Path
from tidings.store.sql.delivery.in_flight import InFlightFile
noted = InFlightFile(Path(sys.argv[1]), 4)
noted.begin()
for delivery in range(1, 4):
    noted.note(delivery, 1)
noted.forget(2, 1)
noted.note(7, 3)
os.kill(os.getpid(), signal.SIGKILL)
"""


def fresh(directory: Path, capacity: int = 4, boot: bytes = BOOT) -> InFlightFile:
    return InFlightFile(directory, capacity, boot)


def test_a_kill_leaves_what_had_left_and_was_not_written(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=120)
    assert ended.returncode == -signal.SIGKILL
    left = InFlightFile(tmp_path, 4).left()
    assert left is not None and sorted(left) == [(1, 1), (3, 1), (7, 3)]


def test_the_next_owner_begins_with_nothing(tmp_path: Path) -> None:
    first = fresh(tmp_path)
    first.begin()
    first.note(DeliveryId(1), 1)
    second = fresh(tmp_path)
    assert second.left() == [(1, 1)]
    second.begin()
    assert fresh(tmp_path).left() == []
    second.note(DeliveryId(2), 5)
    assert fresh(tmp_path).left() == [(2, 5)]


def test_two_attempts_of_a_delivery_are_two(tmp_path: Path) -> None:
    noted = fresh(tmp_path)
    noted.begin()
    noted.note(DeliveryId(1), 1)
    noted.note(DeliveryId(1), 2)  # the commit that wrote the first has taken the second
    noted.forget(DeliveryId(1), 1)
    assert fresh(tmp_path).left() == [(1, 2)]
    noted.forget(DeliveryId(1), 1)
    noted.forget(DeliveryId(9), 9)
    assert fresh(tmp_path).left() == [(1, 2)]


def test_nothing_is_said_of_another_boot(tmp_path: Path) -> None:
    noted = fresh(tmp_path)
    noted.begin()
    noted.note(DeliveryId(1), 1)
    assert fresh(tmp_path, boot=b"another").left() is None
    assert fresh(tmp_path, boot=b"").left() is None  # a machine that does not name its boots
    assert fresh(tmp_path).left() == [(1, 1)]
    unnamed = fresh(tmp_path, boot=b"")
    unnamed.begin()
    assert fresh(tmp_path).left() is None


def test_nothing_is_said_where_it_ran_over(tmp_path: Path) -> None:
    noted = fresh(tmp_path, 2)
    noted.begin()
    for delivery in (1, 2):
        noted.note(DeliveryId(delivery), 1)
    assert sorted(fresh(tmp_path).left() or ()) == [(1, 1), (2, 1)]
    noted.note(DeliveryId(3), 1)
    assert fresh(tmp_path).left() is None
    noted.forget(DeliveryId(1), 1)
    noted.forget(DeliveryId(3), 1)
    assert fresh(tmp_path).left() is None


def test_places_are_used_again(tmp_path: Path) -> None:
    noted = fresh(tmp_path, 2)
    noted.begin()
    for delivery in range(1, 100):
        noted.note(DeliveryId(delivery), 1)
        noted.forget(DeliveryId(delivery), 1)
    noted.note(DeliveryId(100), 1)
    assert fresh(tmp_path).left() == [(100, 1)]


def test_what_is_no_such_file_says_nothing(tmp_path: Path) -> None:
    assert fresh(tmp_path).left() is None
    for content in (b"", b"short", os.urandom(4096)):
        (tmp_path / FILE).write_bytes(content)
        assert fresh(tmp_path).left() is None


def test_a_directory_that_takes_no_file_stops_nothing(tmp_path: Path) -> None:
    noted = fresh(tmp_path / "missing")
    noted.begin()
    noted.note(DeliveryId(1), 1)
    noted.forget(DeliveryId(1), 1)
    assert noted.left() is None


def test_this_machine_names_its_boot() -> None:
    assert len(boot_id()) == 36
    assert boot_id(Path("/nowhere")) == b""
