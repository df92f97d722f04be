"""Profiles: a name for a server and the credential for it, in one file that its owner alone reads.

`~/.config/tidings/profiles.toml`, or below XDG_CONFIG_HOME. It holds secrets: it is written with
mode 0600, and refused where others can read it.
"""

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidings.cli.exits import CommandExit, Exit

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
BYTES_MAX = 1 << 20


@dataclass(frozen=True)
class Profile:
    """A server, and who calls it. Its secret is left out wherever it is printed."""

    url: str
    key: str
    secret: str = field(repr=False)
    org: int | None = None


@dataclass
class Profiles:
    """All profiles, and the one that is taken where none is named."""

    by_name: dict[str, Profile] = field(default_factory=dict)
    default: str = ""

    def get(self, name: str, option: str = "--profile") -> Profile:
        """Return the profile of a name. Raise CommandExit where there is none; `option`: where the
        name was given."""
        if (found := self.by_name.get(name)) is None:
            known = ", ".join(sorted(self.by_name)) or "none"
            raise CommandExit(
                f"{option} must be one of the profiles ({known}); got {name[:64]}. Make it with "
                f"`tidings login {name if NAME.fullmatch(name) else 'NAME'}`.",
                Exit.USAGE if option.startswith("-") else Exit.NOT_FOUND,
            )
        return found


def profiles_path(environ: Mapping[str, str]) -> Path:
    """Return the path of the file of profiles."""
    base = environ.get("XDG_CONFIG_HOME") or ""
    folder = Path(base) if base.startswith("/") else Path.home() / ".config"
    return folder / "tidings" / "profiles.toml"


def check_name(name: str) -> str:
    """Return the name of a profile, if it can be one. Raise CommandExit otherwise."""
    if NAME.fullmatch(name):
        return name
    raise CommandExit(
        f"NAME must be 1 to 64 letters, digits, - and _; got {name[:64] or 'nothing'}. "
        "Write local, or production.",
        Exit.USAGE,
    )


def read_profiles(path: Path) -> Profiles:
    """Read the file of profiles; empty where there is none. Raise CommandExit where it cannot
    be used."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(BYTES_MAX)
    except FileNotFoundError:
        return Profiles()
    except OSError as error:
        raise CommandExit(
            f"{path} must be readable; got: {error.strerror}. Make it yours, or set TIDINGS_KEY "
            "and TIDINGS_URL instead.",
            Exit.USAGE,
        ) from None
    if mode & 0o077:
        raise CommandExit(
            f"{path} must be readable only by you, because it contains secrets; got mode {mode:o}. "
            f"Run: chmod 600 {path}",
            Exit.USAGE,
        )
    try:
        import tomllib

        return _read(tomllib.loads(content.decode()))
    except (ValueError, TypeError, KeyError) as error:
        raise CommandExit(
            f"{path} must be TOML as `tidings login` writes it; got {error}. Correct it, or delete "
            "it and log in again.",
            Exit.USAGE,
        ) from None


def _read(document: dict[str, Any]) -> Profiles:
    found = Profiles()
    for name, value in document.get("profiles", {}).items():
        url, key, secret = value["url"], value["key"], value["secret"]
        org = value.get("org")
        if not all(isinstance(field, str) for field in (url, key, secret)):
            raise ValueError(f"a url, key or secret of {name} that is no text")
        if org is not None and (not isinstance(org, int) or isinstance(org, bool)):
            raise ValueError(f"an org of {name} that is no number")
        found.by_name[name] = Profile(url, key, secret, org=org)
    default = document.get("default", "")
    found.default = default if default in found.by_name else ""
    return found


def write_profiles(path: Path, profiles: Profiles) -> None:
    """Replace the file, with mode 0600. Raise CommandExit where it cannot be written."""
    lines = [f"default = {_text(profiles.default)}"] if profiles.default else []
    for name, profile in sorted(profiles.by_name.items()):
        lines += ["", f"[profiles.{name}]", f"url = {_text(profile.url)}"]
        lines += [f"key = {_text(profile.key)}", f"secret = {_text(profile.secret)}"]
        lines += [f"org = {profile.org}"] if profile.org is not None else []
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        import tempfile

        number, temporary = tempfile.mkstemp(dir=path.parent, prefix=".profiles-")  # mode 0600
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write("\n".join(lines).lstrip("\n") + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CommandExit(
            f"{path} must be writable; got: {error.strerror}. Check who owns its directory, and "
            "its space.",
            Exit.FAILED,
        ) from None


def _text(value: str) -> str:
    """A basic string of TOML: JSON's, with DEL escaped too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
