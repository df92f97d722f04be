"""Writes docs/settings.md from the settings: `python -m tools.settings_page`."""

import msgspec

from tidings.settings.client_names import CLIENT_NAMES
from tidings.settings.database_uri import NamedDatabases
from tidings.settings.settings import HINTS, PREFIX, Settings, meta, must

HEAD = """\
# Settings

This page is made from the code (`make docs`); a test holds it current.

Each setting has one name in three spellings: `port` in the settings file (TOML, named by
`--config` or `TIDINGS_CONFIG`), `TIDINGS_PORT` in the environment and, where there is one, `--port`
on the command line. Later sources win: default, file, environment, command line. A name that is not
on this page is refused at the start, in the file and for every variable beginning with `TIDINGS_`.

```toml
# tidings.toml
data = "/var/lib/tidings"
port = 8080
allow = ["10.1.0.0/16:8443"]
```

In the environment a list is separated by commas: `TIDINGS_ALLOW=10.1.0.0/16:8443,10.2.0.0/16:443`.

What Kubernetes sets by itself for a service called `tidings` or `tidings-…` is passed over:
`TIDINGS_SERVICE_HOST`, `TIDINGS_SERVICE_PORT`, `TIDINGS_PORT=tcp://10.0.0.1:8080` and those that
begin with `TIDINGS_PORT_8080_TCP`. `serve` names them in one line. `TIDINGS_PORT=9000` in the pod's
own `env` is the setting.
"""

FOOT = """\
## If it did not work

- `… is not a setting`: the name is misspelt, or it belongs to another version. The nearest known
  name is suggested. Take other variables that begin with `TIDINGS_` out of the environment.
- `… must be …; got …`: the message begins with the source (a variable, an option, or a name and its
  file). When the value looks right, look for a stronger source that overrides it.
- A variable without effect: an option on the command line is stronger.
"""

OPTIONS = frozenset({"data", "database", "host", "port", "dev"})


def _default(name: str) -> str:
    field = next(field for field in msgspec.structs.fields(Settings) if field.name == name)
    value = field.default
    if value is None:
        return "not set"
    if value == () or value == NamedDatabases({}):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:,}`" if isinstance(value, int) and name != "port" else f"`{value}`"


def _section(name: str) -> list[str]:
    option = f" · `--{name}`" if name in OPTIONS else ""
    return [
        f"### {name}",
        "",
        meta(name).description or "",
        f"It must be {must(name)}. Default: {_default(name)}.",
        "",
        f"`{PREFIX}{name.upper()}`{option}",
        "",
    ]


def page() -> str:
    """The whole page."""
    lines = [HEAD, "## The service", ""]
    for name in HINTS:
        lines += _section(name)
    lines += ["## Other variables", ""]
    for name, text in CLIENT_NAMES.items():
        lines += [f"### {name}", "", text, ""]
    return "\n".join([*lines, FOOT])


if __name__ == "__main__":
    print(page(), end="")
