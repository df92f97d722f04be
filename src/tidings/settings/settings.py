"""What an operator can set: each setting with its type, its default, its rule and its text.

docs/settings.md is made from this module (`make docs`).

Add a setting here; the rest follows, but for whoever acts on it.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta

from tidings.core.audit.entries import KEPT_DAYS
from tidings.core.ids import ORG_ID_MAX
from tidings.egress.policy import AllowedRange, Network
from tidings.settings.database_uri import DatabaseUri, NamedDatabases
from tidings.settings.rules import number_from as _from
from tidings.settings.rules import path_template as _template
from tidings.settings.rules import port_number as _port
from tidings.settings.rules import rule as _is
from tidings.settings.secret_text import HeaderSecret, SecretText

PREFIX = "TIDINGS_"
MIB = 1 << 20


CONNECTIONS_ARE = (
    "A TOML file of the systems outside that sources and webhooks may name, a table for each: see "
    "docs/connections.md. Read at the start."
)
SOURCES_ARE = (
    "A TOML file of sources, a table for each: see docs/sources.md. At each start they are made, "
    "or changed to what it says; nobody else changes them."
)
ACTIONS_ARE = (
    "A TOML file of what is done when events come: see docs/actions.md. It may bring the source "
    "and the connections with it. Read at the start."
)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set, checked. Made once at start; never changes while it runs."""

    data: Annotated[
        Path,
        _is("a directory", "The data directory: store, key and lock. For one process only."),
    ] = Path("tidings-data")
    database: (
        Annotated[
            DatabaseUri,
            _is(
                "a URI of PostgreSQL, such as postgresql://tidings@db.example/tidings, with "
                "special characters of user and password percent-encoded (%40 is @)",
                "The PostgreSQL database that holds the store, instead of the data directory: see "
                "[postgresql.md](postgresql.md). Its password stands in this setting, in a file or "
                "the environment, or where libpq looks for one (`.pgpass`, `passfile`, a service "
                "file); on a command line it is refused.",
            ),
        ]
        | None
    ) = None
    database_schema: Annotated[
        str,
        _is(
            "1 to 63 lower-case letters, digits and underscores, not beginning with a digit or pg_",
            "The schema of that database: one for each service in it.",
            pattern=r"^(?!pg_)[a-z_][a-z0-9_]{0,62}$",
        ),
    ] = "tidings"
    databases: Annotated[
        NamedDatabases,
        _is(
            "a table of names and URIs of PostgreSQL, a name being 1 to 40 lower-case letters, "
            "digits, - and _",
            "Further databases that hold [cells](cells.md#in-another-database), by name. The same "
            "names on each machine; role and password may be its own. In the environment "
            "`name=URI`, with a space between two.",
        ),
    ] = NamedDatabases({})
    master_key: (
        Annotated[
            SecretText,
            _is(
                "a key in base64, of 32 bytes",
                "With `database`: the key that secrets are sealed with. `tidings master-key "
                "create` prints a new one. One of the three settings must be given; without "
                "`database` the key is the file `key` of the data directory.",
            ),
        ]
        | None
    ) = None
    master_key_file: (
        Annotated[
            Path,
            _is("a file", "With `database`: the file that holds this key, in base64 or as bytes."),
        ]
        | None
    ) = None
    master_key_command: (
        Annotated[
            str,
            _is(
                "a command of 1 to 2048 characters",
                "With `database`: a command that prints this key, in base64 or as bytes. It is "
                "run once at the start, without a shell, and may take 30 s.",
                pattern=r"^[^\0\r\n]{1,2048}$",
            ),
        ]
        | None
    ) = None
    host: Annotated[
        str,
        _is("a name or an address", "The address to listen on.", pattern=r"^\S{1,253}$"),
    ] = "127.0.0.1"
    port: Annotated[int, _port("The port to listen on.")] = 8080
    door_host: Annotated[
        str,
        _is(
            "a name or an address",
            "The address at which processes of [several cells](cells.md) take what others pass on, "
            "by TLS: one that [the other machines](cells.md#several-machines) reach.",
            pattern=r"^\S{1,253}$",
        ),
    ] = "127.0.0.1"
    door_address: (
        Annotated[
            str,
            _is(
                "a name or an address without a port",
                "How the other machines reach `door_host`, where not by that name.",
                pattern=r"^[A-Za-z0-9.:\-]{1,253}$",
            ),
        ]
        | None
    ) = None
    door_port: (
        Annotated[int, _port("The port of cell 1 at `door_host`; the next cell has the next.")]
        | None
    ) = None
    dev: Annotated[
        bool,
        _is(
            "true or false",
            "For development: plain http and loopback or private receivers are admitted, and "
            "`/metrics` is open unless one of its settings is set.",
        ),
    ] = False
    connections: Annotated[Path, _is("a file", CONNECTIONS_ARE)] | None = None
    sources: Annotated[Path, _is("a file", SOURCES_ARE)] | None = None
    actions: Annotated[Path, _is("a file", ACTIONS_ARE)] | None = None
    alerts: Annotated[Path, _is("a file", "Alerts of all orgs: see docs/alerts.md.")] | None = None
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _is("debug, info, warning or error", "The least that is logged."),
    ] = "info"

    bootstrap_org: (
        Annotated[
            int,
            _from(1, ORG_ID_MAX, "The id of the org that the first start makes, without a person."),
        ]
        | None
    ) = None
    bootstrap_key: (
        Annotated[
            str,
            _is(
                "1 to 128 visible characters without a colon",
                "The key of the platform's own credential. It has no rate limit and may be given "
                "at every start.",
                pattern=r"^[!-9;-~]{1,128}$",
            ),
        ]
        | None
    ) = None
    bootstrap_secret: (
        Annotated[
            SecretText,
            _is(
                "1 to 256 visible characters",
                "The secret to that key. Take 24 random ones or more.",
            ),
        ]
        | None
    ) = None

    ca_file: (
        Annotated[
            Path,
            _is(
                "a file",
                "Certificates in PEM of authorities that are trusted beside the system's, for all "
                "that Tidings calls by TLS: receivers, look-ups, actions, tokens, the platform, "
                "and the mail server of notices. Connections have a `ca` of their own. Read at "
                "the start.",
            ),
        ]
        | None
    ) = None

    call_bytes_max: Annotated[
        int, _from(1024, 256 * MIB, "The largest body of one call, in bytes; above it 413.")
    ] = 4 * MIB
    event_bytes_max: Annotated[
        int, _from(1024, 16 * MIB, "The largest single event, in bytes; above it, it is rejected.")
    ] = 256 << 10
    events_per_call_max: Annotated[
        int, _from(1, 100_000, "The most events in one call; above it 413.")
    ] = 1000
    call_s_max: Annotated[
        float, _from(1, 300, "How long a caller may take to send its body, in seconds; then 408.")
    ] = 10.0
    deliveries_at_once_max: Annotated[
        int,
        _from(
            1,
            10_000,
            "For how many webhooks an event's deliveries are made in its own transaction. Those of "
            "further ones follow in slices, so that one event holds nobody up.",
        ),
    ] = 250
    waiting_bytes_max: Annotated[
        int,
        _from(MIB, 1024 * MIB, "The most bytes that may wait for their commit; above it 503."),
    ] = 64 * MIB
    waiting_s_max: Annotated[
        float, _from(0.1, 60, "How long an accept may wait for its commit, in seconds; then 503.")
    ] = 1.0

    connections_max: Annotated[
        int,
        _from(
            64,
            100_000,
            "The most connections that callers may have at one time. Fewer where the limit of open "
            "files is low ([running.md](running.md#open-files)).",
        ),
    ] = 4096

    public_url: (
        Annotated[
            str,
            _is(
                "http:// or https://, a host and no path",
                "Where browsers and receivers reach the service, behind a proxy "
                "([running.md](running.md#behind-a-proxy)). Links begin with it, the console takes "
                "forms of its pages alone, and test inboxes have their URLs there. Where it is not "
                "set: what a call says of itself, and for inboxes the address listened on.",
                pattern=r"^https?://[A-Za-z0-9.\-\[\]:]{1,300}/?$",
            ),
        ]
        | None
    ) = None
    inbox_url: (
        Annotated[
            str,
            _is(
                "http:// or https://, a host and no path",
                "A host of their own for test inboxes, as `public_url` is written. Their URLs "
                "begin with it; `/inbox/…` is then served on that host alone, and nothing else is.",
                pattern=r"^https?://[A-Za-z0-9.\-\[\]:]{1,300}/?$",
            ),
        ]
        | None
    ) = None
    metrics_token: (
        Annotated[
            SecretText,
            _is(
                "16 to 256 visible characters",
                "A bearer token that reads `/metrics`, and nothing else. Without it and "
                "`metrics_from` only the platform's own credential does.",
            ),
        ]
        | None
    ) = None
    metrics_from: Annotated[
        tuple[Network, ...],
        _is(
            "a list of networks, such as 10.1.0.0/16",
            "Networks whose callers read `/metrics` without a credential. A call that a proxy has "
            "passed on is judged by the client's address, as those of `trusted_proxies` tell it; "
            "where they do not, it is refused.",
        ),
    ] = ()
    metrics_orgs: Annotated[
        tuple[int, ...],
        _is(
            "a list of the ids of orgs, such as 2001, 2002",
            "Orgs that `/metrics` names; the rest is `other`. Without it: the first 50 of a start.",
        ),
    ] = ()
    traces_to: (
        Annotated[
            str,
            _is(
                "a URL such as http://127.0.0.1:4318/v1/traces",
                "The collector that gets spans of calls and attempts, by OTLP over HTTP: see "
                "[running.md](running.md#traces). Without it none are made, and the `traceparent` "
                "of an event is passed on as it came.",
                pattern=r"^https?://[^\s?#]{1,500}$",
            ),
        ]
        | None
    ) = None
    traces_share: Annotated[
        float,
        _from(0, 1, "How many of the calls that nobody traces yet are recorded; 0.01: one in 100."),
    ] = 0.01
    trusted_proxies: Annotated[
        tuple[Network, ...],
        _is(
            "a list of addresses or networks, such as 127.0.0.1, 10.2.0.0/16",
            "Proxies in front of the service. Only of them `Forwarded` and `X-Forwarded-For`, "
            "`-Proto` and `-Host` are believed: who calls, by which scheme, and at which host.",
        ),
    ] = ()
    failing_told_after_s: Annotated[
        int,
        _from(
            60,
            345_600,
            "How long a webhook must have failed without a success before its owner is told "
            "(`tidings.webhook.failing`), in s.",
        ),
    ] = 900
    audit_days: Annotated[
        int,
        _from(
            30,
            3650,
            "Days for which entries of the audit log are kept ([audit.md](audit.md)).",
        ),
    ] = KEPT_DAYS
    drain_s: Annotated[
        float,
        _from(0, 600, "How long a stop waits for attempts in flight, in s; others are sent again."),
    ] = 25.0
    in_flight_max: Annotated[
        int,
        _from(
            1,
            10_000,
            "The most attempts of the process at one time, over all webhooks. Fewer where the "
            "limit of open files is low ([running.md](running.md#open-files)).",
        ),
    ] = 4000
    window_bytes_max: Annotated[
        int,
        _from(
            MIB,
            1024 * MIB,
            "The most bytes of events that lanes hold in memory, together; attempts under way hold "
            "as many again in bodies over 16 KB. What finds no room waits in the store.",
        ),
    ] = 64 * MIB
    allow: Annotated[
        tuple[AllowedRange, ...],
        _is(
            "a list of CIDR:port, such as 10.1.0.0/16:8443",
            "Private networks, each at one port, that receivers may live in.",
        ),
    ] = ()
    deny: Annotated[
        tuple[Network, ...],
        _is(
            "a list of networks, such as 203.0.113.0/24",
            "Networks that are never dialled, such as the service's own public addresses.",
        ),
    ] = ()

    mail_host: (
        Annotated[
            str,
            _is(
                "the name or address of a mail server",
                "The mail server that takes letters about webhooks "
                "([operational-events.md](operational-events.md)). Without it none are sent.",
                pattern=r"^[^\s/]{1,253}$",
            ),
        ]
        | None
    ) = None
    mail_port: Annotated[int, _port("The port of the mail server.")] = 587
    mail_from: (
        Annotated[
            str,
            _is(
                "an e-mail address",
                "The address that letters come from.",
                pattern=r"^[^\s@<>,;]{1,64}@[^\s@<>,;]{1,253}$",
            ),
        ]
        | None
    ) = None
    mail_starttls: Annotated[
        bool,
        _is("true or false", "Whether the line to the mail server is encrypted (STARTTLS)."),
    ] = True
    mail_user: (
        Annotated[
            str,
            _is("1 to 256 characters", "The login at the mail server.", pattern=r"^.{1,256}$"),
        ]
        | None
    ) = None
    mail_password: (
        Annotated[SecretText, _is("1 to 256 visible characters", "The password of that login.")]
        | None
    ) = None

    platform_url: (
        Annotated[
            str,
            _is(
                "a URL such as https://api.example.com",
                "The platform's own API, which is asked for what reference data lacks "
                "([enrichment.md](enrichment.md)). Without it nothing is asked.",
                pattern=r"^https?://[^\s?#]{1,500}$",
            ),
        ]
        | None
    ) = None
    platform_private: Annotated[
        bool,
        _is(
            "true or false",
            "The platform's API may live on loopback or in a private network, and be plain http. "
            "Webhooks are not affected.",
        ),
    ] = False
    platform_auth_header: Annotated[
        str,
        _is(
            "the name of a header",
            "The header that carries the credential to the platform's API.",
            pattern=r"^[A-Za-z0-9-]{1,64}$",
        ),
    ] = "Authorization"
    platform_auth_secret: (
        Annotated[
            HeaderSecret,
            _is(
                "1 to 2048 visible characters and spaces",
                "The whole value of that header, such as `Basic` and the base64 of key:secret.",
            ),
        ]
        | None
    ) = None
    platform_timeout_s: Annotated[
        float,
        _from(0.1, 10, "How long the platform's API may take to answer, in seconds."),
    ] = 2.0
    platform_keep_s: Annotated[
        float,
        _from(0, 86_400, "How long its answers are remembered, in seconds."),
    ] = 300.0
    platform_keep_none_s: Annotated[
        float,
        _from(0, 86_400, "How long it is remembered that there is no such record, in seconds."),
    ] = 30.0
    platform_stores_path: Annotated[str, _template("stores")] | None = None
    platform_tills_path: Annotated[str, _template("tills")] | None = None
    platform_customers_path: Annotated[str, _template("customers")] | None = None
    platform_balances_path: Annotated[str, _template("the points balance of a customer")] | None = (
        None
    )
    platform_awards_path: (
        Annotated[str, _template("the references of an award, `{id}` being the loyaltyEventId")]
        | None
    ) = None
    platform_fields: Annotated[
        tuple[str, ...],
        _is(
            "a list of kind.field=path.in.the.answer, such as customers.mobile=profile.mobile",
            "Where the platform's answers hold the fields of a record, if not under their names.",
        ),
    ] = ()


# The annotated type of each setting; of an optional one, the type that it has when it is given.
HINTS: dict[str, Any] = {
    name: hint if hasattr(hint, "__metadata__") else get_args(hint)[0]
    for name, hint in get_type_hints(Settings, include_extras=True).items()
}
ENVIRONMENT = {PREFIX + name.upper(): name for name in HINTS}
_SECRET_TYPES = (SecretText, HeaderSecret, DatabaseUri, NamedDatabases)
SECRETS = frozenset(name for name, hint in HINTS.items() if hint.__origin__ in _SECRET_TYPES)


def meta(name: str) -> Meta:
    """Return the rule and the description of a setting."""
    found: Meta = HINTS[name].__metadata__[0]
    return found


def must(name: str) -> str:
    """Say what a value of a setting must be, to be read after "must be"."""
    return str((meta(name).extra or {})["must"])
