"""What a file of actions may say, and hardly anybody means: told as a warning. Pure."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tidings.core.actions.action import EVENT, Action, ActionLookup
from tidings.core.actions.file.table import Table, View
from tidings.core.actions.file.toml_places import Path
from tidings.core.actions.questions import paths_of
from tidings.core.connections.connection import Connection
from tidings.values import describe_value

# A reference is a whole text: `${NAME}`. In a longer one, or without its braces, it stays as it is.
_LIKE_REFERENCE = re.compile(r"\$\{[^}\n]{0,80}\}?|\A\$[A-Za-z_][A-Za-z0-9_]*\Z")
_PROVES = frozenset(
    "authorization proxy-authorization cookie x-api-key api-key x-auth-token".split()
)
PLAINTEXT = "plaintext"


def warn_of_texts(table: Table, lookups: tuple[str, ...]) -> None:
    """Warn of texts that look like a variable, or like a template, and are neither."""
    roots = "|".join(map(re.escape, (EVENT, *lookups)))
    like_template = re.compile(rf"(?<!\{{)\{{ *(?:{roots})\.[\w.\[\]]+ *\}}(?!\}})")
    for path, text in _texts(table.body, ()):
        if table.faults.is_reference(path):
            continue
        if found := _LIKE_REFERENCE.search(text):
            table.faults.warn(
                "like_reference",
                path,
                "A variable should be a whole text, such as ${SHOP_KEY}, of letters, digits and "
                "_; got "
                f"{describe_value(found[0])}, which is left as written. Put the whole text into "
                "the variable, or into a file.",
            )
        elif found := like_template.search(text):
            table.faults.warn(
                "like_template",
                path,
                f"A value should be in double braces, such as {{{{ event.eventId }}}}; got "
                f"{describe_value(found[0])}, which is left as written. Double the braces.",
            )


def warn_of_proof(table: Table, header: str) -> None:
    """Warn of a header that proves who we are, and stands in the file as it is."""
    if header.lower() in _PROVES and not table.is_reference(header):
        table.warn(
            "literal_proof",
            header,
            f"{header} should come from a credential, whose secret is read from elsewhere; got a "
            "text in the file, which is stored and shown with each call. Declare "
            "[credentials.NAME] and name it.",
        )


def warn_of_plaintext(table: Table, connection: Connection | None) -> None:
    """Warn of mails that go over a foreign network as anybody can read them."""
    if connection is None or connection.fields.get("security") != PLAINTEXT:
        return
    host = str(connection.fields.get("host", ""))
    if _is_near(host):
        return
    table.warn(
        "plaintext_mail",
        "connection",
        f"connection should lead to a mail server over TLS; got {connection.name}, of which "
        f"security is {PLAINTEXT} and whose host {describe_value(host)} is elsewhere: anyone on "
        'the network path can read the mails and the login. Write security = "starttls" or "tls".',
    )


def warn_of_lost_lookups(
    tables: Mapping[str, Table], actions: Mapping[str, Action], kinds: Mapping[str, View]
) -> None:
    """Warn of look-ups by paths at which no event that they are asked for has anything. `kinds`:
    what each action sees."""
    asked: dict[str, tuple[ActionLookup, list[str]]] = {}
    for name, action in actions.items():
        for lookup in action.lookups:
            asked.setdefault(lookup.name, (lookup, []))[1].append(name)
    for lookup, names in asked.values():
        for value, paths in paths_of(lookup).items():
            for at, path in enumerate(paths):
                if all(kinds[name].is_lost(path) for name in names):
                    field = value if value == "by" else f"values.{value}"
                    many = f"[{at}]" if lookup.others.get(value) else ""
                    types = ", ".join(kind.name for kind in kinds[names[0]].kinds[:3])
                    tables[names[0]].faults.warn(
                        "unknown_path",
                        ("lookups", lookup.name, *tables[names[0]].steps(field + many)),
                        f"{field} should be a field of events of the actions' types ({types}); got "
                        f"{describe_value(path)}, which none has, so that it never finds anything. "
                        "Check it against `tidings events schema "
                        f"{kinds[names[0]].kinds[0].name}`.",
                    )
            for name in names:
                lost = all(kinds[name].is_lost(path) for path in paths)
                if lost and not all(kinds[other].is_lost(paths[0]) for other in names):
                    types = ", ".join(kind.name for kind in kinds[name].kinds[:3])
                    tables[name].warn(
                        "unknown_path",
                        "lookups",
                        f"lookups should name what can be asked for the action's events ({types}); "
                        f"got {lookup.name}, which is asked by {describe_value(paths[0])}, and "
                        "none of them "
                        "has that. Add a path to it, or write another look-up.",
                    )


def _is_near(host: str) -> bool:
    """Tell whether a host is this machine, or one of its own network."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return "." not in host or host.lower().endswith((".localhost", ".internal", ".local"))
    return address.is_private or address.is_loopback


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _texts(inner, (*path, at))
