"""All exceptions of Tidings are one tree, and each kind of refusal has its status at the faces."""

import importlib
import inspect
import pkgutil
import re
from functools import cache
from pathlib import Path

import tidings
from tidings import errors
from tidings.api.answers import STATUS

# Not of the tree, and why.
APART = {
    "tidings.server.refusals.RejectedRequest": "the HTTP server knows nothing of what it serves",
    "tidings.app.start_retry.StartAborted": "ends a start that waits: a signal has come, nothing "
    "is wrong",
    "tidings.api.keyed._Answered": "leads out of a route whose answer is kept; nothing is wrong",
    "tidings.engine.sources.pump._TurnOver": "ends a source's turn on a line; nothing is wrong",
    "tidings.engine.sources.pump._Ending": "ends one that is paused or deleted; nothing is wrong",
    # The command line is a client, whose help loads no msgspec and so not this tree.
    "tidings.cli.exits.CommandExit": "ends a command, with the code that its process exits by",
    "tidings.cli.events.simulate.Stopped": "the same, of the one command that sends in a loop",
    "tidings.cli.inboxes.listen.ListeningStopped": "somebody says that it is enough; no "
    "Exception at all",
    "tidings.cli.service.ServiceUnreachable": "no service answers the client; becomes a Stop",
    "tidings.cli.webhooks.document.BadFile": "a file of the client's side; becomes a Stop",
}
# These stand for several kinds, and are not raised themselves.
GROUPS = {errors.RequestRefused, errors.Denied}
BELOW_FACES = tuple("catalogue core engine store destinations egress transform reads".split())


@cache
def exceptions() -> dict[str, type[BaseException]]:
    """All classes of exceptions, by where they stand."""
    found = {}
    for walk_package in pkgutil.walk_packages(tidings.__path__, "tidings."):
        if walk_package.name.endswith(".__main__"):  # a program, which would run
            continue
        for name, value in vars(importlib.import_module(walk_package.name)).items():
            if inspect.isclass(value) and issubclass(value, BaseException):
                if value.__module__ == walk_package.name:
                    found[f"{walk_package.name}.{name}"] = value
    return found


def refusals() -> list[type[BaseException]]:
    """All that say why something is not done that was asked for."""
    return [
        exception
        for exception in exceptions().values()
        if issubclass(exception, errors.RequestRefused)
    ]


def test_every_exception_is_of_the_tree() -> None:
    apart = tuple(exceptions()[name] for name in APART)
    tree: tuple[type[BaseException], ...] = (errors.TidingsError, *apart)
    assert [
        name for name, exception in exceptions().items() if not issubclass(exception, tree)
    ] == []
    assert [element for element in apart if issubclass(element, errors.TidingsError)] == []
    assert len(exceptions()) > 60  # the walk still finds them


def test_every_refusal_is_of_one_kind_and_every_kind_has_a_status() -> None:
    kinds = {
        refusal: [kind.__name__ for kind in STATUS if issubclass(refusal, kind)]
        for refusal in refusals()
        if refusal not in GROUPS
    }
    assert {kind: found for kind, found in kinds.items() if len(found) != 1} == {}
    of_the_tree = {refusal for refusal in refusals() if refusal.__module__ == errors.__name__}
    assert of_the_tree - GROUPS == set(STATUS)


def test_what_stands_for_several_kinds_is_not_raised() -> None:
    raised = re.compile(rf"\b({'|'.join(group.__name__ for group in GROUPS)})(\.because)?\(")
    source = Path(tidings.__file__).parent
    by = [
        path.relative_to(source).as_posix()
        for path in sorted(source.rglob("*.py"))
        for line in raised.finditer(path.read_text("utf-8"))
        if not path.read_text("utf-8")[: line.start()].endswith("class ")
    ]
    assert by == []


def test_no_exception_below_the_faces_knows_a_status() -> None:
    floors = tuple(f"tidings.{floor}." for floor in BELOW_FACES)
    knowing = [
        name
        for name, exception in exceptions().items()
        if name.startswith(floors) and "status" in inspect.signature(exception.__init__).parameters
    ]
    assert knowing == []


def test_the_tree_is_drawn_with_all_of_its_kinds() -> None:
    drawn = errors.__doc__ or ""
    own = [
        exception for exception in exceptions().values() if exception.__module__ == errors.__name__
    ]
    assert [
        element.__name__ for element in own if not re.search(rf"\b{element.__name__}\b", drawn)
    ] == []
