"""What the operator may say of a connection: judged by the declaration of its type alone."""

import subprocess
import sys

import pytest

from tidings.app.connection_types import CONNECTION_TYPES
from tidings.core.connections.fields import ConnectionField, faults_of, shown_of

SECRET = "hush-hush-4711"
SASL: dict[str, object] = {
    "servers": "k",
    "security": "sasl_ssl",
    "username": "tidings",
    "password": SECRET,
}


MAIL: dict[str, object] = {"host": "mail.brand.example", "sender": "Shop <news@brand.example>"}


FAULTS: list[tuple[str, dict[str, object], str]] = [
    ("kafka", {"servers": 9092}, "servers must be a text; got 9092"),
    ("kafka", {"servers": ""}, "servers must be a text; got an empty text"),
    ("kafka", {"servers": "k", "user": SECRET}, "topic alone; got user"),
    ("kafka", {"servers": "k", "topics": "a"}, 'topics must be a list of texts; got "a"'),
    ("kafka", {"servers": "k", "topics": [7]}, "topics must be a list of texts; got a list"),
    ("kafka", SASL | {"mechanism": "MD5"}, "mechanism must be one of PLAIN, SCRAM-SHA-256"),
    ("kafka", SASL | {"password": [SECRET]}, "password must be a text; got something else"),
    ("kafka", {"servers": "k", "security": "sasl_plaintext"}, "username must be set for the"),
    ("sql", {"tables": {}}, "tables must be a table of tables"),
    ("sql", {"tables": {"t": {}}}, "tables.t.columns must name a column; got none"),
    ("sql", {"connections_max": 0}, "connections_max must be a number from 1 to 100; got 0"),
    ("outbox", {"port": 0}, "port must be a number from 1 to 65535; got 0"),
    ("outbox", {"port": True}, "port must be a number from 1 to 65535; got true"),
    ("outbox", {"dsn": [SECRET]}, "dsn must be a text; got something else"),
    ("outbox", {"passwort": SECRET}, "alone; got passwort"),
    ("outbox", {"sslmode": "on"}, "sslmode must be one of disable, allow, prefer"),
    ("smtp", {"sender": "a@b.example"}, "host must be a text; got nothing"),
    ("smtp", MAIL | {"security": "ssl"}, "security must be one of starttls, tls, plaintext"),
    ("smtp", MAIL | {"password": SECRET}, "username must be set beside password; got nothing"),
    ("smtp", MAIL | {"sender": SECRET}, "sender must be one mailbox"),
    ("smtp", MAIL | {"domains": [SECRET + "@"]}, "domains must hold names of domains"),
    ("smtp", MAIL | {"limit_per_hour": 0}, "limit_per_hour must be a whole number from 1"),
]


def test_faults_of_every_type_are_tried() -> None:
    assert {kind for kind, _, _ in FAULTS} == CONNECTION_TYPES.keys()


@pytest.mark.parametrize(("kind", "fields", "said"), FAULTS)
def test_what_cannot_be_is_told_by_field_and_without_what_is_secret(
    kind: str, fields: dict[str, object], said: str
) -> None:
    told = CONNECTION_TYPES[kind].faults(fields)
    assert said in told[0]
    assert SECRET not in str(told)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("kafka", {"servers": "a:1,b:2"}),
        ("kafka", SASL | {"topics": ["loyalty.*"], "ca": "/ca.pem"}),
        ("outbox", {}),
        ("sql", {"dsn": "host=x"}),
        ("sql", {"connections_max": 5, "tables": {"t": {"columns": ["a"], "id": "i"}}}),
        ("outbox", {"host": "a,b", "port": "5432,5433", "target_session_attrs": "primary"}),
        ("outbox", {"dsn": "host=x", "port": 5432, "password": SECRET, "tables": []}),
        ("smtp", MAIL),
        ("smtp", MAIL | {"username": "tidings", "password": SECRET, "recipients": "any"}),
    ],
)
def test_what_can_be_is_taken(kind: str, fields: dict[str, object]) -> None:
    assert CONNECTION_TYPES[kind].faults(fields) == []


def test_a_yes_is_true_or_false() -> None:
    field = ConnectionField("starttls", "", what="yes", shown=True)
    assert list(faults_of([field], {"starttls": True})) == []
    assert list(faults_of([field], {"starttls": "no"})) == [
        'starttls must be true or false; got "no"'
    ]


def test_nothing_is_shown_that_is_not_declared_so_and_no_secret_is() -> None:
    for kind in CONNECTION_TYPES.values():
        for field in kind.fields:
            secret = any(word in field.name for word in ("password", "secret", "dsn", "token"))
            assert not (secret and field.shown), (kind.name, field.name)
    assert shown_of(CONNECTION_TYPES["kafka"].fields, SASL | {"other": 1}) == {
        "servers": "k",
        "security": "sasl_ssl",
        "username": "tidings",
    }


def test_every_type_says_what_is_installed_for_it_and_is_judged_without_that() -> None:
    program = (
        "import sys; from tidings.app.connection_types import CONNECTION_TYPES\n"
        "for one in CONNECTION_TYPES.values(): one.faults({})\n"
        "assert not {'aiokafka', 'psycopg', 'aiosmtplib'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
