"""Where a PostgreSQL database is, as libpq takes it: a URI of which no password is shown.

What libpq would read in another way than its author meant is refused here: its errors repeat what
it takes for a host or a port, and that would be the rest of a password with an `@` or `/` in it.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

TEXT_MAX = 2048
# Of the parameters in the query, those that nobody but their owner may see.
SECRET_PARAMETERS = frozenset(
    ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
)
_URI = re.compile(
    r"""(?P<scheme>postgres(?:ql)?)://
    (?:(?P<user>[^:@/?\#]*)(?::(?P<password>[^:@/?\#]*))?@)?
    (?P<hosts>(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]:@/?\#,]*)(?::\d{0,5})?
        (?:,(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]:@/?\#,]*)(?::\d{0,5})?)*)
    (?P<path>/[^@/?\#]*)?
    (?:\?(?P<query>[^\#]*))?""",
    re.VERBOSE,
)

# As it stands in the map in front of a schema.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_ODD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")


class DatabaseUri:
    """A URI of PostgreSQL. No log, error or repr shows a password in it."""

    __slots__ = ("_match",)

    def __init__(self, text: str) -> None:
        """Raise ValueError where it is none that libpq reads as it is written."""
        plain = text.isprintable() and " " not in text and not _ODD_PERCENT.search(text)
        match = _URI.fullmatch(text) if plain else None
        if match is None or len(text) > TEXT_MAX:
            raise ValueError("not a URI of PostgreSQL")
        self._match = match

    def reveal(self) -> str:
        """Return the URI itself, for libpq."""
        return self._match.string

    @property
    def has_password(self) -> bool:
        """Return whether a password, or another secret, is in it."""
        names = {name for name, _ in parse_qsl(self._match["query"] or "")}
        return bool(self._match["password"] or names & SECRET_PARAMETERS)

    def describe(self) -> str:
        """Return the URI without passwords and parameters, for people."""
        scheme, user, hosts, path = self._match.group("scheme", "user", "hosts", "path")
        return f"{scheme}://{f'{user}@' if user else ''}{hosts}{path or ''}"

    def __repr__(self) -> str:
        """Show no password."""
        return f"DatabaseUri({self.describe()})"

    def __reduce__(self) -> tuple[type["DatabaseUri"], tuple[str]]:
        """Return how another process makes it again."""
        return DatabaseUri, (self._match.string,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatabaseUri) and other.reveal() == self.reveal()

    def __hash__(self) -> int:
        return hash(self._match.string)


class NamedDatabases:
    """Further databases, by the names under which a map of cells knows them. No log, error or repr
    shows a password in one."""

    __slots__ = ("_uris",)

    def __init__(self, uris: Mapping[str, str]) -> None:
        """Raise ValueError where a name or a URI does not fit."""
        for name, uri in uris.items():
            if not _NAME.fullmatch(name) or not isinstance(uri, str):
                raise ValueError("not a name and the URI of a database")
        self._uris = {name: DatabaseUri(uris[name]) for name in sorted(uris)}

    @classmethod
    def read(cls, text: str) -> "NamedDatabases":
        """Read `name=URI` of each, with white space between. Raise ValueError."""
        pairs = [part.partition("=")[::2] for part in text.split()]
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a name twice")
        return cls(dict(pairs))

    def find(self, name: str) -> DatabaseUri | None:
        """Return the database of a name, or None."""
        return self._uris.get(name)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in order."""
        return iter(self._uris)

    def __repr__(self) -> str:
        """Show no password."""
        return f"NamedDatabases({self._uris})"

    def __reduce__(self) -> tuple[type["NamedDatabases"], tuple[dict[str, str]]]:
        """Return how another process makes it again."""
        return NamedDatabases, ({name: uri.reveal() for name, uri in self._uris.items()},)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NamedDatabases) and other._uris == self._uris

    def __hash__(self) -> int:
        return hash(tuple(self._uris.items()))
