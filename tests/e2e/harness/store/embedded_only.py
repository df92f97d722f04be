"""Tests of the embedded store: where the services' store is in PostgreSQL they are left out."""

from collections.abc import Iterator

import pytest

from tests.chosen_store import on_postgres

_BACKUP = "`tidings backup` and `restore` are of a data directory"
_DISK = "the disk of the data directory is full: there are no rows on it"

# By module, or by test: what it is about.
EMBEDDED_ONLY = {
    "operations/test_backup.py": _BACKUP,
    "operations/test_held_start.py::test_after_a_restore_only_what_is_newer_is_sent": _BACKUP,
    "operations/test_held_start.py::test_without_taking_all_of_it_is_sent_once_it_goes_on": _BACKUP,
    "webhooks/test_key_pairs.py::"
    "test_a_rotation_through_a_kill_a_backup_and_the_end_of_its_overlap": _BACKUP,
    "actions/recipes/test_nothing_comes_back.py": _BACKUP,
    "audit/test_audit.py": "it writes to the file of a data directory, and makes backups of it",
    "operations/test_full_start.py": _DISK,
    "operations/test_refused_disk.py": _DISK,
    "operations/test_imported_clients.py": "its store needs the client library of PostgreSQL",
}


def leave_out(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield what is left out, of these tests."""
    if on_postgres():
        names = tuple(EMBEDDED_ONLY)
        for test in items:
            if test.nodeid.removeprefix("tests/e2e/").startswith(names):
                yield test
