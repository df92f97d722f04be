"""`tidings actions list` and `show`: the actions of a running service, and how they do."""

from collections.abc import Iterator
from typing import Any

from tidings.cli.calls import ApiClient, calls, part
from tidings.cli.exits import Exit, say
from tidings.cli.output import clean, how_many, print_facts, print_line, print_lines, print_list
from tidings.cli.webhooks.health import health_word, word_cell
from tidings.cli.where import HERE, Where
from tidings.list_columns import ACTIONS

PATH = "/v1/actions"
ALSO = 10  # troubles that a list tells


def list_all(*, where: Where = HERE) -> int:
    """List the actions of the org: what each does, and its recent results."""
    api = calls(where)
    answer = api.get(PATH)
    found = answer["actions"]
    if where.json:
        print_lines(found)
    elif found:
        print_list(
            ACTIONS.shell,
            found,
            state=lambda action: word_cell(word_of(action)),
            does=lambda action: action["does"] or "not in the file any more",
        )
    bad = [action for action in found if action["troubles"]]
    for action in bad[:ALSO]:
        say(f"{clean(action['name'])}: {clean(action['troubles'][0])}")
    for odd in answer["warnings"]:
        say(f"{clean(odd['file'])}:{odd['line']}: {clean(odd['message'])}")
    none = "The org has no actions: the operator declares them, see `tidings actions init`."
    say(f"{how_many(len(found), 'action')}; the numbers are of 24 hours." if found else none)
    first = clean((bad or found)[0]["name"]) if found else ""
    api.next_step(f"tidings actions show {first}" if found else "tidings actions init")
    return Exit.OK


def show(name: str, /, *, where: Where = HERE) -> int:
    """Show an action: when it runs, its look-ups, its steps and its problems.

    Templates are shown as they are written; of secrets their end is shown.

    Parameters
    ----------
    name
        As the file of actions has it.
    """
    return show_action(calls(where), name, as_json=where.json)


def show_action(api: ApiClient, name: str, *, as_json: bool) -> int:
    """Print an action; the exit code."""
    one = api.get(f"{PATH}/{part(name)}")
    if as_json:
        print_line(one)
    else:
        day = one["lastDay"]
        print_facts(
            [
                ("action", one["name"]),
                ("state", word_cell(word_of(one))),
                *(("trouble", trouble) for trouble in one["troubles"]),
                ("to do", one.get("advice")),
                *_definition_rows(one["definition"]),
                ("in 24 hours", f"{day['done']:,} done, {day['failed']:,} failed, "
                 f"{day['cancelled']:,} not done for a reason"),
                ("waiting", _waiting(one)),
                ("parked", one["parked"] or None),
                ("file", one["declaredIn"]),
                ("webhook", one["webHookId"]),
            ]
        )  # fmt: skip
    for odd in one["warnings"]:
        say(f"{clean(odd['file'])}:{odd['line']}: {clean(odd['message'])}")
    if one["definition"] is None:
        api.next_step(f"tidings webhooks delete {clean(one['name'])}")
    else:
        api.next_step(f"tidings deliveries list --webhook {clean(one['name'])}")
    return Exit.OK


def _waiting(one: dict[str, Any]) -> str:
    """Say how many of an action's runs wait; those that wait until their time are counted apart."""
    timed = one["waitingForTheirTime"]
    return f"{one['waiting'] - timed:,}" + (f", and {timed:,} until their time" if timed else "")


def word_of(one: dict[str, Any]) -> str:
    """Return how an action does, in one word, as the service judges it."""
    return health_word(one)


def _definition_rows(definition: dict[str, Any] | None) -> Iterator[tuple[str, Any]]:
    """The definition, in the order in which it happens."""
    if definition is None:
        return
    yield "when", definition["when"]
    late = definition["waits"][-1:] if definition["quiet"] else []  # looked at last
    for wait in definition["waits"][: len(definition["waits"]) - len(late)]:
        yield "wait", wait
    for lookup in definition["lookUps"]:
        yield "look up", f"{lookup['name']}: {lookup['asks']}. {lookup['otherwise']}"
    for condition in definition["unless"]:
        yield "unless", f"{condition['when']}: {condition['because']}"
    for wait in late:
        yield "wait", wait
    yield "cap", definition["capped"]
    for act in definition["acts"]:
        language = f" (in {act['language']})" if act["language"] else ""
        yield "do", f"{act['does']}{language}"
