"""Which service a command speaks to, as whom and for which org.

Strongest first: the options, the profile named by --profile or TIDINGS_PROFILE, the environment
(TIDINGS_URL, TIDINGS_KEY, TIDINGS_SECRET, TIDINGS_ORG), the default profile. A credential goes with
its URL: TIDINGS_URL alone never sends the secret of a profile to another server.
"""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from tidings.cli.exits import CommandExit, Exit
from tidings.cli.profiles import Profile, Profiles, profiles_path, read_profiles

DEFAULT_URL = "http://127.0.0.1:8080"
NO_KEY = (
    "TIDINGS_KEY must be key:secret; got none. `tidings serve` printed it at its first start; "
    "`tidings login` keeps it."
)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Where:
    """The options that every command takes which speaks to a service."""

    url: str | None = None
    """Where the service is. Default: TIDINGS_URL, the profile's, http://127.0.0.1:8080."""

    profile: str | None = None
    """The server and credential of this name (`tidings profiles`)."""

    org: int | None = None
    """The org to act for, with the platform's credential. Default: the credential's own."""

    json: Annotated[bool, Parameter(negative=())] = False
    """Print NDJSON instead of tables."""

    def again(self, command: str) -> str:
        """Return the options that a command to be copied needs, to be for the same service and org.

        Variables of the environment are there for it too. An option that it has stays.
        """
        given = (("--url", self.url), ("--profile", self.profile), ("--org", self.org))
        words = [
            f" {option} {shlex.quote(str(value))}"
            for option, value in given
            if value is not None and f" {option} " not in command
        ]
        return "".join(words)


HERE = Where()


@dataclass(frozen=True)
class ServiceAddress:
    """A service, and who calls it. `key` is `key:secret` and never printed."""

    url: str
    key: str
    org: int | None
    named_by: str  # "TIDINGS_KEY", or the profile's name in quotes
    profile: str = ""  # its name, where the credential is a profile's


def server(where: Where, environ: Mapping[str, str] | None = None) -> ServiceAddress:
    """Return the service that the options, the environment and the profiles amount to. Raise
    CommandExit where they name none."""
    environ = os.environ if environ is None else environ
    check_names(environ)
    profiles = read_profiles(profiles_path(environ))
    return choose(where, environ, profiles)


def check_names(environ: Mapping[str, str]) -> None:
    """Raise CommandExit where a variable that begins with TIDINGS_ is none of ours."""
    from tidings.settings.load import unknown_names  # noqa: PLC0415  # slow, and help needs it not

    if problems := list(unknown_names(environ)):
        raise CommandExit("\n".join(problems), Exit.USAGE)


def choose(where: Where, environ: Mapping[str, str], profiles: Profiles) -> ServiceAddress:
    """Choose the service over what was read, as `server` does. Pure."""
    named = where.profile or environ.get("TIDINGS_PROFILE")
    key = environ.get("TIDINGS_KEY", "")
    if not named and key:
        org = where.org if where.org is not None else _org(environ.get("TIDINGS_ORG"))
        url = where.url or environ.get("TIDINGS_URL") or DEFAULT_URL
        return ServiceAddress(
            url, _whole(key, environ.get("TIDINGS_SECRET", "")), org, named_by="TIDINGS_KEY"
        )
    name = named or profiles.default
    if not name:
        raise CommandExit(NO_KEY, Exit.USAGE)
    profile = profiles.get(name)
    if not where.profile and not where.url:
        _must_fit(environ.get("TIDINGS_URL"), profile, name)
    org = where.org
    if org is None:
        org = _org(environ.get("TIDINGS_ORG")) if not where.profile else None
    return ServiceAddress(
        where.url or profile.url,
        f"{profile.key}:{profile.secret}",
        profile.org if org is None else org,
        named_by=f'profile "{name}"',
        profile=name,
    )


def _whole(key: str, secret: str) -> str:
    """`key:secret`, from one variable or two."""
    if ":" in key:
        return key
    if secret:
        return f"{key}:{secret}"
    raise CommandExit(
        "TIDINGS_KEY must be key:secret; got a key alone. Write both, or the secret in "
        "TIDINGS_SECRET.",
        Exit.USAGE,
    )


def _org(text: str | None) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 16:
        return int(text)
    raise CommandExit(
        f"TIDINGS_ORG must be the number of an org; got {text[:40]}. Write it like 2001.",
        Exit.USAGE,
    )


def _must_fit(url: str | None, profile: Profile, name: str) -> None:
    if url and url.rstrip("/") != profile.url.rstrip("/"):
        raise CommandExit(
            f"TIDINGS_URL must go with TIDINGS_KEY; got it alone, and the profile {name} is of "
            f"{profile.url}. Unset it, or name the profile with --profile.",
            Exit.USAGE,
        )
