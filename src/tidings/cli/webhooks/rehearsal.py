"""A plan of webhooks tried on the service, which makes every check and writes nothing."""

from collections.abc import Iterator, Sequence
from typing import Any

from tidings.cli.calls import ApiClient, Moved, refused
from tidings.cli.exits import Exit, say
from tidings.cli.output import clean
from tidings.cli.webhook_names import PATH, tag
from tidings.cli.webhooks.document import FileFault
from tidings.cli.webhooks.plan import PlannedChange

# What is wrong with one webhook. Anything else is wrong with the call, and so with all of them.
OF_THE_BODY = frozenset((400, 408, 409, 413, 422))
UNKNOWN = "unknown_field"


def rehearse(
    api: ApiClient, changes: Sequence[PlannedChange]
) -> tuple[list[PlannedChange], list[FileFault]]:
    """Try the changes without making them: what they come to, and all that the service has against
    them. Raise CommandExit.

    A change that makes no difference to the service is none. Warnings are told here, once.
    """
    made: list[PlannedChange] = []
    faults: list[FileFault] = []
    for change in changes:
        status, answer = ask(api, change, dry_run=True)
        if status in OF_THE_BODY:
            if not isinstance(answer, dict) or not answer.get("errors"):
                raise refused(status, answer)
            faults += _faults(change, answer["errors"])
            made.append(change)
        elif status >= 300 or not isinstance(answer, dict):
            raise api.refused(PATH, status, answer)
        elif (now := change.coming_to(answer["data"])) is not None:
            for warning in answer.get("warnings") or ():
                if warning["code"] != UNKNOWN:
                    say(f"{clean(change.name)}: {clean(warning['message'])}")
            faults += _faults(change, _misspelt(answer))
            made.append(now)
    return made, faults


def carry_out(api: ApiClient, one: PlannedChange) -> dict[str, Any]:
    """Make a change; the webhook as it is then. Raise CommandExit."""
    status, answer = ask(api, one, dry_run=False)
    if status >= 300 or not isinstance(answer, dict):
        raise api.refused(PATH, status, answer)
    now: dict[str, Any] = answer["data"]
    return now


def ask(api: ApiClient, one: PlannedChange, *, dry_run: bool) -> tuple[int, Any]:
    """Send the call that makes a change, or only tries it. Return its status and answer. Raise
    CommandExit, as Moved where somebody else has changed the webhook."""
    method, path, if_match, flag = "POST", PATH, None, ""
    if one.present is not None:
        method = "DELETE" if one.body is None else "PUT"
        path, if_match = f"{PATH}/{one.present['webHookId']}", tag(one.present)
        flag = "?ifChanged=true" if one.unsure else ""
    status, answer = api.ask(
        method, path + ("?dryRun=true" if dry_run else flag), one.body, if_match=if_match
    )
    if status == 412:
        raise Moved(
            f"{clean(one.name)} must be unchanged since it was read; somebody changed it in the "
            "meantime. Check the difference again: tidings webhooks apply FILE --dry-run",
            Exit.REFUSED,
        )
    return status, answer


def _misspelt(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The warnings of fields that nobody knows. In a file they are faults: a change that somebody
    has written down must not be lost."""
    return [warning for warning in answer.get("warnings") or () if warning["code"] == UNKNOWN]


def _faults(one: PlannedChange, found: Sequence[dict[str, Any]]) -> Iterator[FileFault]:
    for error in found:
        field = clean(error.get("field") or "")
        place = f"{one.path}.{field}" if field else one.path
        yield FileFault(place or "--prune", one.name, clean(error["message"]))
