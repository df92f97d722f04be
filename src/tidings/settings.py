"""What an operator can set, where each value comes from, and what is said when one does not fit.

Each setting has one name in three spellings: `port` in the file, `TIDINGS_PORT` in the environment
and, for the few that have one, `--port` on the command line. Later sources win: the defaults below,
the TOML file, the environment, the command line. A name that nobody knows is refused, because a
misspelt limit that is silently ignored is found out in an incident. docs/settings.md is made from
this module (`make docs`).
"""

import difflib
import ipaddress
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from tidings.core.org_settings import ORG_ID_MAX
from tidings.core.shaping.platform_rules import ASKED, check_template, read_map
from tidings.egress.address import TargetRefused, check_target, parse_target
from tidings.egress.policy import AllowedRange, Network, Policy
from tidings.service_links import written_by_people

PREFIX = "TIDINGS_"
MIB = 1 << 20
TOKEN_MIN = 16

# Names of the environment that are not settings of the service.
CLIENT_NAMES = {
    "TIDINGS_CONFIG": "The settings file of the service, as `--config`.",
    "TIDINGS_URL": "Where commands find the service, as `--url`. Default `http://127.0.0.1:8080`.",
    "TIDINGS_KEY": "The credential of the command line, written `key:secret`. It has no option, "
    "because every process can read a command line.",
    "TIDINGS_SECRET": "The secret of the credential, where TIDINGS_KEY holds its key alone.",
    "TIDINGS_ORG": "The org that commands act for, with the platform's credential, as `--org`.",
    "TIDINGS_PROFILE": "The profile that commands take server and credential from, as `--profile`.",
}


class SettingsRefused(Exception):
    """The settings cannot be used. `problems` holds one sentence for each thing to change."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Secret:
    """A text that no log, error or repr shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class HeaderSecret(Secret):
    """The secret value of a header; it may hold spaces, as `Basic dGls…` does."""

    __slots__ = ()


def _is(must: str, doc: str, **bounds: Any) -> Meta:
    return Meta(description=doc, extra={"must": must}, **bounds)


def _from(low: float, high: int, doc: str) -> Meta:
    return _is(f"a number from {low:,} to {high:,}", doc, ge=low, le=high)


def _port(doc: str) -> Meta:
    return _is("a number from 1 to 65535", doc, ge=1, le=65535)


