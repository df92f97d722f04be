"""A command that takes options made from the declaration of a resource."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, update_wrapper
from inspect import Parameter as Argument
from inspect import Signature, signature
from typing import Any

from tidings.cli.options.declared import DeclaredOption
from tidings.cli.output import word


@dataclass(frozen=True)
class ParsedOptions:
    """The values that somebody has written in such options."""

    body: dict[str, Any] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    """As they were written, to be copied."""


class WithFlags:
    """A command whose first parameter takes what was `ParsedOptions` in options made from
    declarations.

    They are made when they are asked for: to load what declares them takes longer than most
    commands do. So register it by its path, or as `default_command`: else it is asked at once.
    """

    def __init__(
        self, command: Callable[..., int], make: Callable[[], Sequence[DeclaredOption]]
    ) -> None:
        update_wrapper(self, command)
        self.__annotations__ = {}  # those of the command are no longer all
        _, *self._own = signature(command).parameters.values()
        self._command = command
        self._make = make

    @cached_property
    def _flags(self) -> Sequence[DeclaredOption]:
        return self._make()

    @cached_property
    def __signature__(self) -> Signature:
        """Return the signature of the command with these options."""
        ours = [flag.argument for flag in self._flags]
        every = sorted([*self._own, *ours], key=lambda one: one.kind)
        return Signature(every)

    def __call__(self, *args: Any, **kwargs: Any) -> int:
        """Run it."""
        values = self.__signature__.bind(*args, **kwargs).arguments
        parsed = _parse(self._flags, values)
        rest = {
            parameter.name: values[parameter.name]
            for parameter in self._own
            if parameter.name in values
        }
        first = [
            rest.pop(parameter.name)
            for parameter in self._own
            if parameter.kind is Argument.POSITIONAL_ONLY
        ]
        return self._command(parsed, *first, **rest)


def with_flags(
    make: Callable[[], Sequence[DeclaredOption]],
) -> Callable[[Callable[..., int]], WithFlags]:
    """See `WithFlags`."""
    return lambda command: WithFlags(command, make)


def _parse(of: Sequence[DeclaredOption], values: Mapping[str, Any]) -> ParsedOptions:
    parsed = ParsedOptions()
    for flag in of:
        value = values.get(flag.argument.name)
        if value is None:
            if flag.filled is not None:
                _put(parsed.body, flag.path, flag.filled)
            continue
        _put(parsed.body, flag.path, flag.read(flag.name, value))
        if flag.name:
            parsed.words.append(_written(flag.name, value))
    return parsed


def _put(body: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        body = body.setdefault(name, {})
    body[path[-1]] = value


def _written(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"--no-{name.removeprefix('--')}"
    several = value if isinstance(value, list) else [value]
    return " ".join(
        f"{name} {word(f'{value:g}' if isinstance(value, float) else str(value))}"
        for value in several
    )
