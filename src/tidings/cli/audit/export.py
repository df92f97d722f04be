"""`tidings audit export`: a chain of entries whole, with what is needed to check it."""

from typing import Annotated

from cyclopts import Parameter

from tidings.cli.audit.entries import PATH, PLATFORM
from tidings.cli.calls import calls
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.output import how_many, print_lines
from tidings.cli.where import HERE, Where

NUMBER_MAX = (1 << 53) - 1


def export(
    *,
    after: int = 0,
    platform: Annotated[bool, Parameter(negative=())] = False,
    where: Where = HERE,
) -> int:
    """Print all entries as NDJSON, oldest first, each with its number and its seal.

    Parameters
    ----------
    after
        Only entries behind this number: the last one of an earlier export.
    platform
        What belongs to no org, instead of the org's; for the platform's credential alone.
    """
    if not 0 <= after <= NUMBER_MAX:
        raise CommandExit(
            f"--after must be the number of an entry; got {after}. Leave it out for all.",
            Exit.USAGE,
        )
    api = calls(where, 60.0)
    chain = PLATFORM if platform else None
    last, count = after, 0
    following: int | None = after
    while following is not None:
        page = api.get(f"{PATH}/export", after=following, chain=chain)
        print_lines(page["entries"])
        count += len(page["entries"])
        last = page["entries"][-1]["number"] if page["entries"] else last
        following = page["nextAfter"]
    say(how_many(count, "entry"))
    of_platform = " --platform" if platform else ""
    api.next_step(f"tidings audit export{of_platform} --after {last}")
    return Exit.OK
