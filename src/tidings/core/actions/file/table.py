"""One table of a file of actions while it is read: what each field must be, told where it is not.

Pure. What is wrong is told, and reading goes on, so that all faults of a file are told at once.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from tidings.catalogue.event_type import EventType
from tidings.core.actions.action import EVENT
from tidings.core.actions.file.faults import Faults, path_of
from tidings.core.actions.file.toml_places import Path
from tidings.core.connections.connection import Connection
from tidings.core.connections.references import ReadFile
from tidings.core.event_path import read_path
from tidings.core.form import Form, nearest, visible
from tidings.core.picks import PATH_MAX, is_path, steps_of
from tidings.core.webhooks.known_paths import has_path
from tidings.values import describe_value

TemplateCheck = Callable[[str], "frozenset[str] | str"]
"""The names that a template uses and does not set itself, as event.data.tier; or, in a sentence or
two, why it is none."""
ConnectionCheck = Callable[[str, object], "Connection | list[str]"]
"""The connection of a name that a table makes; or what is wrong with it, in sentences."""

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_ITEM = re.compile(r"\[\d+\]")
_DURATION = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)")


class Given(msgspec.Struct, frozen=True):
    """Knowledge from outside that a file of actions is read against."""

    folder: str  # the file's, as an absolute path: relative names of files begin there
    environment: Mapping[str, str]
    read: ReadFile  # the text of a file, by its absolute path
    kinds: Mapping[str, EventType]  # of events that the org takes, by name
    connections: Mapping[str, Connection]  # that are declared elsewhere
    check_connection: ConnectionCheck
    check_template: TemplateCheck
    check_url: Callable[[str], str | None]  # why a URL cannot be called, in sentences
    is_key: Callable[[str], bool]  # whether a text is a private key that signs, as PEM
    admits_unknown: bool = False  # whether the org takes events of types that nobody has declared
    unusable: frozenset[str] = frozenset()  # types of the file of which it is told what is wrong

    def __repr__(self) -> str:
        """Show it without the environment."""
        return f"Given(folder={self.folder!r})"


class View(msgspec.Struct, frozen=True):
    """The look-ups that an action sees beside the event, by name. `kinds`: the types of its events
    as far as they are known; none where not all of them are."""

    lookups: tuple[str, ...] = ()
    kinds: tuple[EventType, ...] = ()

    @property
    def names(self) -> list[str]:
        """List the names that paths and templates may begin with."""
        return [EVENT, *self.lookups]

    def is_lost(self, path: str) -> bool:
        """Return whether no event of the types has anything at a path that begins at the event."""
        _, _, inner = path.partition(f"{EVENT}.")
        steps = read_path(_ITEM.sub("[*]", inner))
        return bool(steps and self.kinds) and not any(
            has_path(kind, steps or ()) for kind in self.kinds
        )


class Table(Form):
    """A table, by its place in the file."""

    def __init__(self, given: Given, faults: Faults, path: Path, body: dict[str, Any]) -> None:
        super().__init__(body, strict=True)
        self.given = given
        self.faults = faults
        self.path = path

    def refuse(self, code: int | str, field: str, sentence: str) -> None:
        super().refuse(code, field, sentence)
        self.faults.refuse(code, (*self.path, *self.steps(field)), sentence)

    def warn(self, code: str, field: str, sentence: str) -> None:
        self.faults.warn(code, (*self.path, *self.steps(field)), sentence)

    def steps(self, field: str) -> Path:
        """Return the path of a field in this table; a name of it may hold points."""
        return (field,) if field in self.body else path_of(field)

    def is_reference(self, field: str) -> bool:
        """Return whether a text of it was taken from the environment, or out of a file."""
        return self.faults.is_reference((*self.path, *self.steps(field)))

    def holds_reference(self, field: str) -> bool:
        """Return whether a text in a field, however deep, was taken from the environment or a
        file."""
        return self.faults.holds_reference((*self.path, *self.steps(field)))

    # -- tables within ----------------------------------------------------------------------------

    def within(self, field: str, body: dict[str, Any]) -> "Table":
        """Return the table in a field of this one, whose body is given."""
        return Table(self.given, self.faults, (*self.path, *self.steps(field)), body)

    def table(self, field: str, example: str) -> "Table | None":
        """Read the table in a field; None if there is none, or something else, which is
        reported."""
        value = self.body.get(field)
        if value is None:
            return None
        if isinstance(value, dict):
            return self.within(field, value)
        self.refuse(
            "bad_type",
            field,
            f"{field} must be a table; got {describe_value(value)}. Write {example}.",
        )
        return None

    def named_tables(
        self, field: str, name: re.Pattern[str], must: str, most: int
    ) -> Iterable[tuple[str, "Table"]]:
        """Yield the tables in a table with their names; what is no table, a name that does not fit,
        and more than `most` are reported."""
        if (holder := self.table(field, f"[{field}.NAME]")) is None:
            return
        if len(holder.body) > most:
            self.refuse(
                "too_many",
                field,
                f"{field} must contain at most {most} tables; got {len(holder.body)}. Remove some, "
                "or write another file for another org.",
            )
            return
        for key in holder.body:
            if not name.fullmatch(key):
                holder.refuse(
                    "bad_name",
                    key,
                    f"The name of a table in {field} must be {must}; got {describe_value(key)}. "
                    "Rename it.",
                )
            elif (table := holder.table(key, f"[{field}.{key}]")) is not None:
                yield key, table

    # -- values -----------------------------------------------------------------------------------

    def need(self, field: str, example: str) -> bool:
        """Return whether a field is said at all; told where it is not."""
        if self.body.get(field) is not None:
            return True
        self.refuse("field_missing", field, f"{field} must be set; got nothing. Write {example}.")
        return False

    def text(
        self,
        field: str,
        must: str,
        fits: Callable[[str], bool],
        example: str,
        code: str = "bad_text",
    ) -> str:
        """Read a text that `fits`; "" if it is left out, or does not fit, which is reported."""
        value = self.body.get(field)
        if value is None:
            return ""
        if isinstance(value, str) and fits(value):
            return value
        self.refuse(
            code, field, f"{field} must be {must}; got {describe_value(value)}. Write {example}."
        )
        return ""

    def line(self, field: str, most: int, example: str) -> str:
        """Read a text on one line that can be seen, as `text` does."""
        return self.text(
            field,
            f"a text of 1 to {most} characters on one line",
            lambda text: 0 < len(text) <= most and visible(text) and bool(text.strip()),
            example,
        )

    def one_of(self, field: str, words: tuple[str, ...], usual: str) -> Any:
        """Read one of a few words; `usual` if it is left out, or another, which is reported."""
        return self.choice(field, words, usual, "bad_word")

    def number(self, field: str, low: float, high: float, usual: float | None) -> float | None:
        """Read a number in its bounds; `usual` if it is left out, None if it does not fit, which is
        reported."""
        advice = "Leave it out for no limit." if usual is None else f"Leave it out for {usual:g}."
        return self.bounded(field, low, high, usual, advice)

    def count(self, field: str, low: int, high: int, usual: int) -> int:
        """Read a whole number in its bounds; `usual` if it is left out, or does not fit, which is
        reported."""
        value = self.body.get(field, usual)
        if type(value) is int and low <= value <= high:
            return value
        self.refuse(
            "out_of_range" if type(value) is int else "bad_type",
            field,
            f"{field} must be a whole number from {low} to {high}; got {describe_value(value)}. "
            "Leave it "
            f"out for {usual}.",
        )
        return usual

    def duration(self, field: str, low_s: float, high_s: float, usual_s: float | None) -> float:
        """Read a time such as 30s, 5m, 2h or 30d, in seconds; `usual_s` if it is left out, `low_s`
        where there is none. What does not fit is reported, and gives `low_s` too."""
        value = self.body.get(field)
        if value is None:
            return low_s if usual_s is None else usual_s
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        seconds = None if found is None else float(found[1]) * UNITS[found[2]]
        if seconds is not None and low_s <= seconds <= high_s:
            return seconds
        advice = "Write 1d" if usual_s is None else f"Leave it out for {in_words(usual_s)}"
        self.refuse(
            "bad_duration" if seconds is None else "out_of_range",
            field,
            f"{field} must be a time from {in_words(low_s)} to {in_words(high_s)}, as 30s, 5m, 2h "
            f"or 30d; got {describe_value(value)}. {advice}.",
        )
        return low_s

    def texts(self, field: str, most: int, example: str) -> list[str]:
        """Read a list of texts, each once; empty if it is left out, or does not fit, which is
        reported."""
        value = self.body.get(field)
        if value is None:
            return []
        fits = isinstance(value, list) and all(isinstance(text, str) for text in value)
        if fits and 0 < len(value) <= most and len(set(value)) == len(value):
            return list(value)
        got = f"{len(value)} of them" if fits and value else describe_value(value)
        self.refuse(
            "bad_type",
            field,
            f"{field} must be a list of 1 to {most} texts, each once; got {got}. Write {example}.",
        )
        return []

    def seen(self, field: str, view: View) -> str:
        """Read a path into what the action sees; "" if it is left out, or none, which is
        reported."""
        value = self.body.get(field)
        if value is None:
            return ""
        return str(value) if self.is_seen(field, value, view) else ""

    def is_seen(self, field: str, value: object, view: View) -> bool:
        """Return whether a value is a path into what the action sees; told where it is not."""
        if not isinstance(value, str) or not is_path(value):
            self.refuse(
                "bad_path",
                field,
                f"{field} must be a path of names separated by dots, of at most {PATH_MAX} "
                f"characters; got {describe_value(value)}. Write "
                "event.data.customerIdentifiers.customerId.",
            )
            return False
        return self.knows(field, value, view)

    def knows(self, field: str, path: str, view: View) -> bool:
        """Return whether a path begins with what the action sees; told where it does not."""
        root = str(steps_of(path)[0])
        self.faults.read_paths.add(path)
        if root not in view.names:
            self.refuse(
                "unknown_name",
                field,
                f"{field} must begin with {listed(view.names)}, which the action sees; got "
                f"{describe_value(path)}."
                f"{nearest(root, view.names) or ' Name the look-up in lookups of the action.'}",
            )
            return False
        if root == EVENT and view.is_lost(path):
            kinds = listed([kind.name for kind in view.kinds], "and")
            self.warn(
                "unknown_path",
                field,
                f"{field} should be a field of events of the action's types ({kinds}); got "
                f"{describe_value(path)}, which none has. Check it against `tidings events schema "
                f"{view.kinds[0].name}`.",
            )
        return True


def in_words(seconds: float) -> str:
    """Write a duration as a file has it: `30s`, `5m`."""
    for unit in ("d", "h", "m", "s"):
        if seconds >= UNITS[unit] and seconds % UNITS[unit] == 0:
            return f"{seconds / UNITS[unit]:g}{unit}"
    return f"{seconds * 1000:g}ms" if seconds else "0s"


def listed(names: Iterable[str], word: str = "or") -> str:
    """Join names as `a`, `a or b`, `a, b or c`; of more than 12 the first 12 and how many more."""
    found = list(names)
    if len(found) > 12:
        return f"{', '.join(found[:12])} {word} {len(found) - 12} more"
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} {word} {found[-1]}"
