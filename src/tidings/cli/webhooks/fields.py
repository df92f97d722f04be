"""Fields of a webhook as they are written on a command line."""

import json
from typing import Any

from tidings.cli.calls import Calls
from tidings.cli.exits import Exit, Stop, say
from tidings.cli.output import clean


def names(said: str) -> list[str]:
    """Names with commas."""
    return [one.strip() for one in said.split(",") if one.strip()]


def headers(lines: list[str]) -> dict[str, str]:
    """`Name: value` lines. Stop for anything else."""
    found = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise Stop(
                f'--header must be "Name: value"; got {clean(line[:20])}…. Put it in quotes.',
                Exit.USAGE,
            )
        found[name.strip()] = value.strip()
    return found


def read_json(option: str, said: str) -> Any:
    """JSON of an option; a bare word is a text. Stop for JSON that does not end."""
    try:
        return json.loads(said)
    except json.JSONDecodeError as error:
        if said[:1] in '{["':
            at = f"; it breaks off at character {error.pos + 1}" if error.pos else ""
            raise Stop(
                f"{option} must be JSON; got {clean(said[:60])}{at}. Put names and texts in double "
                "quotes, and the whole in single ones.",
                Exit.USAGE,
            ) from None
        return said


def changed(
    api: Calls, method: str, path: str, body: Any = None, if_match: str | None = None
) -> dict[str, Any]:
    """The webhook that a call has changed; its warnings are told. Stop where it was refused."""
    status, answer = api.ask(method, path, body, if_match=if_match)
    if status >= 300 or not isinstance(answer, dict):
        raise api.refused(path, status, answer)
    for one in answer.get("warnings") or ():
        say(clean(one["message"]))
    data: dict[str, Any] = answer["data"]
    return data