def _template(what: str) -> Meta:
    return _is(
        "a path with {id}, such as /v1/{orgId}/items/{id}",
        f"Where the platform's API has {what}; not asked where it is absent.",
        pattern=r"^/\S{1,1024}$",
    )


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set, checked. Made once at start; never changes while it runs."""

    data: Annotated[
        Path,
        _is("a directory", "The data directory: store, key and lock. For one process only."),
    ] = Path("tidings-data")
    host: Annotated[
        str,
        _is("a name or an address", "The address to listen on.", pattern=r"^\S{1,253}$"),
    ] = "127.0.0.1"
    port: Annotated[int, _port("The port to listen on.")] = 8080
    dev: Annotated[
        bool,
        _is(
            "true or false",
            "For development: plain http and loopback or private receivers are admitted, and "
            "`/metrics` is open unless one of its settings is set.",
        ),
    ] = False
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
            Secret,
            _is(
                "1 to 256 visible characters",
                "The secret to that key. Take 24 random ones or more.",
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
            Secret,
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
            "Networks whose callers read `/metrics` without a credential. Behind a reverse proxy "
            "name it in `trusted_proxies`: else every call comes from its address.",
        ),
    ] = ()
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
        _from(MIB, 1024 * MIB, "The most bytes of events that lanes hold in memory, together."),
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
        Annotated[Secret, _is("1 to 256 visible characters", "The password of that login.")] | None
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


def meta(name: str) -> Meta:
    """The rule and the description of a setting."""
    found: Meta = HINTS[name].__metadata__[0]
    return found


def must(name: str) -> str:
    """What a value of a setting must be, to be read after "must be"."""
    return str((meta(name).extra or {})["must"])


def _object(kind: type, value: Any) -> Any:
    """Makes what msgspec does not know from its text."""
    if not isinstance(value, str):
        raise ValueError("text is expected")
    if kind is HeaderSecret:
        if not (1 <= len(value) <= 2048 and value.isascii() and value.isprintable()):
            raise ValueError("not a secret")
        return HeaderSecret(value)
    if kind is Secret:
        if not (1 <= len(value) <= 256 and value.isprintable() and " " not in value):
            raise ValueError("not a secret")
        return Secret(value)
    if issubclass(kind, Path):
        if not value or "\0" in value:
            raise ValueError("not a path")
        return Path(value)
    raise ValueError(f"nothing is known of {kind.__name__}")


_ENTRIES: dict[str, Callable[[str], Any]] = {
    "allow": AllowedRange.parse,
    "deny": ipaddress.ip_network,
    "metrics_from": ipaddress.ip_network,
    "trusted_proxies": ipaddress.ip_network,
    "platform_fields": str,
}


def _read(name: str, value: Any, *, as_text: bool) -> Any:
    """One value in its setting's type. ValueError (msgspec's is one) where it does not fit."""
    if name in _ENTRIES:
        entries = value.split(",") if as_text else value
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise ValueError("a list of texts is expected")
        parse = _ENTRIES[name]
        return tuple(parse(entry.strip()) for entry in entries if entry.strip())
    if as_text:
        value = value.strip()
    return msgspec.convert(value, HINTS[name], strict=not as_text, dec_hook=_object)


def _shown(name: str, value: Any) -> str:
    """What came, as an error may show it: never a secret, never a wall of text."""
    if any(word in name for word in ("secret", "password", "token")):
        return f"{len(str(value))} characters that do not fit"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return (text if len(text) <= 60 else text[:60] + "…") or "nothing"


def unknown_names(environ: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each `TIDINGS_…` name that nobody knows; an orchestrator's are passed over."""
    known = [*ENVIRONMENT, *CLIENT_NAMES]
    for name in sorted(written_by_people(environ)):
        if name.upper().startswith(PREFIX) and name not in known:
            yield _unknown(name, known)


def _unknown(name: str, known: list[str], where: str = "") -> str:
    spelt = {one.lower(): one for one in known}
    near = [spelt[one] for one in difflib.get_close_matches(name.lower(), spelt, 1)]
    hint = f" Did you mean {near[0]}?" if near else " docs/settings.md lists them all."
    return f"{name}{where} is not a setting.{hint}"


def _read_file(config: Path, named_by: str) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text("utf-8"))
    except OSError as error:
        raise SettingsRefused(
            [f"{named_by} must name a file that can be read; got {config}: {error.strerror}."]
        ) from error
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise SettingsRefused([f"{config} must be TOML in UTF-8; got {error}."]) from error


Source = tuple[str, Any, str, bool]  # the setting, what came, how the source names it, text or not


def _sources(
    environ: Mapping[str, str], config: Path | None, options: Mapping[str, Any]
) -> Iterator[Source | str]:
    """Every value that was given, weakest source first; a sentence where the name is unknown."""
    environ = written_by_people(environ)
    named_by = "--config"
    if config is None and environ.get("TIDINGS_CONFIG"):
        config, named_by = Path(environ["TIDINGS_CONFIG"]), "TIDINGS_CONFIG"
    if config is not None:
        for name, value in _read_file(config, named_by).items():
            if name in HINTS:
                yield name, value, f"{name} in {config}", False
            else:
                yield _unknown(name, list(HINTS), f" in {config}")
    yield from unknown_names(environ)
    for variable, name in ENVIRONMENT.items():
        if variable in environ:
            yield name, environ[variable], variable, True
    for name, value in options.items():
        if value is not None:
            as_text = not isinstance(value, bool)
            yield name, str(value) if as_text else value, f"--{name.replace('_', '-')}", as_text


