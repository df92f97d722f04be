"""`tidings credentials`: who may call for an org, and what each may do."""

import re
from typing import Annotated, Any

from cyclopts import App, Parameter

from tidings.cli.calls import ApiClient, calls, part
from tidings.cli.exits import CommandExit, Exit, next_step, say
from tidings.cli.options.command import ParsedOptions, with_flags
from tidings.cli.options.declared import DeclaredOption, Written, flags
from tidings.cli.output import (
    confirm,
    how_many,
    moment,
    print_facts,
    print_line,
    print_lines,
    print_list,
    word,
)
from tidings.cli.where import HERE, Where
from tidings.list_columns import CREDENTIALS

app = App(name="credentials", help="Credentials: who may call the API, with which scopes.")
app.command("tidings.cli.credentials:create", name="create")
_NO_PROFILE = re.compile(r"[^A-Za-z0-9_-]+")


def _new() -> tuple[DeclaredOption, ...]:
    from tidings.core.access.credential_rules import CREDENTIAL

    about = (
        "What it may do, as resource:level: events:write, logs:read. May be given several times."
    )
    written = {
        "name": Written(("name",), needed=True),
        "scopes": Written(("--scope",), list[str], _scopes, about=about),
        "expiresAt": Written(("--expires",)),
    }
    return flags(CREDENTIAL, written, new=True, first=("name",), but=("password",))


def _scopes(option: str, levels: list[str]) -> dict[str, str]:
    from tidings.core.access.scopes import LEVELS, RESOURCES

    found = {}
    for scope in (single.strip() for many in levels for single in many.split(",")):
        resource, colon, level = scope.partition(":")
        if not colon or resource not in RESOURCES or level not in LEVELS:
            raise CommandExit(
                f"{option} must be one of {', '.join(RESOURCES)}, a colon, and read or write; got "
                f"{scope[:40]}. Write events:write.",
                Exit.USAGE,
            )
        found[resource] = level
    return found


def _path(api: ApiClient) -> str:
    """Of the credentials of the org that is acted for."""
    return f"/v1/orgs/{api.org()}/credentials"


@app.command(name="list")
def list_all(*, all: Annotated[bool, Parameter(negative=())] = False, where: Where = HERE) -> int:
    """List the credentials of the org; never a secret.

    Parameters
    ----------
    all
        Revoked ones too.
    """
    api = calls(where)
    found = api.get(_path(api))["credentials"]
    found = [credential for credential in found if all or credential["revokedAt"] is None]
    if where.json:
        print_lines(found)
    elif found:
        print_list(
            CREDENTIALS.shell,
            found,
            kind=lambda credential: "revoked" if credential["revokedAt"] else credential["kind"],
            scopes=lambda credential: describe_scopes(credential["scopes"]),
        )
    say(how_many(len(found), "credential") if found else "The org has no credentials.")
    api.next_step("tidings credentials create reader --scope logs:read")
    return Exit.OK


def describe_scopes(levels: dict[str, str]) -> str:
    """Describe in a few words what a credential may do."""
    if all(level == "write" for level in levels.values()):
        return "everything"
    held = {name: level for name, level in levels.items() if level != "none"}
    return ", ".join(f"{name}:{level}" for name, level in held.items()) or "nothing"


def show_credential(api: ApiClient, key: str, as_json: bool) -> int:
    """Print a credential without its secret; the exit code."""
    found = api.get(f"{_path(api)}/{part(key)}")
    if as_json:
        print_line(found)
    else:
        print_facts(
            [
                ("key", found["id"]),
                ("name", found["name"]),
                ("kind", found["kind"]),
                ("may", describe_scopes(found["scopes"])),
                ("made", moment(found["createdAt"])),
                ("by", found["createdBy"]),
                ("last used", moment(found["lastUsedAt"])),
                ("expires", moment(found["expiresAt"])),
                ("revoked", moment(found["revokedAt"])),
            ]
        )
    api.next_step("tidings credentials list")
    return Exit.OK


@app.command
def show(key: str, /, *, where: Where = HERE) -> int:
    """Show a credential, without its secret.

    Parameters
    ----------
    key
        The credential's key.
    """
    return show_credential(calls(where), key, where.json)


@with_flags(_new)
def create(parsed: ParsedOptions, /, *, where: Where = HERE) -> int:
    """Create a credential. Its secret is printed only once."""
    api = calls(where)
    made = api.send("POST", _path(api), parsed.body)
    _show_secret(made, where.json)
    if made["kind"] == "key":
        profile = _NO_PROFILE.sub("-", made["name"]).strip("-")[:64] or "default"
        next_step(f"tidings login {profile} --url {api.server.url} --key {word(made['id'])}")
    else:  # a till and an OAuth client sign in elsewhere
        api.next_step(f"tidings credentials show {word(made['id'])}")
    return Exit.OK


def _show_secret(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_line(made)
    else:
        print_facts(
            [
                ("name", made["name"]),
                ("key", made["id"]),
                ("secret", made["secret"]),
                ("may", describe_scopes(made["scopes"])),
                ("expires", moment(made["expiresAt"])),
                ("old one until", moment(made["oldSecretUntil"])),
            ]
        )
    say("The secret is shown only once; save it now.")


@app.command
def rotate(key: str, /, *, overlap_hours: float = 24, where: Where = HERE) -> int:
    """Give a credential a new secret. It is printed only once.

    Parameters
    ----------
    key
        The credential's key.
    overlap_hours
        How long the old secret is taken too; 0 ends it at once.
    """
    api = calls(where)
    path = f"{_path(api)}/{part(key)}/rotate"
    made = api.send("POST", path, {"overlapInHours": overlap_hours})
    _show_secret(made, where.json)
    api.next_step("tidings credentials list")
    return Exit.OK


@app.command
def revoke(
    key: str, /, *, yes: Annotated[bool, Parameter(negative=())] = False, where: Where = HERE
) -> int:
    """Revoke a credential permanently, at once.

    Parameters
    ----------
    key
        The credential's key.
    yes
        Do not ask.
    """
    api = calls(where)
    path = f"{_path(api)}/{part(key)}"
    found = api.get(path)
    confirm(yes, f"Revoke {found['name']} ({found['id']}) for good?")
    gone = api.send("DELETE", path)
    if where.json:
        print_line(gone)
    say(f"{gone['name']} is revoked, along with its tokens and sessions.")
    api.next_step("tidings credentials list --all")
    return Exit.OK
