"""One entry for each route: its call, who may make it, what it takes, answers and refuses.

The router, the check of the scope, the description and what tests ask of every call follow from it
(`router.py`, `context.py`, `openapi/`). A route cannot be made without one, nor without a scope.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from tidings.core.access.scopes import LEVELS, RESOURCES
from tidings.core.cells.call_subject import CallSubject, Over, subject_of
from tidings.core.events.call_reader import EITHER, AuthenticatedCaller

OPEN = "open"  # without a credential
KNOWN = "known"  # with any credential that is in force
PLATFORM = "platform "  # before a scope: for the platform's own credential alone
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH")

Json = dict[str, Any]
Refusals = Mapping[int, str]  # by status, in what words; empty: in those that it has everywhere

V1_REFUSALS: Refusals = {
    401: "No known credential",
    403: "The credential lacks the scope",
    404: "Unknown, or of another org",
    503: "The store is not there now",
}
_CONVERTER = re.compile(r":\w+\}")
_WORDS = {f"{resource}:{level}" for resource in RESOURCES for level in LEVELS[1:]}


class AnswerForm(NamedTuple):
    """One answer of a call, mostly of one that has done its work. `body` is a short form of
    `openapi/schema_shorthand.py` or a model, None for no body."""

    status: int
    description: str
    body: Any = None
    media: str = JSON


class StreamKind(NamedTuple):
    """One kind of what a stream tells: the component that its data is, when it is told, and an
    example."""

    component: str
    description: str
    example: Any


def ok(description: str, body: Any, status: int = 200) -> list[AnswerForm]:
    """List the one good answer of a call."""
    return [AnswerForm(status, description, body)]


def usually(*statuses: int) -> dict[int, str]:
    """Build refusals in the words that their statuses have everywhere."""
    return dict.fromkeys(statuses, "")


GONE = [AnswerForm(204, "It is gone")]
DONE = [AnswerForm(204, "Successful Response")]
STREAM = [AnswerForm(200, "Server-sent events, until the caller goes", "text", media=EVENT_STREAM)]


@dataclass(frozen=True, kw_only=True)
class RouteEntry:
    """Everything about one call that is no work of its handler."""

    method: str
    path: str  # as the router takes it; a parameter may have a converter
    scope: str  # what its caller must be allowed: OPEN, KNOWN, or scopes, all or one of them
    id: str = ""  # what a generated client calls it; empty: it is not described
    summary: str = ""
    about: str = ""  # beyond the summary; usually the docstring of the handler
    tag: str = ""
    answers: Sequence[AnswerForm] = ()
    refuses: Refusals = field(default_factory=dict)  # beyond what follows from its form
    refusal: str = ""  # the component that its refusals are; empty: that of its version
    body: Json = field(default_factory=dict)  # `requestBody`, as `models.body_of` makes it
    parameters: Sequence[Json] = ()  # beside those that the handler declares
    keyed: bool = False  # whether an Idempotency-Key makes it once: see `keyed.py`
    stream: Mapping[str, StreamKind] = field(default_factory=dict)
    asks_further: str = (
        ""  # a scope that the handler asks for besides, where what it finds needs it
    )
    attributed: bool = True  # whether it reads on whose behalf it is made
    over: Over = Over.NO_CELL  # beyond one org: where several cells are, whoever answers it
    more_methods: Sequence[str] = ()  # which do the same, and are not described
    more_paths: Sequence[str] = ()  # the same

    def __post_init__(self) -> None:
        """Raise ValueError where the entry cannot be meant so."""
        if self.method not in METHODS:
            raise ValueError(f"{self.path}: the method must be of {METHODS}; got {self.method}")
        words = self.scope.removeprefix(PLATFORM).replace(EITHER, " ").split()
        if self.scope not in (OPEN, KNOWN) and not (words and _WORDS.issuperset(words)):
            raise ValueError(
                f"{self.call}: the scope must be OPEN, KNOWN or of the scopes that credentials "
                f"have, such as logs:read; got {self.scope!r}"
            )
        if self.id and not (self.summary and self.tag):
            raise ValueError(f"{self.call}: what is described has a summary and a tag")

    @cached_property
    def call(self) -> str:
        """Return "GET /v1/…/{id}": what the entry is found by."""
        return f"{self.method} {_CONVERTER.sub('}', self.path)}"

    @cached_property
    def subject(self) -> CallSubject:
        """Return what tells whose its calls are. UndecidedRoute where nothing does."""
        return subject_of(
            self.call,
            self.path,
            is_open=self.is_open,
            of_platform=self.of_platform,
            over=self.over,
        )

    @property
    def is_open(self) -> bool:
        """Return whether it is answered without a credential."""
        return self.scope == OPEN

    @cached_property
    def of_platform(self) -> bool:
        """Return whether it is for the platform's own credential alone."""
        return self.scope.startswith(PLATFORM)

    @cached_property
    def scopes(self) -> str:
        """Return the scopes in words, without whose credential it must be."""
        return "" if self.scope in (OPEN, KNOWN) else self.scope.removeprefix(PLATFORM)

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """List the scopes that a caller must all have; in one may be a choice (`EITHER`)."""
        return (self.scopes,) if EITHER in self.scopes else tuple(self.scopes.split())

    def admits(self, caller: AuthenticatedCaller) -> bool:
        """Return whether a known caller may make the call."""
        is_enough = all(caller.may(scope) for scope in self.needed)
        return is_enough and (caller.platform or not self.of_platform)
