"""A copy of a recipe, as an operator has it in front of them, and what they put into it."""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.e2e.harness.api import Api
from tests.e2e.harness.until import PATIENCE_S, until
from tidings.core.actions.file.lookup_tables import DEADLINE_MAX_S

EXAMPLES = Path(__file__).parents[4] / "examples"
ORG = 100458  # as the files of the recipes have it
NOON, NIGHT = 13, 2
LOOKUP = re.compile(r"^\[lookups\.[a-z]+\]$", re.MULTILINE)
Row = dict[str, str]


def zone_at(hour: int) -> str:
    """A zone in which it is this hour now, so that quiet hours are, or are not, whenever a test
    runs."""
    ahead = hour - datetime.now(UTC).hour
    ahead += 24 if ahead < -12 else 0
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


class Recipe:
    """A folder with the files of a recipe."""

    def __init__(self, name: str, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(EXAMPLES / name, folder)
        self.path = folder / "actions.toml"
        self.path.write_text(patient(self.path.read_text("utf-8")), "utf-8")
        self.contacts = folder / "contacts.csv"
        self.people = rows_of(self.contacts)
        """The customers of the sample, by their ids."""

    def add(self, part: str) -> None:
        """Append a part, as its first line says."""
        with self.path.open("a") as file:
            file.write("\n" + (self.folder / "parts" / part).read_text("utf-8"))

    def change(self, old: str, new: str) -> None:
        """Edit the file of actions, where it has this once."""
        text = self.path.read_text("utf-8")
        assert text.count(old) == 1, old
        self.path.write_text(text.replace(old, new), "utf-8")

    def tell(self, where: Callable[[str], Row] | None = None, **of_all: str) -> None:
        """Replace the contact list by another one, in one moment: these columns of everybody, and
        what `where` says of a customer."""
        for id, row in self.people.items():
            row.update(of_all | (where(id) if where else {}))
        written = io.StringIO()
        writer = csv.DictWriter(
            written, list(next(iter(self.people.values()))), lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(self.people.values())
        beside = self.contacts.with_suffix(".new")
        beside.write_text(written.getvalue(), "utf-8")
        beside.replace(self.contacts)


def patient(text: str) -> str:
    """Return a file of actions whose look-ups have as long as one may have: a machine that stands
    still for five seconds makes none of them fail."""
    return LOOKUP.sub(rf'\g<0>\ndeadline = "{DEADLINE_MAX_S:g}s"', text)


def rows_of(file: Path) -> dict[str, Row]:
    """The lines of a contact list, by customer."""
    with file.open(newline="", encoding="utf-8") as lines:
        return {row["customer_id"]: row for row in csv.DictReader(lines)}


# -- what became of actions -----------------------------------------------------------------------


def runs(api: Api, action: str = "") -> list[Any]:
    """What actions have done or are doing, the oldest first; each with its attempts."""
    found: list[Any] = []
    after: str | None = ""
    while after is not None:
        page = api.get(f"/v1/deliveries?limit=100{after}").must(200)
        found += page["deliveries"]
        after = f"&cursor={page['older']}" if page["older"] else None
    wanted = [row["id"] for row in found if action in ("", row["webHookName"])]
    return [api.delivery(row) for row in reversed(wanted)]


def ended(api: Api, count: int, action: str = "", seconds: float = PATIENCE_S) -> list[Any]:
    """So many of them, once each has come to an end."""

    def ask() -> list[Any] | None:
        found = runs(api, action)
        over = [row for row in found if row["doneAt"] is not None]
        return found if len(over) == len(found) == count else None

    found = until(ask, f"{count} ended runs of {action or 'all actions'}", seconds)
    assert found is not None
    return found


def said(run: Any) -> str:
    """Why it has come to what it is, in words."""
    if run["state"] == "waiting":
        return str(run["advice"])
    attempts = run["attemptList"]
    return str(attempts[-1]["detail"] or "") if attempts else ""


def is_judged(run: Any) -> bool:
    """Return whether its turn has come: it was tried, or is not to be done yet."""
    return bool(run["attemptList"] or run["waitsFor"])


def answers(run: Any) -> str:
    """What its attempts have been answered."""
    kept = [
        {name: row for name, row in tried.items() if name != "request"}
        for tried in run["attemptList"]
    ]
    return json.dumps(kept, ensure_ascii=False)
