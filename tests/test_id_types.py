"""No id is a bare number or text on its way through the inner floors: a checker finds mixing only
where the types say what is what."""

import asyncio
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any, get_type_hints

import pytest

from tidings.core import ids
from tidings.core.ids import DeliveryId, OrgId, WebhookId
from tidings.errors import FieldRefusal

FLOORS = ("core", "engine", "reads", "store.port")
IDS = {"org": OrgId, "webhook_id": WebhookId, "delivery": DeliveryId}
BARE = (int, int | None, str, str | None)
# Names that a module imports for its checker alone.
LATER = {name: vars(ids)[name] for name in ("WebhookId",)} | {
    "FieldRefusal": FieldRefusal,
    "Future": asyncio.Future,
}
# What a person gives is a text until it is read.
READ_LATER = {"delivery_id"}


def modules(floor: str) -> Iterator[ModuleType]:
    package = importlib.import_module(f"tidings.{floor}")
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def annotated(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The functions and classes that a module defines, and the methods of these."""
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", "") != module.__name__:
            continue
        if inspect.isfunction(thing):
            yield name, thing
        elif inspect.isclass(thing):
            yield name, thing
            for attribute, method in vars(thing).items():
                if inspect.isfunction(method):
                    yield f"{name}.{attribute}", method


def bare_ids(module: ModuleType) -> Iterator[str]:
    for place, thing in annotated(module):
        for name, hint in get_type_hints(thing, localns=LATER).items():
            if name in IDS and hint in BARE:
                yield f"{module.__name__}.{place}: {name}: {hint}; say {IDS[name].__name__}"


@pytest.mark.parametrize("floor", FLOORS)
def test_no_id_of_a_signature_or_a_field_is_a_bare_number_or_text(floor: str) -> None:
    assert [bare for module in modules(floor) for bare in bare_ids(module)] == []


def test_a_bare_id_is_seen() -> None:
    """The test itself: what it says of a module that has one."""
    module = ModuleType("made")
    exec("def f(org: int, delivery: int | None = None, number: int = 0) -> None: ...", vars(module))  # noqa: S102
    module.f.__module__ = "made"
    assert list(bare_ids(module)) == [
        "made.f: org: <class 'int'>; say OrgId",
        "made.f: delivery: int | None; say DeliveryId",
    ]
