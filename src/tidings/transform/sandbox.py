"""One template, one event: MiniJinja with fuel, no loader, and JSON as the only output.

Fuel counts instructions. It does not count what an instruction costs (a list joined to itself forty
times, and written out, takes no fuel and all memory), so this runs only in a process that may die
(`worker.py`).

Whatever a template prints is written as JSON (`{{ data.tier }}` prints "gold" with its quotes), so
no value can break out of its place. What is not there prints null; `|default(…)` replaces it. A
template of a text prints values as people read them, and what is not there as nothing.

A template sees the event's values and nothing else of Python: see `plain.py`.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from minijinja import Environment, TemplateError

from tidings.core.shaping.transformation_rules import TEMPLATE_MAX
from tidings.core.shares.table import SharedTable
from tidings.errors import ShapingError
from tidings.transform.filters import FILTERS, Unfit
from tidings.transform.numbers import Numbers, TwoInOne
from tidings.transform.plain import plain
from tidings.transform.port import OUTPUT_MAX, TextTemplate

FUEL = 50_000
# Of all compiled templates; a short one counts as 4,096, so they are 256 at most. Of the org with
# most of them the least used go.
KEPT_CHARACTERS_MAX, KEPT_CHARACTERS_MIN = 1 << 20, 4096
DEPTH_MAX = 64
NAME = "transformation"
_WITHOUT = ("debug",)  # shows the inside of the engine

JSON, TEXT, HTML = "json", "none", "html"  # what is printed is escaped for

_decode = msgspec.json.Decoder().decode


class Unrenderable(ShapingError):
    """A template has no output; says why in a sentence or two."""


class Sandbox:
    """Compiled templates, the latest used of each org."""

    def __init__(self) -> None:
        self._kept = SharedTable[int, tuple[str, str], Environment](KEPT_CHARACTERS_MAX)
        self._numbers = Numbers()  # of the event whose texts are being made

    def check(self, template: str, org: int = 0) -> None:
        """Compile a template, and raise Unrenderable if it is none."""
        if not 0 < len(template) <= TEMPLATE_MAX:
            raise Unrenderable(
                f"A template must have 1 to {TEMPLATE_MAX} characters; got {len(template)}."
            )
        self._compiled(template, org)

    def names(self, template: str) -> frozenset[str]:
        """Return what a template uses and does not set itself, as event.data.tier. Raise
        Unrenderable if it is no template."""
        environment = self._compiled(template, 0, TEXT)
        found = environment.undeclared_variables_in_str(template, nested=True)
        return frozenset(found - {*environment.globals})

    def render(self, template: str, event: bytes, org: int = 0) -> bytes:
        """Return the JSON object that the template makes of an event. Raise Unrenderable if it
        makes none."""
        environment = self._compiled(template, org)
        numbers = Numbers()
        text = _run(environment, template, plain(numbers.read(event)))
        try:
            return numbers.write(_object(text))
        except TwoInOne:
            raise _two_in_one() from None

    def texts(self, templates: Sequence[TextTemplate], event: bytes, org: int = 0) -> list[str]:
        """Render what each template makes of an event. Raise Unrenderable if one makes nothing, or
        all together too much."""
        self._numbers = Numbers()
        read = plain(self._numbers.read(event))
        made, size = [], 0
        for template in templates:
            environment = self._compiled(template.template, org, HTML if template.html else TEXT)
            made.append(_run(environment, template.template, read, fields=template.fields))
            size += len(made[-1].encode("utf-8", "surrogatepass"))
            if size > OUTPUT_MAX:
                raise Unrenderable(
                    f"The texts must have at most {OUTPUT_MAX} bytes together; got more. Use less "
                    "of the event."
                )
        return made

    def _compiled(self, template: str, org: int, escape: str = JSON) -> Environment:
        key = (escape, template)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.touch(key)
            return kept
        environment = Environment(
            undefined_behavior="chainable",
            fuel=FUEL,
            auto_escape_callback=lambda _: escape if escape != TEXT else False,
            finalizer=None if escape == JSON else self._as_read,
            pycompat=False,
        )
        for name in _WITHOUT:
            environment.remove_global(name)
        for name, filter in FILTERS.items():
            environment.add_filter(name, filter)
        try:
            environment.add_template(NAME, template)
        except TemplateError as error:
            raise Unrenderable(_why(error, template)) from None
        self._kept.put(org, key, environment, max(len(template), KEPT_CHARACTERS_MIN))
        return environment

    def _as_read(self, value: Any) -> Any:
        """Return a value as a text has it."""
        if value is None:
            return ""
        if value.__class__ is bool:
            return "true" if value else "false"
        if value.__class__ in (float, dict, list):
            try:
                return self._numbers.write(msgspec.json.encode(_bare(value))).decode()
            except TwoInOne:
                raise _two_in_one() from None
        return value


def _run(environment: Environment, template: str, read: Any, *, fields: bool = False) -> str:
    seen = dict.copy(read) if fields else {"event": read, "data": dict.get(read, "data")}
    try:
        return environment.render_template(NAME, **seen)
    except TemplateError as error:
        raise Unrenderable(_why(error, template)) from None
    except AttributeError as error:  # of a plain value, which the engine passes on
        raise Unrenderable(_no_method("", str(error))) from None
    except Unfit as unfit:
        raise Unrenderable(f"The filter {unfit}") from None
    except TypeError:  # of a filter of ours
        raise Unrenderable(_OTHER_ARGUMENTS) from None


def _bare(value: Any) -> Any:
    """Return a plain value as one that can be written."""
    if value.__class__ is dict:
        return {name: _bare(inner) for name, inner in dict.items(value)}
    return [_bare(inner) for inner in value] if value.__class__ is list else value


def _two_in_one() -> Unrenderable:
    return Unrenderable(
        "Numbers with a point must differ within 17 digits to be printed; two of this event do "
        "not. Print neither of them, or have them sent as text."
    )


def _object(text: str) -> bytes:
    output = text.strip().encode("utf-8", "surrogatepass")
    if len(output) > OUTPUT_MAX:
        raise Unrenderable(
            f"The output must have at most {OUTPUT_MAX} bytes; got {len(output)}. Use less of the "
            "event."
        )
    must = "The output must be one JSON object"
    try:
        value = _decode(output)
        if value.__class__ is dict:
            return msgspec.json.format(output, indent=-1)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        where = str(error).split("(", 1)[-1].rstrip(")") if "(byte" in str(error) else ""
        at = f" at {where}" if where else ""
        raise Unrenderable(
            f"{must}; got {len(output)} bytes that are not JSON{at}. Print values as "
            "{{ … }}, without quotes around them."
        ) from None
    got = "a list" if value.__class__ is list else "a single value"
    raise Unrenderable(f"{must}; got {got}. Write braces around it.")


def _why(error: TemplateError, template: str) -> str:
    """Return MiniJinja's reason in one line. It names types, places and words of the template;
    values are cut away, also where the event says which template to include or which argument to
    give."""
    at = f" in line {error.line}" if error.line else ""
    kind = str(error.kind)
    if kind == "OutOfFuel":
        return f"The transformation takes more than {FUEL} steps{at}. Loop over less."
    quoted = _QUOTED.sub(
        lambda one: one[0] if (one[2] or one[0]) in template else "*", error.detail or kind
    )
    first_line = quoted.split("\n")[0]
    if kind == "UnknownMethod":
        return _no_method(at, first_line.rpartition(" ")[2])
    if first_line.startswith(_CALCULATE):
        first_line = _CALCULATE  # the rest is the numbers
    if kind in _FAULTS:
        return f"The template has a fault{at}: {first_line[:160]}. Correct it."
    return (
        f"The template cannot be run on this event{at}: {first_line[:160]}. Give what may be "
        "absent a "
        "|default(…)."
    )


def _no_method(at: str, name: str) -> str:
    return (
        f"The template calls a method{at}, {name[:40]}; values have none. Use a filter: |items for "
        "pairs, |default(…) for what may be absent."
    )


_OTHER_ARGUMENTS = (
    "A filter is given arguments that it does not take. Write |time(format, zone) and "
    "|number(decimals, point, group)."
)
# To the last mark of the same kind, or to the end: what stands within may hold such marks itself.
_QUOTED = re.compile(r"(?<!\w)([\"'`])(?:(.*)\1|.*)", re.DOTALL)
_CALCULATE = "unable to calculate"
_FAULTS = (
    "SyntaxError", "UnknownFilter", "UnknownFunction", "UnknownTest", "TemplateNotFound",
    "TooManyArguments", "MissingArgument",
)  # fmt: skip
