"""The settings in force: read from every source, and refused where one of them does not fit."""

import difflib
import ipaddress
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tidings.egress.policy import AllowedRange
from tidings.errors import Unusable
from tidings.service_links import written_by_people
from tidings.settings.client_names import CLIENT_NAMES
from tidings.settings.conflicts import conflicts
from tidings.settings.database_uri import DatabaseUri, NamedDatabases
from tidings.settings.secret_text import HeaderSecret, SecretText
from tidings.settings.settings import (
    ENVIRONMENT,
    HINTS,
    PREFIX,
    SECRETS,
    Settings,
    must,
)

OPTION_OF_DATABASE = "--database"


class SettingsRefused(Unusable):
    """The settings cannot be used. `problems` holds one sentence for each thing to change."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _object(kind: type, value: Any) -> Any:
    """Make what msgspec does not know from its text. Raise ValueError if it does not fit."""
    if kind is NamedDatabases:
        return NamedDatabases(value) if isinstance(value, dict) else NamedDatabases.read(value)
    if not isinstance(value, str):
        raise ValueError("text is expected")
    if kind is HeaderSecret:
        if not (1 <= len(value) <= 2048 and value.isascii() and value.isprintable()):
            raise ValueError("not a secret")
        return HeaderSecret(value)
    if kind is SecretText:
        if not (1 <= len(value) <= 256 and value.isprintable() and " " not in value):
            raise ValueError("not a secret")
        return SecretText(value)
    if kind is DatabaseUri:
        return DatabaseUri(value)
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
    """Read one value in its setting's type. Raise ValueError (msgspec's is one) if it does not
    fit."""
    if name in _ENTRIES:
        entries = value.split(",") if as_text else value
        if not isinstance(entries, list) or not all(isinstance(part, str) for part in entries):
            raise ValueError("a list of texts is expected")
        parse = _ENTRIES[name]
        return tuple(parse(part.strip()) for part in entries if part.strip())
    if as_text:
        value = value.strip()
    return msgspec.convert(value, HINTS[name], strict=not as_text, dec_hook=_object)


def _shown(name: str, value: Any) -> str:
    """Describe what came, as an error may show it: never a secret, never a wall of text."""
    if name in SECRETS:
        return f"{len(str(value))} characters that do not fit"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return (text if len(text) <= 60 else text[:60] + "…") or "nothing"


def unknown_names(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each `TIDINGS_…` name that nobody knows; an orchestrator's are passed
    over."""
    known = [*ENVIRONMENT, *CLIENT_NAMES]
    for name in sorted(written_by_people(environ)):
        if name.upper().startswith(PREFIX) and name not in known:
            yield _unknown(name, known)


def _unknown(name: str, known: list[str], where: str = "") -> str:
    spelt = {name.lower(): name for name in known}
    near = [spelt[match] for match in difflib.get_close_matches(name.lower(), spelt, 1)]
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
    """Yield every value that was given, weakest source first; a sentence where the name is
    unknown."""
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
    """Read the settings in force. `options` are the command line's; None there means not given.

    Raise SettingsRefused with everything that has to be changed, not with the first thing only.
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
            continue
        if source == OPTION_OF_DATABASE and values[name].has_password:
            problems.append(
                f"{source} must hold no password, for every process can read a command line; got "
                f"one. Write it in {PREFIX}DATABASE, in the settings file, or in ~/.pgpass, and "
                "change it: it may have been seen."
            )
    if problems:
        raise SettingsRefused(problems)
    settings = Settings(**values)
    if problems := list(conflicts(settings, source_of)):
        raise SettingsRefused(problems)
    return settings
