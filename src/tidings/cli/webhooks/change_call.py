"""A call that changes a webhook: its warnings are told, and a refusal ends the command."""

from typing import Any

from tidings.cli.calls import ApiClient
from tidings.cli.exits import say
from tidings.cli.output import clean


def changed(
    api: ApiClient, method: str, path: str, body: Any = None, if_match: str | None = None
) -> dict[str, Any]:
    """Send a call that changes a webhook. Return the webhook, and print the warnings. Raise
    CommandExit where it was refused."""
    status, answer = api.ask(method, path, body, if_match=if_match)
    if status >= 300 or not isinstance(answer, dict):
        raise api.refused(path, status, answer)
    for warning in answer.get("warnings") or ():
        say(clean(warning["message"]))
    data: dict[str, Any] = answer["data"]
    return data
