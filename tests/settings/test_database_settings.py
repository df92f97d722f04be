"""The settings of a store in PostgreSQL: what is refused, and that no password is shown."""

import pickle
from pathlib import Path

import pytest

from tidings.settings.database_uri import SECRET_PARAMETERS, DatabaseUri
from tidings.settings.load import SettingsRefused, load

PASSWORDS = [
    "postgresql://tidings:hush@db.example/tidings",
    "postgres://:hush@db.example",
    *(f"postgresql://db.example/tidings?port=5&{name}=hush" for name in sorted(SECRET_PARAMETERS)),
    "postgresql://db.example/tidings?%70assword=hush",
]
NO_PASSWORDS = [
    "postgresql://tidings@db.example/tidings",
    "postgresql:///tidings?host=/var/run/postgresql",
    "postgresql://?service=tidings",
    "postgresql://db1.example:5432,db2.example:5433/tidings?target_session_attrs=read-write",
    "postgresql://tidings@[2001:db8::7]:5432/tidings",
    "postgresql://tidings@%2Fvar%2Frun%2Fpostgresql/tidings",
    "postgresql://tidings@db.example/tidings?passfile=/etc/tidings/pgpass",
]


def refused(environ: dict[str, str], config: Path | None = None, **options: object) -> list[str]:
    with pytest.raises(SettingsRefused) as caught:
        load(environ, config, options)
    return caught.value.problems


@pytest.mark.parametrize("uri", [*PASSWORDS, *NO_PASSWORDS])
def test_file_and_environment_may_hold_any_uri(uri: str, tmp_path: Path) -> None:
    file = tmp_path / "tidings.toml"
    file.write_text(f'database = "{uri}"\n')
    for settings in (load({}, file), load({"TIDINGS_DATABASE": uri})):
        assert settings.database is not None and settings.database.reveal() == uri
        for text in (repr(settings), str(settings.database), settings.database.describe()):
            assert "hush" not in text
        assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize("uri", PASSWORDS)
def test_a_password_on_the_command_line_is_refused_and_not_repeated(uri: str) -> None:
    assert refused({}, database=uri) == [
        "--database must hold no password, for every process can read a command line; got one. "
        "Write it in TIDINGS_DATABASE, in the settings file, or in ~/.pgpass, and change it: it "
        "may have been seen."
    ]


@pytest.mark.parametrize("uri", NO_PASSWORDS)
def test_a_uri_without_a_password_may_stand_on_the_command_line(uri: str) -> None:
    assert load({}, None, {"database": uri}).database == DatabaseUri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "hush",
        "mysql://tidings:hush@db.example/tidings",
        "host=db.example password=hush",
        "postgresql://tidings:hu@sh@db.example/tidings",
        "postgresql://tidings:hu/sh@db.example/tidings",
        "postgresql://tidings:hu?sh@db.example/tidings",
        "postgresql://tidings:hu#sh@db.example/tidings",
        "postgresql://tidings:hush/tidings",
        "postgresql://tidings:hush",
        "postgresql://db.example/tidings:hush@db.example",
        "postgresql://tidings:hush @db.example/tidings",
        "postgresql://tidings:hush@db.example/tid\nings",
        "postgresql://tidings:hu%sh@db.example/tidings",
        "postgresql://db.example/tidings?password=hush%",
        "postgresql://tidings:hush%00@db.example/tidings",
        "postgresql://tidings:hush@db.example/" + "t" * 2048,
    ],
)
def test_what_libpq_would_take_for_something_else_is_refused_and_not_repeated(uri: str) -> None:
    for problems in (refused({"TIDINGS_DATABASE": uri}), refused({}, database=uri)):
        [problem] = problems
        assert " must be a URI of PostgreSQL, such as " in problem and "hu" not in problem


@pytest.mark.parametrize("schema", ["tidings", "_t", "cell_7", "a" * 63])
def test_a_schema_is_a_plain_name(schema: str) -> None:
    given = {"TIDINGS_DATABASE": "postgresql://db", "TIDINGS_DATABASE_SCHEMA": schema}
    assert load(given).database_schema == schema


@pytest.mark.parametrize("schema", ["", "Tidings", "7", "pg_tidings", "a b", 'a"b', "a" * 64, "ä"])
def test_a_schema_that_needs_quotes_is_refused(schema: str) -> None:
    given = {"TIDINGS_DATABASE": "postgresql://db", "TIDINGS_DATABASE_SCHEMA": schema}
    [problem] = refused(given)
    assert problem.startswith("TIDINGS_DATABASE_SCHEMA must be 1 to 63 lower-case letters")


def test_one_key_is_given_and_only_with_a_database() -> None:
    database = {"TIDINGS_DATABASE": "postgresql://db"}
    keys = {
        "TIDINGS_MASTER_KEY": "hush",
        "TIDINGS_MASTER_KEY_FILE": "/run/key",
        "TIDINGS_MASTER_KEY_COMMAND": "vault read key",
    }
    for name, value in keys.items():
        settings = load(database | {name: value})
        assert "hush" not in repr(settings)
        assert refused({name: value}) == [
            f"{name} must come with database; got none. Set TIDINGS_DATABASE, or leave it out: "
            "without a database, store and key are in the data directory."
        ]
    assert refused(database | keys) == [
        "One of master_key, master_key_file, master_key_command must be set; got "
        "TIDINGS_MASTER_KEY and TIDINGS_MASTER_KEY_FILE and TIDINGS_MASTER_KEY_COMMAND. Take one."
    ]
    [problem] = refused({"TIDINGS_DATABASE_SCHEMA": "tidings"})
    assert problem.startswith("TIDINGS_DATABASE_SCHEMA must come with database")


FIRST = {"TIDINGS_DATABASE": "postgresql:///tidings"}


def test_further_databases_are_named_in_file_and_environment(tmp_path: Path) -> None:
    far, two = "postgresql://tidings:hush@far.example,b.example:6/t", "postgresql:///two"
    file = tmp_path / "tidings.toml"
    file.write_text(
        f'database = "postgresql:///tidings"\n[databases]\nfar = "{far}"\ntwo = "{two}"'
    )
    given = {"TIDINGS_DATABASES": f"far={far} two={two}"}
    for settings in (load({}, file), load(FIRST | given)):
        assert [*settings.databases] == ["far", "two"]
        assert settings.databases.find("far") == DatabaseUri(far)
        assert settings.databases.find("near") is None
        assert "hush" not in repr(settings) and "far.example" in repr(settings)
        assert pickle.loads(pickle.dumps(settings)) == settings
        assert hash(settings.databases) == hash(load({}, file).databases)
    assert not [*load({}).databases]


@pytest.mark.parametrize(
    "text", ["far", "far=", "far=hush", "Far=postgresql:///hush", "a/b=postgresql:///hush",
             "a=postgresql:///hush a=postgresql:///hush"],
)  # fmt: skip
def test_a_further_database_without_name_or_uri_is_refused_and_not_repeated(text: str) -> None:
    [problem] = refused(FIRST | {"TIDINGS_DATABASES": text})
    assert problem.startswith("TIDINGS_DATABASES must be a table of names and URIs")
    assert "hush" not in problem


def test_a_table_of_other_things_than_uris_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tidings.toml"
    file.write_text('database = "postgresql:///tidings"\n[databases]\nfar = 5\n')
    assert "must be a table of names and URIs" in refused({}, file)[0]


def test_further_databases_come_with_a_first_one() -> None:
    [problem] = refused({"TIDINGS_DATABASES": "far=postgresql:///far"})
    assert problem.startswith("TIDINGS_DATABASES must come with database")
