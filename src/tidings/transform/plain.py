"""An event's values as a template sees them: fields and items, and no method of Python.

MiniJinja looks for a name among the fields of an object first and among its attributes second, so
that `data.keys` was a method of Python where the event had no such field, and `data.list.pop()`
changed the event. Objects and lists are therefore handed over as classes without attributes.

MiniJinja takes for an object what has `items`: it asks for the class first, then for `items`. That
one question is answered; every other time `items` is a field or nothing. (tests/transform/
test_plain.py holds the engine to that order.)
"""

from typing import Any

_asked_for_class = False  # by the engine, of the last value; runs are one after the other


class PlainObject(dict[str, Any]):
    """An object: its fields alone."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        global _asked_for_class  # noqa: PLW0603  # an attribute of its own would be one to find
        if name == "__class__":
            _asked_for_class = True
            return dict
        if name == "items" and _asked_for_class:
            _asked_for_class = False
            return True
        _asked_for_class = False
        raise AttributeError(name)


class PlainList(list[Any]):
    """A list: its items alone."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return list
        raise AttributeError(name)


def plain(value: Any) -> Any:
    """Return a decoded JSON value with its objects as `PlainObject` and its lists as
    `PlainList`."""
    if value.__class__ is dict:
        return PlainObject({name: plain(inner) for name, inner in value.items()})
    if value.__class__ is list:
        return PlainList([plain(inner) for inner in value])
    return value
