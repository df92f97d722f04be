"""`tidings audit list`: entries by filters, newest first."""

from typing import Annotated, Any

from cyclopts import Parameter

from tidings.cli.calls import calls, rows
from tidings.cli.events.log_options import QueryFields, query_of, with_filters
from tidings.cli.exits import Exit, say
from tidings.cli.output import how_many, moment, print_lines, print_table, word
from tidings.cli.webhook_names import names_of
from tidings.cli.where import HERE, Where
from tidings.list_columns import ListColumn, Shown
from tidings.reads.filters import AUDIT

PATH = "/v1/audit"
PLATFORM = "platform"
COLUMNS = (ListColumn("At", shown=Shown.MOMENT), "Who", "What", "On", "Fields")


@with_filters(AUDIT)
def list_all(
    *,
    asked: QueryFields,
    platform: Annotated[bool, Parameter(negative=())] = False,
    limit: int = 50,
    where: Where = HERE,
) -> int:
    """List who has changed what, newest first. All filters combine.

    Parameters
    ----------
    platform
        What belongs to no org, instead of the org's; for the platform's credential alone.
    limit
        How many.
    """
    api = calls(where)
    query = query_of(api, AUDIT, asked)
    chain = PLATFORM if platform else None
    found = list(rows(api, PATH, "entries", limit, chain=chain, **query))
    of_platform = " --platform" if platform else ""
    if not found:
        say("No entry matches." if query else "The audit log has no entries yet.")
        api.next_step(f"tidings audit list{of_platform}" if query else "tidings orgs show")
        return Exit.OK
    if where.json:
        print_lines(found)
    else:
        hooks = names_of(api, map(_webhook_of, found))
        print_table(COLUMNS, (_row(change, hooks) for change in found))
    say(how_many(len(found), "entry") + (", the newest" if len(found) == limit else ""))
    if "object" in query:
        api.next_step(f"tidings audit export{of_platform}")
    else:
        api.next_step(f"tidings audit list{of_platform} --object {word(found[0]['object']['id'])}")
    return Exit.OK


def _webhook_of(entry: dict[str, Any]) -> str | None:
    """Return the id of the webhook that was changed; None where it was something else."""
    return str(entry["object"]["id"]) if entry["object"]["kind"] == "webhook" else None


def _row(entry: dict[str, Any], hooks: dict[str, str]) -> tuple[Any, ...]:
    actor, on = entry["actor"], entry["object"]["id"]
    times = f" ({entry['times']:,} times)" if entry["times"] > 1 else ""
    return (
        moment(entry["at"]),
        actor["name"] or actor["id"],
        entry["summary"] + times,
        f"{on} {hooks[on]}" if on in hooks else on,
        list({**(entry["before"] or {}), **(entry["after"] or {})}) or None,
    )
