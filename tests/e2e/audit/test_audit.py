"""`tidings audit verify` on real directories: beside the service, on backups, and after who could
write to the database has changed it."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.e2e.audit.verified_log import (
    agree,
    anchor_lines,
    changes_of,
    new_org,
    rename,
    verified,
    verify,
)
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.until import until
from tests.e2e.operations.commands import tidings


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A directory of a service that has stopped, an org of it with ten changes, and the line of
    its last anchor. Not to be changed."""
    from tests.e2e.harness.service import ServiceProcess  # noqa: PLC0415

    service = ServiceProcess(tmp_path_factory.mktemp("audit") / "store")
    try:
        service.start()
        with service.api() as api:
            org = new_org(api)
            for number in range(9):
                assert rename(api, org, f"n{number}") == 200
        assert service.stop() == 0
    finally:
        service.end()
    return service.data, org, anchor_lines(service)[-1]


@pytest.fixture
def copied(stopped: tuple[Path, int, str], tmp_path: Path) -> tuple[Path, int, str]:
    """The same, to be changed."""
    data, org, line = stopped
    return Path(shutil.copytree(data, tmp_path / "copied")), org, line


def changed(data: Path, *statements: str) -> None:
    """Change a database as anybody can who may write to its file."""
    connection = sqlite3.connect(data / "tidings.db")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_stop_leaves_a_line_by_which_the_log_is_whole(stopped: tuple[Path, int, str]) -> None:
    data, _, line = stopped
    digest = json.loads(line)["digest"]
    for anchor in (line, digest, f"audit anchor  number=1 digest={digest}"):
        done = verify(data, "--anchor", anchor)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"digest={digest}" in done.stdout and "Checked" in done.stdout
    assert "--anchor" in verify(data).stderr, "what is not found without one is told"
    report = verified(data)
    assert report["entries"] >= 10 and report["newestAnchor"]["digest"] == digest
    assert len(line) < 300


def test_a_row_that_was_changed_is_named(copied: tuple[Path, int, str]) -> None:
    data, org, _ = copied
    changed(data, f"UPDATE audit SET actor = 'nobody' WHERE chain = {org} AND number = 4")
    done = verify(data)
    assert done.returncode == 1 and f"Entry 4 of org {org} was changed" in done.stdout


def test_an_entry_that_was_taken_out_of_the_middle_is_named(copied: tuple[Path, int, str]) -> None:
    data, org, _ = copied
    changed(data, f"DELETE FROM audit WHERE chain = {org} AND number = 6")
    done = verify(data)
    assert done.returncode == 1 and f"Entry 6 of org {org} is missing" in done.stdout


def test_an_end_that_was_cut_is_named_and_with_all_notes_of_it_by_the_anchor_alone(
    copied: tuple[Path, int, str],
) -> None:
    data, org, line = copied
    changed(data, f"DELETE FROM audit WHERE chain = {org} AND number > 7")
    assert f"Entry 8 of org {org} is missing" in verify(data).stdout
    changed(
        data,
        "DELETE FROM audit_anchor",
        "UPDATE audit_chain SET anchored = 0",
        "UPDATE audit_chain SET (number, mac) = (SELECT number, mac FROM audit WHERE chain ="
        f" {org} AND number = 7) WHERE chain = {org}",
    )
    assert verify(data).returncode == 0, "by itself it is whole"
    done = verify(data, "--anchor", line)
    number = json.loads(line)["number"]
    assert done.returncode == 1 and f"Anchor {number} with the digest of the line" in done.stdout


def test_beside_the_service_and_on_its_backup_nothing_is_wrong_and_nothing_is_written(
    own_service: NewService, tmp_path: Path
) -> None:
    service = own_service().start()
    with service.api() as api:
        org = new_org(api)
        assert rename(api, org, "first") == 200
        copy = tmp_path / "copy"
        assert tidings("backup", "--data", service.data, "--to", copy).returncode == 0
        before = {path.name: path.read_bytes() for path in copy.iterdir()}
        assert verified(copy)["faults"] == []
        assert {path.name: path.read_bytes() for path in copy.iterdir()} == before
        assert rename(api, org, "second") == 200
        agree(service.data, org, ["first", "second"])
        assert rename(api, org, "third") == 200
    assert service.stop() == 0
    [line] = anchor_lines(service)
    assert verified(service.data, "--anchor", line)["faults"] == []

    again = own_service(data=tmp_path / "again")
    restored = tidings("restore", "--from", copy, "--data", again.data)
    assert restored.returncode == 0, restored.stderr
    made_at = json.loads((copy / "manifest.json").read_bytes())["madeAt"]
    again.start()
    with again.api() as api:
        assert rename(api, org, "another") == 200
    assert again.stop() == 0
    report = verified(again.data)
    assert report["faults"] == []
    [restore] = report["restores"]
    assert restore["backupMadeAt"].startswith(made_at[:19])
    agree(again.data, org, ["first", "another"])
    newer = verify(again.data, "--anchor", line)
    assert newer.returncode == 1 and f"from a backup of {restore['backupMadeAt']}" in newer.stdout
    assert verified(again.data, "--anchor", anchor_lines(again)[-1])["faults"] == []
    again.start()
    assert again.stop() == 0
    assert len(verified(again.data)["restores"]) == 1, "it is noted once"


def test_a_copy_that_is_served_without_restore_notes_it_too(
    own_service: NewService, tmp_path: Path
) -> None:
    service = own_service().start()
    assert tidings("backup", "--data", service.data, "--to", tmp_path / "copy").returncode == 0
    assert service.stop() == 0
    copied = own_service(data=tmp_path / "copy")
    copied.log = tmp_path / "copied.log"
    copied.start()
    assert copied.stop() == 0
    assert len(verified(copied.data)["restores"]) == 1


def test_what_cannot_be_verified_is_refused_with_its_exit_code(
    stopped: tuple[Path, int, str], tmp_path: Path
) -> None:
    data, _, _ = stopped
    nothing = verify(tmp_path)
    assert nothing.returncode == 4 and "must be a data directory" in nothing.stderr
    keyless = Path(shutil.copytree(data, tmp_path / "keyless"))
    (keyless / "key").unlink()
    assert verify(keyless).returncode == 4 and not (keyless / "key").exists()
    wrong = verify(data, "--anchor", "abc")
    assert wrong.returncode == 2 and "--anchor must be" in wrong.stderr
    for done in (nothing, wrong):
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("room", [0, 4_096, 20_000])
def test_while_the_disk_takes_nothing_no_change_is_made_and_none_is_recorded(
    own_service: NewService, room: int
) -> None:
    service = own_service().start()
    acknowledged, refused = list[str](), list[str]()
    with service.api() as api:
        org = new_org(api)
        with service.without_room(room):
            for number in range(200):
                name = f"n{number}"
                status = rename(api, org, name)
                assert status in (200, 503)
                (acknowledged if status == 200 else refused).append(name)
                if len(refused) == 3:
                    break
        assert len(refused) == 3, "it was full"
        until(lambda: rename(api, org, "after") == 200, "the disk is written to again")
    with service.api(org) as own:
        shown = own.get("/v1/audit").must(200)["entries"]
    assert service.stop() == 0
    agree(service.data, org, [*acknowledged, "after"])
    names = {after for _, after in changes_of(service.data, org)}
    assert not names & set(refused)
    assert shown[0]["after"]["name"] == "after"
    assert verified(service.data, "--anchor", anchor_lines(service)[-1])["faults"] == []
