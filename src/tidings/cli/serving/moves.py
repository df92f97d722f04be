"""`tidings cells move` and what else is done with cells while they are served: calls of the API."""

import time
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter
from rich.progress import BarColumn, Progress, TextColumn

from tidings.cli.calls import ApiClient, calls
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.output import (
    clean,
    confirm,
    console,
    how_many,
    number,
    print_line,
    print_lines,
    print_list,
)
from tidings.cli.where import HERE, Where
from tidings.list_columns import MOVES

CELLS, MOVES_PATH = "/v1/cells", "/v1/moves"
POLL_S = 0.5
AWAY_POLLS_MAX = 120  # in a row in which nobody answers for a move: its processes start again
DRAINED = ("draining",)
OVER = ("dropping", "stayed")
OnlyShow = Annotated[bool, Parameter(negative=())]
Yes = Annotated[bool, Parameter(negative=())]


def move(
    orgs: list[int],
    /,
    *,
    to: int,
    dry_run: OnlyShow = False,
    yes: Yes = False,
    wait: bool = True,
    where: Where = HERE,
) -> int:
    """Move orgs to another cell, each with all orgs below it.

    Says for how long their calls will be answered 503, asks, and shows how far it is. Nothing that
    was accepted is lost.

    Parameters
    ----------
    orgs
        Their numbers; each must have no parent.
    to
        The cell that they go to.
    dry_run
        Show the result without doing it.
    yes
        Do not ask.
    wait
        Wait for its end.
    """
    if not orgs:
        raise CommandExit(
            "ORGS must name an org to move; got none. Write tidings cells move 7 --to 2",
            Exit.USAGE,
        )
    api = calls(where, 60.0)
    plans = [api.send("POST", _move_path(org), {"to": to, "dryRun": True}) for org in orgs]
    _say_plans(plans, to)
    words = " ".join(map(str, orgs))
    if dry_run:
        if where.json:
            print_lines(plans)
        api.next_step(f"tidings cells move {words} --to {to}")
        return Exit.OK
    confirm(yes, "Move it?" if len(orgs) == 1 else "Move them?")
    begun = [api.send("POST", _move_path(org), {"to": to}) for org in orgs]
    ended = _watch(api, begun) if wait else []
    if where.json:
        print_lines(ended if wait else begun)
    failed = [end for end in ended if end["cell"] != to]
    for end in ended:
        say(f"Org {end['org']} {_where_now(end['cell'], to)}.")
    api.next_step(f"tidings cells show {to}" if wait and not failed else "tidings cells moves")
    return Exit.FAILED if failed else Exit.OK


def undo(org: int, /, *, where: Where = HERE) -> int:
    """Take a move back: the org stays in the cell that it was leaving.

    Parameters
    ----------
    org
        Its number.
    """
    api = calls(where)
    move = api.send("POST", f"{_move_path(org)}/undo")
    if where.json:
        print_line(move)
    say(f"Org {org} stays in cell {move['source']} and takes calls again within seconds.")
    api.next_step("tidings cells moves")
    return Exit.OK


def moves(*, where: Where = HERE) -> int:
    """List the moves under way."""
    api = calls(where)
    found = api.get(MOVES_PATH)
    shown = found["moves"]
    if where.json:
        print_lines(shown)
    elif shown:
        print_list(MOVES.shell, shown, org=lambda move: number(move["org"]), rowsMoved=_how_far)
    for move in shown:
        if move["problem"]:
            stays = f" stays in cell {move['source']}" if move["state"] == "stayed" else ""
            say(f"Org {move['org']}{stays}: {clean(move['problem'])}")
    under_way = sum(move["state"] != "stayed" for move in shown)
    say(how_many(under_way, "move") if under_way else "No org is moving.")
    missing = found.get("missingCells", [])
    if missing:
        say(f"Not listed: the moves of cells that have not answered ({_named(missing)}).")
        return Exit.FAILED
    api.next_step("tidings cells list")
    return Exit.OK


def drain(cell: int, /, *, yes: Yes = False, wait: bool = True, where: Where = HERE) -> int:
    """Move all orgs of a cell to the others. New orgs go to others from then on.

    Parameters
    ----------
    cell
        Its number.
    yes
        Do not ask.
    wait
        Wait until it is empty.
    """
    api = calls(where, 60.0)
    shown = api.get(f"{CELLS}/{cell}")
    count = how_many(shown["families"], "family")
    say(f"Cell {cell} has {count} of orgs. Calls of an org are answered 503 while it moves.")
    confirm(yes, "Drain it?")
    shown = api.send("POST", f"{CELLS}/{cell}/drain")
    if wait:
        shown = _watch_drain(api, shown)
    if where.json:
        print_line(shown)
    left = shown["families"]
    say(
        f"Cell {cell} is empty." if not left else f"{how_many(left, 'family')} left in cell {cell}."
    )
    api.next_step(_after_drain(cell, left))
    return Exit.FAILED if wait and left else Exit.OK


def open_cell(cell: int, /, *, where: Where = HERE) -> int:
    """Have a cell that is drained take new orgs again. What has moved away stays where it is.

    Parameters
    ----------
    cell
        Its number.
    """
    api = calls(where)
    _print_cell(api.send("POST", f"{CELLS}/{cell}/open"), where)
    api.next_step(f"tidings cells show {cell}")
    return Exit.OK


