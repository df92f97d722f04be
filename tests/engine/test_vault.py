"""The vault: what is sealed opens at its place, with its key, and nowhere else."""

import os
import stat
from pathlib import Path

import pytest

from tidings.core.ids import OrgId, WebhookId
from tidings.engine.vault import SealedSecret, Vault, VaultRefused, read_or_make_key

ORG = OrgId(1)

PLAIN = b'{"url":"https://x"}'
A = WebhookId("a")


def test_what_is_sealed_opens_and_shows_nothing() -> None:
    vault = Vault({1: SealedSecret(b"k" * 32)})
    sealed = vault.seal(PLAIN, ORG, WebhookId("a" * 24), 3)
    assert sealed[0] == 1 and PLAIN not in sealed
    assert vault.open(sealed, ORG, WebhookId("a" * 24), 3) == PLAIN
    assert sealed != vault.seal(PLAIN, ORG, WebhookId("a" * 24), 3)


@pytest.mark.parametrize(("org", "id", "version"), [(2, "a", 3), (1, "b", 3), (1, "a", 4)])
def test_a_sealed_text_opens_at_its_place_only(org: int, id: str, version: int) -> None:
    vault = Vault({1: SealedSecret(b"k" * 32)})
    with pytest.raises(VaultRefused, match=f"webhook {id} "):
        vault.open(vault.seal(PLAIN, ORG, A, 3), OrgId(org), WebhookId(id), version)


@pytest.mark.parametrize("spoil", [b"", b"\x01", b"\x01" * 20, b"\x02" * 60, b"\x00"])
def test_what_was_not_sealed_is_refused(spoil: bytes) -> None:
    with pytest.raises(VaultRefused, match="Put back the file `key`"):
        Vault({1: SealedSecret(b"k" * 32)}).open(spoil, ORG, A, 1)


def test_every_changed_bit_is_noticed() -> None:
    vault = Vault({1: SealedSecret(b"k" * 32)})
    sealed = vault.seal(PLAIN, ORG, A, 1)
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :]
        with pytest.raises(VaultRefused):
            vault.open(changed, ORG, A, 1)


def test_the_newest_key_seals_and_an_older_one_still_opens() -> None:
    old = Vault({1: SealedSecret(b"k" * 32)}).seal(PLAIN, ORG, A, 1)
    both = Vault({1: SealedSecret(b"k" * 32), 2: SealedSecret(b"n" * 32)})
    assert both.open(old, ORG, A, 1) == PLAIN
    assert both.seal(PLAIN, ORG, A, 1)[0] == 2
    with pytest.raises(VaultRefused):
        Vault({1: SealedSecret(b"x" * 32)}).open(old, ORG, A, 1)


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    sealed = Vault.in_directory(tmp_path).seal(PLAIN, ORG, A, 1)
    path = tmp_path / "key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.stat().st_size == 32
    assert os.listdir(tmp_path) == ["key"]
    assert Vault.in_directory(tmp_path).open(sealed, ORG, A, 1) == PLAIN


def test_a_key_file_that_others_may_read_or_that_is_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    read_or_make_key(path)
    path.chmod(0o640)
    with pytest.raises(VaultRefused, match="its mode is 0640. Run chmod 600"):
        read_or_make_key(path)
    path.chmod(0o600)
    for size in (0, 31, 33):
        path.write_bytes(b"x" * size)
        with pytest.raises(VaultRefused, match="must hold 32 bytes"):
            read_or_make_key(path)


def test_a_secret_does_not_show() -> None:
    secret = SealedSecret(b"hunter2")
    assert "hunter2" not in f"{secret!r} {secret} {Vault({1: SealedSecret(b'k' * 32)})!r}"
    assert secret.reveal() == b"hunter2"
