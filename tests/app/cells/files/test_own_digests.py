"""The digest of a file is of what it says, and tells nothing of it."""

from pathlib import Path

import msgspec
import pytest

from tidings.app.cells.files.own_digests import SHARED, digests_of, files_of
from tidings.core.cells.file_digests import differing_names
from tidings.engine.vault import SealedSecret
from tidings.settings.secret_text import SecretText
from tidings.settings.settings import Settings

MASTER = SealedSecret(bytes(32))
CONNECTIONS = """
[main]
type = "smtp"
host = "mail.example"
password = "${MAIL_PASSWORD}"
[other]
type = "kafka"
servers = "a:1"
"""
ACTIONS = """
org = 1
[lookups.stores]
csv = "stores.csv"
[actions.mail]
[[actions.mail.texts]]
text = {file = "mail.html"}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "connections.toml").write_text(CONNECTIONS)
    (tmp_path / "actions.toml").write_text(ACTIONS)
    (tmp_path / "mail.html").write_text("Hello")
    (tmp_path / "stores.csv").write_text("id,name\n1,a\n")
    return Settings(
        data=tmp_path,
        connections=tmp_path / "connections.toml",
        actions=tmp_path / "actions.toml",
    )


def changed(before: Settings, after: Settings, *, was: dict[str, str] | None = None) -> list[str]:
    return differing_names(was or dict(digests_of(before, MASTER)), digests_of(after, MASTER))


def test_comments_order_and_layout_count_for_nothing(settings: Settings) -> None:
    was = dict(digests_of(settings, MASTER))
    assert settings.connections is not None
    first, second = CONNECTIONS.split("[other]")
    settings.connections.write_text(f"# ours\n[other]{second}\n\n{first}")
    assert changed(settings, settings, was=was) == []
    settings.connections.write_text(CONNECTIONS.replace("mail.example", "mail2.example"))
    assert changed(settings, settings, was=was) == ["connections"]


def test_what_comes_from_the_environment_counts_for_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    was = dict(digests_of(settings, MASTER))
    monkeypatch.setenv("MAIL_PASSWORD", "another")
    assert changed(settings, settings, was=was) == []


def test_texts_that_actions_name_count_and_lists_do_not(settings: Settings) -> None:
    was = dict(digests_of(settings, MASTER))
    (settings.data / "stores.csv").write_text("id,name\n1,b\n")
    assert changed(settings, settings, was=was) == []
    (settings.data / "mail.html").write_text("Good day")
    assert changed(settings, settings, was=was) == ["actions"]
    assert settings.data / "mail.html" in [*files_of(settings)]


def test_settings_of_the_installation_count_and_those_of_a_machine_do_not(
    settings: Settings,
) -> None:
    of_machine = msgspec.structs.replace(settings, port=9, in_flight_max=7, data=Path("/else"))
    assert changed(settings, of_machine) == []
    of_all = msgspec.structs.replace(settings, audit_days=90, public_url="https://t.example")
    assert changed(settings, of_all) == ["audit_days", "public_url"]
    secret = msgspec.structs.replace(settings, mail_password=SecretText("s" * 20))
    assert changed(settings, secret) == []
    assert {"deny", "platform_url", "inbox_url"} < {*SHARED}
    assert not {"port", "database", "master_key", "bootstrap_secret"} & {*SHARED}


def test_a_file_that_is_not_set_not_there_or_no_toml_differs_from_one_that_is(
    settings: Settings,
) -> None:
    found = [dict(digests_of(settings, MASTER))]
    assert settings.connections is not None
    settings.connections.write_text("[main")
    found.append(dict(digests_of(settings, MASTER)))
    settings.connections.unlink()
    found.append(dict(digests_of(settings, MASTER)))
    none = msgspec.structs.replace(settings, connections=None)
    found.append(dict(digests_of(none, MASTER)))
    assert len({digests["connections"] for digests in found}) == 4
    assert found[-1]["connections"] == ""


def test_nobody_makes_a_digest_without_the_key_of_the_installation(settings: Settings) -> None:
    other = digests_of(settings, SealedSecret(bytes(31) + b"1"))
    assert changed(settings, settings, was=dict(other)) == sorted(
        name for name, digest in other.items() if digest
    )
