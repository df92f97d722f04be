"""The master key of a store in a database: given by the operator, or the start is refused."""

import base64
import sys
from pathlib import Path

import pytest

from tidings.app.keys.derived_keys import derived_key, keys_of
from tidings.app.keys.key_check import unlock
from tidings.app.keys.master_key import key_place, read_master_key
from tidings.core.ids import OrgId, WebhookId
from tidings.engine.vault import SealedSecret, Vault, VaultRefused, parse_key
from tidings.settings.load import load
from tidings.settings.settings import Settings

KEY = bytes(range(32))
IN_BASE64 = base64.b64encode(KEY).decode()
DATABASE = {"TIDINGS_DATABASE": "postgresql://tidings@db.example/tidings"}


def settings(**given: object) -> Settings:
    environ = {f"TIDINGS_{name.upper()}": str(value) for name, value in given.items()}
    return load(DATABASE | environ)


def refusal(**given: object) -> str:
    with pytest.raises(VaultRefused) as caught:
        read_master_key(settings(**given))
    return str(caught.value)


def revealed(**given: object) -> bytes:
    key = read_master_key(settings(**given))
    assert key is not None
    return key.reveal()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "master.key"
    path.write_text(IN_BASE64 + "\n")
    path.chmod(0o600)
    return path


def test_without_a_database_the_data_directory_has_its_own_key() -> None:
    assert read_master_key(load({})) is None


def test_a_database_without_a_key_is_refused_with_the_command_that_makes_one() -> None:
    assert refusal() == (
        "database must come with a master key, in one of master_key, master_key_file, "
        "master_key_command; got none. Print one with `tidings master-key create`, keep it, and "
        "set TIDINGS_MASTER_KEY_FILE."
    )


def test_the_key_comes_from_the_environment_a_file_or_a_command(file: Path) -> None:
    assert revealed(master_key=IN_BASE64) == KEY
    assert revealed(master_key_file=file) == KEY
    assert revealed(master_key_command=f"cat {file}") == KEY


def test_the_bytes_themselves_are_a_key_too(file: Path) -> None:
    file.write_bytes(KEY)
    assert revealed(master_key_file=file) == revealed(master_key_command=f"cat '{file}'") == KEY


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"hush",
        KEY[:31],
        KEY + b"x",
        base64.b64encode(KEY[:31]),
        KEY.hex().encode(),
        b"hush " * 9,
    ],
)
def test_what_is_no_key_is_refused_and_not_repeated(given: bytes, file: Path) -> None:
    file.write_bytes(given)
    for problem in (refusal(master_key_file=file), refusal(master_key_command=f"cat {file}")):
        assert f"must hold a key of 32 bytes, in base64 or as they are; got {len(given)}" in problem
        assert "tidings master-key create" in problem and "hush" not in problem
    assert refusal(master_key="hush").startswith("master_key must hold a key of 32 bytes")


@pytest.mark.parametrize(
    ("mode", "fits"), [(0o600, True), (0o440, True), (0o604, False), (0o620, False)]
)
def test_a_key_file_is_for_its_owner_and_group_alone(mode: int, fits: bool, file: Path) -> None:
    file.chmod(mode)
    if fits:
        assert revealed(master_key_file=file) == KEY
    else:
        problem = refusal(master_key_file=file)
        assert f"its mode is {mode:04o}. Run chmod 600 {file}." in problem


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert refusal(master_key_file=tmp_path / "no") == (
        f"master_key_file must name a file that can be read; got {tmp_path}/no: "
        "No such file or directory."
    )
    assert "Is a directory" in refusal(master_key_file=tmp_path)


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("/nowhere/at-all", "it cannot be run: [Errno 2]"),
        ("echo 'open", "it cannot be run: No closing quotation"),
        (f"{sys.executable} -c 'exit(\"sealed vault\")'", "it ended with 1: sealed vault."),
        ("false", "it ended with 1: no reason."),
        (" ' ' ", "it cannot be run: "),
    ],
)
def test_a_command_that_prints_no_key_says_why(command: str, problem: str) -> None:
    said = refusal(master_key_command=command)
    assert f"master_key_command must print a key; {problem}" in said


def test_a_command_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidings.app.keys.master_key.COMMAND_S", 0.2)
    assert "it has not ended within" in refusal(master_key_command="sleep 60")


def test_what_another_key_has_sealed_blames_the_key_that_was_given() -> None:
    with_database = settings(master_key=IN_BASE64)
    place = key_place(with_database)
    vault, other = (unlock(SealedSecret(key), None, place) for key in (KEY, KEY[::-1]))
    sealed = vault.seal(b"plain", OrgId(1), WebhookId("a"), 1)
    assert vault.open(sealed, OrgId(1), WebhookId("a"), 1) == b"plain"
    with pytest.raises(VaultRefused, match="Give the master key that this database was first"):
        other.open(sealed, OrgId(1), WebhookId("a"), 1)
    with pytest.raises(VaultRefused, match="Put back the file `key`"):
        embedded = unlock(SealedSecret(KEY[::-1]), None, key_place(load({})))
        embedded.open(sealed, OrgId(1), WebhookId("a"), 1)


def test_keys_derived_from_a_given_key_are_those_of_a_directory_with_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "key").chmod(0o600)
    master = parse_key(IN_BASE64.encode(), "master_key")
    keys = keys_of(master, Vault({1: master}))
    assert keys.audit == derived_key(tmp_path, b"tidings.audit")
    assert keys.terms == derived_key(tmp_path, b"tidings.terms", 16)
