"""The file of connections: read whole or not at all, with secrets from the environment."""

from pathlib import Path

import pytest

from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.operator_files.connections import load_connections
from tidings.app.operator_files.operator_file import FileRefused
from tidings.core.ids import OrgId

SECRET = "s3cret-of-the-broker"


def load(tmp_path: Path, text: str, **environment: str) -> object:
    path = tmp_path / "connections.toml"
    path.write_text(text)
    return load_connections(path, CONNECTION_TYPES, environment)


def test_without_a_file_there_is_none() -> None:
    assert load_connections(None, CONNECTION_TYPES) == {}


def test_each_table_is_a_connection_and_its_secret_stands_in_the_environment(
    tmp_path: Path,
) -> None:
    path = tmp_path / "connections.toml"
    path.write_text(
        '[main]\ntype = "kafka"\norgs = "all"\nservers = "a:9092"\npassword = "${BROKER}"\n'
        '[shop-db]\ntype = "outbox"\norgs = [7]\n[own]\ntype = "kafka"\nservers = "b"\n'
    )
    found = load_connections(path, CONNECTION_TYPES, {"BROKER": SECRET})
    assert list(found) == ["main", "shop-db", "own"]
    assert found["main"].fields == {"servers": "a:9092", "password": SECRET}
    assert SECRET not in repr(found)

    def may(name: str, org: int, *, platform: bool = False) -> bool:
        return found[name].may_be_named_by(OrgId(org), platform=platform)

    assert may("main", 8) and may("shop-db", 7) and not may("shop-db", 8)
    assert not may("own", 7) and may("own", 7, platform=True)
    assert found.default is None and list(found.open_to(OrgId(7), platform=False)) == [
        "main",
        "shop-db",
    ]


def test_one_may_be_the_default(tmp_path: Path) -> None:
    path = tmp_path / "connections.toml"
    path.write_text(
        '[a]\ntype = "kafka"\nservers = "a:1"\n'
        '[b]\ntype = "kafka"\ndefault = true\nservers = "b:1"\ntopic = "crm.{org}"\n'
    )
    found = load_connections(path, CONNECTION_TYPES)
    assert found.default is found["b"] and found["b"].fields["topic"] == "crm.{org}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[main", "must be TOML"),
        ('[Main]\ntype = "kafka"', "must be a table whose name"),
        ("main = 7", "must be a table"),
        ('[main]\ntype = "nats"', "must have a type of kafka, outbox"),
        ("[main]", "must have a type"),
        ('[main]\ntype = "kafka"\nservers = "a"\ndefault = 1', "a default of true or false"),
        ('[main]\ntype = "kafka"\nservers = "a"\ndefault = true', "must have a topic to be"),
        (
            '[main]\ntype = "kafka"\nservers = "a"\ndefault = true\ntopic = "{orgs}"',
            "perhaps {org} and",
        ),
        (
            '[main]\ntype = "outbox"\ndefault = true',
            "to be the default",
        ),
        (
            '[a]\ntype = "kafka"\ndefault = true\n[b]\ntype = "kafka"\ndefault = true',
            "at most one connection must be the default; got a, b",
        ),
        ('[main]\ntype = "kafka"\norgs = "some"', "must have orgs"),
        ('[main]\ntype = "kafka"\norgs = [true]', "must have orgs"),
        ('[main]\ntype = "kafka"\npassword = "${BROKER}"', "must be set in the environment"),
        ('[main]\ntype = "kafka"', r"\[main\] servers must be a text; got nothing. Fix it."),
        (
            '[main]\ntype = "kafka"\nservers = "a:1"\nsecurity = "tls"',
            'security must be one of plaintext, ssl, sasl_plaintext, sasl_ssl; got "tls"',
        ),
        (
            '[main]\ntype = "kafka"\nservers = "a:1"\nsecurity = "sasl_ssl"\nusername = "x"',
            "password must be set for the security sasl_ssl; got nothing",
        ),
        ('[db]\ntype = "outbox"\ndsn = "x"\npasswort = "hush"', "alone; got passwort"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FileRefused, match=said) as told:
        load(tmp_path, text)
    assert "connections.toml" in str(told.value) and "hush" not in str(told.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="can be read"):
        load_connections(tmp_path / "none.toml", CONNECTION_TYPES)