def load(
    environ: Mapping[str, str],
    config: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings in force. `options` are the command line's; None there means not given.

    Raises SettingsRefused with everything that has to be changed, not with the first thing only.
    """
    values: dict[str, Any] = {}
    source_of: dict[str, str] = {}
    problems: list[str] = []
    for given in _sources(environ, config, options or {}):
        if isinstance(given, str):
            problems.append(given)
            continue
        name, value, source, as_text = given
        source_of[name] = source
        try:
            values[name] = _read(name, value, as_text=as_text)
        except ValueError:
            problems.append(f"{source} must be {must(name)}; got {_shown(name, value)}.")
    if problems:
        raise SettingsRefused(problems)
    settings = Settings(**values)
    if problems := list(_conflicts(settings, source_of)):
        raise SettingsRefused(problems)
    return settings


def _platform_conflicts(settings: Settings, source_of: Mapping[str, str]) -> Iterator[str]:
    """What cannot be asked of the platform's API as it is set."""
    paths = platform_paths(settings)
    url = settings.platform_url
    for kind, template in paths.items():
        try:
            check_template(template)
        except ValueError as wrong:
            yield f"{source_of[f'platform_{kind}_path']} must be {wrong}; got {template[:60]}."
    try:
        read_map(settings.platform_fields)
    except ValueError as wrong:
        yield f"{source_of['platform_fields']} must be {wrong}; got another entry."
    if url is None:
        for kind in paths:
            source = source_of[f"platform_{kind}_path"]
            yield f"{source} must come with platform_url; got no URL. Set it."
        return
    try:
        target = parse_target(url, allow_http=settings.platform_private)
        check_target(target, Policy(allow_private=settings.platform_private))
    except TargetRefused as refused:
        yield f"{source_of['platform_url']}: {refused} Or set platform_private."
    if not paths:
        yield (
            f"{source_of['platform_url']} must come with a path to ask for; got none. Set "
            "platform_customers_path or another one."
        )


def public_url(settings: Settings) -> str:
    """Where the service is reached: as it is set, else the address and port it listens on."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"http://{host}:{settings.port}"


def host_of(url: str) -> str:
    """The name of a URL's host, in lower case."""
    return urlsplit(url).hostname or ""


def platform_paths(settings: Settings) -> dict[str, str]:
    """The path template of each kind of record that the platform can be asked for."""
    found = {kind: getattr(settings, f"platform_{kind}_path") for kind in ASKED}
    return {kind: template for kind, template in found.items() if template is not None}


def _conflicts(settings: Settings, source_of: Mapping[str, str]) -> Iterator[str]:
    """Values that fit each by itself and not together."""
    yield from _platform_conflicts(settings, source_of)
    key, secret, org = settings.bootstrap_key, settings.bootstrap_secret, settings.bootstrap_org
    given = {"bootstrap_key": key, "bootstrap_secret": secret, "bootstrap_org": org}
    missing = [PREFIX + name.upper() for name, value in given.items() if value is None]
    if missing and (key is not None or secret is not None):
        one = source_of["bootstrap_key" if key is not None else "bootstrap_secret"]
        yield f"{one} must come with {' and '.join(missing)}; got nothing there. Set all three."
    if settings.mail_host is not None and settings.mail_from is None:
        yield (
            "mail_host must come with mail_from, the address that letters come from; got nothing "
            f"there. Set {PREFIX}MAIL_FROM. ({source_of['mail_host']})"
        )
    if (settings.mail_user is None) != (settings.mail_password is None):
        yield "mail_user and mail_password must come together; got one of them. Set both or none."
    token = settings.metrics_token
    if token is not None and len(token.reveal()) < TOKEN_MIN:
        yield (
            f"{source_of['metrics_token']} must be {must('metrics_token')}; got "
            f"{len(token.reveal())}. Take 24 random ones or more."
        )
    if settings.inbox_url is not None:
        own, others = host_of(settings.inbox_url), host_of(public_url(settings))
        if own == others:
            yield (
                f"{source_of['inbox_url']} must name another host than the console's, "
                f"{others}; got the same, and cookies know no ports. Give inboxes a name of "
                "their own, and set public_url to the console's."
            )
    if settings.event_bytes_max > settings.call_bytes_max:
        source = source_of.get("event_bytes_max") or source_of["call_bytes_max"]
        yield (
            f"event_bytes_max must be at most call_bytes_max ({settings.call_bytes_max:,}); got "
            f"{settings.event_bytes_max:,}. Raise call_bytes_max, or lower it. ({source})"
        )
