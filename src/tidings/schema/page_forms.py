"""A form of a page for the fields of a resource: what it holds, the body that it says, and beside
which field a refusal stands. A field of a resource inside another stands by its own name."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidings.core.declaration import DeclaredField, Json, declared
from tidings.core.field_types import Nested
from tidings.errors import FieldRefusal
from tidings.schema.forms import choices, is_ticked, number_in, text_of, widget

AREA_CHARACTERS = 1000
"""What may be longer has several lines."""


@dataclass(frozen=True)
class Ask:
    """A field of the form."""

    one: DeclaredField
    path: tuple[str, ...]
    """Where it stands in the body."""
    name: str
    """What the page calls it."""

    @property
    def widget(self) -> str:
        """Return the widget: text, area, choice or tick."""
        shown = self.one.field.kind.shown()
        if "additionalProperties" in shown or self._taken.get("maxLength", 0) > AREA_CHARACTERS:
            return "area"
        return widget(self.one)

    @property
    def label(self) -> str:
        """Return the label."""
        return self.one.field.label

    @property
    def hint(self) -> str:
        """The text below it: what the declaration says, or else its bounds."""
        low, high = self._taken.get("minimum"), self._taken.get("maximum")
        bounds = "" if low is None or high is None else f"From {low:,g} to {high:,g}."
        return self.one.field.hint or bounds

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The words of a choice, and what the page calls them."""
        return choices(self.one)

    @property
    def required(self) -> bool:
        """Return whether it must be filled in."""
        return self.one.required

    @property
    def _taken(self) -> Json:
        return self.one.field.kind.taken(new=self.one.is_settable(new=True))

    def text(self, value: Any) -> str:
        """Return a value as the text that the form holds."""
        if isinstance(value, list | tuple):
            return ", ".join(map(str, value))
        if self.widget == "tick":
            return "on" if is_ticked(value) else ""
        return text_of(value)

    def value(self, text: str) -> Any:
        """Return what a body says for a text that is not empty."""
        shown = self.one.field.kind.shown()
        kinds = {branch.get("type") for branch in shown.get("anyOf", (shown,))}
        if self.widget == "tick":
            return True
        if "array" in kinds:
            return text.replace(",", " ").split()
        return number_in(text) if kinds & {"integer", "number"} else text

    def emptied(self) -> Any:
        """Return what a body that changes something says for no text; None: nothing, or the
        usual."""
        empty: Mapping[str, Any] = {"string": "", "array": [], "boolean": False}
        return empty.get(str(self.one.field.kind.shown().get("type")))


Lines = Mapping[str, tuple[Callable[[Any], str], Callable[[str], Any]]]
"""By the names of fields that are written in lines: how a value is shown, and how what is written
is read; what cannot be is refused."""


@dataclass(frozen=True)
class PageForm:
    """The fields of a resource that a page asks for: those that have a label."""

    asks: tuple[Ask, ...]
    lines: Lines = field(default_factory=dict)

    def __getitem__(self, name: str) -> Ask:
        """The field of this name."""
        return next(ask for ask in self.asks if ask.name == name)

    def fresh(self) -> dict[str, str]:
        """Return the texts of the form of a new one."""
        return {ask.name: self._text(ask, ask.one.usual()) for ask in self.asks}

    def filled(self, shown: Mapping[str, Any]) -> dict[str, str]:
        """Return the texts of the form of one that is there, as answers show it."""
        return {ask.name: self._text(ask, _at(shown, ask.path)) for ask in self.asks}

    def written(self, form: Mapping[str, str], most: int = 65_536) -> dict[str, str]:
        """Read what somebody has written in the form."""
        return {ask.name: form.get(ask.name, "").strip()[:most] for ask in self.asks}

    def body(self, texts: Mapping[str, str], *, new: bool) -> dict[str, Any]:
        """Build the request body that the filled-in form stands for. With `new`, empty fields are
        left out."""
        body: dict[str, Any] = {}
        for ask in self.asks:
            text = texts.get(ask.name, "")
            if not ask.one.is_settable(new=new):
                continue
            if text:
                value = self._value(ask, text)
            elif new:
                continue
            else:
                value = ask.emptied()
                if value is None and not ask.one.field.kind.null:
                    continue
            inner = body
            for name in ask.path[:-1]:
                inner = inner.setdefault(name, {})
            inner[ask.path[-1]] = value
        return body

    def placed(self, refusals: Sequence[FieldRefusal], *others: str) -> dict[str, str]:
        """Place the refusals beside the fields of the page, of `others` too; under "" those that
        belong to none."""
        found: dict[str, str] = {}
        for refusal in refusals:
            place = refusal.field if refusal.field in others else self._place(refusal.field)
            found.setdefault(place, refusal.message)
        return found

    def _place(self, field_path: str) -> str:
        """Find the field of the form that a path of the body belongs to, or the first of those
        below it; empty if there is none."""
        at = tuple(field_path.partition("[")[0].split("."))
        near = [ask for ask in self.asks if at[: len(ask.path)] == ask.path]
        inside = [ask for ask in self.asks if ask.path[: len(at)] == at]
        return next((form_field.name for form_field in (*near, *inside)), "")

    def _text(self, one: Ask, value: Any) -> str:
        if value is None:
            return ""
        return self.lines[one.name][0](value) if one.name in self.lines else one.text(value)

    def _value(self, one: Ask, text: str) -> Any:
        return self.lines[one.name][1](text) if one.name in self.lines else one.value(text)


def page_form(
    fields: Iterable[DeclaredField],
    names: Mapping[str, str] | None = None,
    lines: Lines | None = None,
    *,
    inside: tuple[str, ...] = (),
) -> PageForm:
    """Build the form for these fields. `names` has those that the page calls otherwise."""
    return PageForm(tuple(_asks(fields, names or {}, inside)), lines or {})


def _asks(
    fields: Iterable[DeclaredField], names: Mapping[str, str], inside: tuple[str, ...]
) -> Iterator[Ask]:
    for form_field in fields:
        path = (*inside, form_field.name)
        if isinstance(form_field.field.kind, Nested):
            yield from _asks(declared(form_field.field.kind.resource), names, path)
        elif form_field.field.label:
            yield Ask(form_field, path, names.get(form_field.name, form_field.name))


def _at(shown: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = shown
    for name in path:
        value = value[name]
    return value