def delete(cell: int, /, *, yes: Yes = False, where: Where = HERE) -> int:
    """Delete a cell that is drained and has no org. Its process ends; its store is left.

    Parameters
    ----------
    cell
        Its number.
    yes
        Do not ask.
    """
    api = calls(where)
    shown = api.get(f"{CELLS}/{cell}")
    place = shown["place"] or "where it is"
    say(f"The process of cell {cell} will end; its store stays: {place}.")
    confirm(yes, "Delete it? It cannot be created again.")
    _print_cell(api.send("POST", f"{CELLS}/{cell}/remove"), where)
    api.next_step("tidings cells list")
    return Exit.OK


# -- inside ---------------------------------------------------------------------------------------


def _where_now(cell: int | None, to: int) -> str:
    if cell is None:
        return "is in a cell that does not answer now"
    return f"is in cell {cell}" if cell == to else f"is still in cell {cell}"


def _move_path(org: int) -> str:
    return f"/v1/orgs/{org}/move"


def _named(cells: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(cells)))


def _say_plans(plans: Sequence[dict[str, Any]], to: int) -> None:
    for plan in plans:
        pause = plan["pauseExpectedSeconds"]
        noun = "row" if plan["rowsExpected"] == 1 else "rows"
        say(
            f"Org {plan['org']} goes from cell {plan['source']} to cell {to}: about "
            f"{plan['rowsExpected']:,} {noun}. Its calls are answered 503 for about {pause:.1f} s."
        )


def _how_far(move: dict[str, Any]) -> str:
    return f"{move['rowsMoved']:,} of {move['rowsExpected']:,}"


def _print_cell(cell: dict[str, Any], where: Where) -> None:
    if where.json:
        print_line(cell)
    else:
        print(f"cell {cell['cell']}: {cell['state']}")


def _after_drain(cell: int, left: int) -> str:
    if left:
        return "tidings cells moves"
    return "tidings cells list" if cell == 1 else f"tidings cells delete {cell}"


def _under_way(api: ApiClient) -> tuple[dict[int, dict[str, Any]], bool]:
    """Return the moves by their orgs, and whether all cells have answered; none while nobody
    does: processes start again at the end of a move."""
    status, found = api.ask("GET", MOVES_PATH)
    if status >= 500:
        return {}, False
    if status >= 300:
        raise api.refused(MOVES_PATH, status, found)
    return {move["org"]: move for move in found["moves"]}, not found.get("missingCells")


def _watch(api: ApiClient, begun: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Wait for the end of moves; return the cell of each org then. Ctrl-C leaves them running."""
    waiting = {move["org"] for move in begun}
    rows = {move["org"]: move["rowsMoved"] for move in begun}
    expected = sum(move["rowsExpected"] for move in begun)
    talk = console(stderr=True)
    columns = (TextColumn("moving"), BarColumn(40), TextColumn("{task.description}"))
    away = 0
    problems: set[str] = set()
    with Progress(*columns, console=talk, transient=True, disable=not talk.is_terminal) as bar:
        task = bar.add_task("", total=max(1, expected))
        try:
            while waiting and away < AWAY_POLLS_MAX:
                moving, is_whole = _under_way(api)
                away = 0 if is_whole else away + 1
                for org in sorted(waiting & moving.keys()):
                    rows[org] = moving[org]["rowsMoved"]
                    problem = moving[org]["problem"]
                    if problem and problem not in problems:
                        problems.add(problem)
                        say(f"Org {org}: {clean(problem)}")
                if is_whole:
                    done = {
                        org for org in waiting if org not in moving or moving[org]["state"] in OVER
                    }
                    waiting -= done
                copied = sum(rows.values())
                bar.update(task, completed=copied, description=f"{copied:,} of {expected:,} rows")
                if waiting:
                    time.sleep(POLL_S)
        except KeyboardInterrupt:
            say("The move continues. Undo it: tidings cells undo ORG")
            raise
    return [{"org": move["org"], "cell": _cell_of(api, move["org"])} for move in begun]


def _cell_of(api: ApiClient, org: int) -> int | None:
    """Return the cell that an org is in; None where nobody answers for it."""
    status, found = api.ask("GET", f"/v1/orgs/{org}/cell")
    return found["cell"] if status == 200 else None


def _watch_drain(api: ApiClient, cell: dict[str, Any]) -> dict[str, Any]:
    """Wait until a cell is empty, or takes families again; return it then."""
    path = f"{CELLS}/{cell['cell']}"
    count, left, away = max(1, cell["families"]), cell["families"], 0
    talk = console(stderr=True)
    columns = (TextColumn("draining"), BarColumn(40), TextColumn("{task.description}"))
    with Progress(*columns, console=talk, transient=True, disable=not talk.is_terminal) as bar:
        task = bar.add_task("", total=count)
        try:
            while (left or cell["leaving"]) and cell["state"] in DRAINED and away < AWAY_POLLS_MAX:
                bar.update(task, completed=count - left, description=f"{left:,} families left")
                time.sleep(POLL_S)
                status, found = api.ask("GET", path)
                away = away + 1 if status >= 500 else 0
                if status < 300:
                    cell, left = found, found["families"]
        except KeyboardInterrupt:
            say(f"The drain continues. End it: tidings cells open {cell['cell']}")
            raise
    return cell
