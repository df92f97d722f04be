"""`tidings login` and `tidings profiles`: servers and credentials that are kept under a name."""

import getpass
import os
import sys
from dataclasses import replace
from typing import Annotated, Any

from cyclopts import App, Parameter

from tidings.cli.calls import ApiClient
from tidings.cli.exits import CommandExit, Exit, next_step, say
from tidings.cli.output import how_many, number, print_line, print_lines, print_table
from tidings.cli.profiles import (
    Profile,
    Profiles,
    check_name,
    profiles_path,
    read_profiles,
    write_profiles,
)
from tidings.cli.where import DEFAULT_URL, ServiceAddress, check_names

app = App(name="profiles", help="Saved servers and credentials.")
SECRET_MAX = 4096
Json = Annotated[bool, Parameter(negative=())]


def login(
    name: str = "default",
    /,
    *,
    url: str | None = None,
    key: str | None = None,
    org: int | None = None,
    json: Json = False,
) -> int:
    """Save a server and a credential as a profile, and make it the default.

    The secret is asked for on the terminal, or read from stdin: it has no option, because every
    process can read a command line.

    Parameters
    ----------
    name
        The profile's name.
    url
        Where the service is. Default: TIDINGS_URL, http://127.0.0.1:8080.
    key
        The credential's key. Default: asked for; or stdin holds key:secret.
    org
        The org to act for, with the platform's credential.
    json
        Print the profile as NDJSON, without its secret.
    """
    check_names(os.environ)
    check_name(name)
    key, secret = _credential(key)
    profile = Profile(url or os.environ.get("TIDINGS_URL") or DEFAULT_URL, key, secret, org=org)
    _must_be_known(profile, name)
    path = profiles_path(os.environ)
    profiles = read_profiles(path)
    profiles.by_name[name] = profile
    profiles.default = name
    write_profiles(path, profiles)
    if json:
        print_line({"name": name, "url": profile.url, "key": key, "org": org, "default": True})
    say(f"{name} is kept in {path}, readable by you alone.")
    next_step(f"tidings doctor --profile {name}")
    return Exit.OK


def _credential(key: str | None) -> tuple[str, str]:
    if sys.stdin.isatty():
        key = key or _line("Key: ")
        secret = getpass.getpass("Secret: ", stream=sys.stderr)
    else:
        text = sys.stdin.readline(SECRET_MAX).strip()
        if key is None:
            key, _, secret = text.partition(":")
        else:
            secret = text.removeprefix(f"{key}:")
    if key and ":" not in key and secret and (key + secret).isprintable():
        return key, secret
    raise CommandExit(
        "The credential must be a key and a secret; got one of them, or none. Write it to stdin as "
        "key:secret, or run this on a terminal.",
        Exit.USAGE,
    )


def _line(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline(SECRET_MAX).strip()


def _must_be_known(profile: Profile, name: str) -> None:
    """Nothing is kept that the service does not know. 403 is known: other calls may be allowed."""
    at = ServiceAddress(
        profile.url, f"{profile.key}:{profile.secret}", profile.org, named_by=f'profile "{name}"'
    )
    api = ApiClient(at)
    status, _ = api.ask("GET", "/v3/webHooks")
    if status == 401:
        raise CommandExit(
            "The key and secret must be those of a credential; the service does not know them. "
            "Check both; nothing was saved.",
            Exit.REFUSED,
        )
    if status not in (200, 403, 429):
        raise CommandExit(
            f"{profile.url} must be a running Tidings; its answer was {status}. Check --url; "
            "nothing was saved.",
            Exit.FAILED if status >= 500 else Exit.REFUSED,
        )


@app.command(name="list")
def list_all(*, json: Json = False) -> int:
    """List the profiles; never a secret.

    Parameters
    ----------
    json
        Print NDJSON.
    """
    profiles = read_profiles(profiles_path(os.environ))
    found = sorted(profiles.by_name.items())
    if json:
        print_lines(_shown(profiles, name) for name, _ in found)
    elif found:
        print_table(
            ("", "Name", "URL", "Key", "Org"),
            [
                (
                    "*" if name == profiles.default else "",
                    name,
                    profile.url,
                    profile.key,
                    "" if profile.org is None else number(profile.org),
                )
                for name, profile in found
            ],
        )
    say(how_many(len(found), "profile") if found else "There is no profile.")
    next_step(f"tidings doctor --profile {found[0][0]}" if found else "tidings login")
    return Exit.OK


def _shown(profiles: Profiles, name: str) -> dict[str, Any]:
    """Return a profile as programs get it, without its secret."""
    profile = profiles.by_name[name]
    return {
        "name": name,
        "url": profile.url,
        "key": profile.key,
        "org": profile.org,
        "default": name == profiles.default,
    }


app.default(list_all)


@app.command
def use(name: str, /, *, org: int | None = None, json: Json = False) -> int:
    """Make a profile the default.

    Parameters
    ----------
    name
        The profile's name.
    org
        The org that it acts for from now on.
    json
        Print the profile as NDJSON, without its secret.
    """
    path = profiles_path(os.environ)
    profiles = read_profiles(path)
    profile = profiles.get(name, "NAME")
    if org is not None:
        profiles.by_name[name] = replace(profile, org=org)
    profiles.default = name
    write_profiles(path, profiles)
    if json:
        print_line(_shown(profiles, name))
    say(f"{name} ({profile.url}) is the default.")
    next_step(f"tidings doctor --profile {name}")
    return Exit.OK


@app.command
def delete(name: str, /, *, json: Json = False) -> int:
    """Delete a profile. Its credential stays valid; revoke it if it is not needed.

    Parameters
    ----------
    name
        The profile's name.
    json
        Print what was deleted as NDJSON, without its secret.
    """
    path = profiles_path(os.environ)
    profiles = read_profiles(path)
    profiles.get(name, "NAME")
    shown = _shown(profiles, name) | {"deleted": True}
    del profiles.by_name[name]
    if profiles.default == name:
        profiles.default = ""
    write_profiles(path, profiles)
    if json:
        print_line(shown)
    say(f"{name} is deleted. Its credential stays in force.")
    next_step("tidings profiles")
    return Exit.OK
