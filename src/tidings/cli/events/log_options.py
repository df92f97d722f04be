"""The options of the commands that list a log: one for each filter that is declared for it."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

from cyclopts import Parameter

from tidings.cli.calls import ApiClient
from tidings.cli.events.event_names import EventNames
from tidings.cli.options.values import moment_of
from tidings.cli.webhook_names import find_webhook
from tidings.reads.filters import (
    ATTRIBUTES,
    EventTypeParameter,
    ListParameter,
    Moment,
    Parameters,
    WebhookParameter,
    YesNo,
)

QueryFields = dict[str, Any]
"""What the options say, by the names of their filters."""


def with_filters(known: Parameters) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Return a decorator of a command that then takes the filters of a log as options, and gets
    them as one: `asked`."""
    filters = {
        parameter.option.replace("-", "_"): parameter for parameter in known if parameter.option
    }

    def wrap(command: Callable[..., int]) -> Callable[..., int]:
        def run(**options: Any) -> int:
            query = {filters[name].name: options.pop(name) for name in filters if name in options}
            return command(asked=query, **options)

        own = list(inspect.signature(command).parameters.values())
        hints = get_type_hints(command, include_extras=True)
        kept = [
            option.replace(annotation=hints[option.name])
            for option in own
            if option.name != "asked"
        ]
        made = [_option(name, parameter) for name, parameter in filters.items()]
        run.__signature__ = inspect.Signature([*made, *kept])  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*made, *kept)}
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        return run

    return wrap


def _option(name: str, one: ListParameter) -> inspect.Parameter:
    text = one.help or one.about
    if isinstance(one.kind, YesNo):
        kind: Any = Annotated[bool, Parameter(help=text, negative=())]
    elif isinstance(one.kind, EventTypeParameter):
        kind = Annotated[EventNames | None, Parameter(help=text)]
    else:
        kind = Annotated[str | None, Parameter(help=text)]
    usual = False if isinstance(one.kind, YesNo) else None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=usual, annotation=kind)


def query_of(api: ApiClient, known: Parameters, asked: QueryFields) -> QueryFields:
    """Build the query for the API: times as it reads them, a webhook by its id. Raise
    CommandExit."""
    found: QueryFields = {}
    for parameter in known:
        value = asked.get(parameter.name)
        if value is None or value is False:
            continue
        if isinstance(parameter.kind, Moment):
            ends = ATTRIBUTES[parameter] == "to_ms"
            value = moment_of(f"--{parameter.option}", value, ends=ends)
        elif isinstance(parameter.kind, WebhookParameter):
            value = find_webhook(api, value)["webHookId"]
        elif isinstance(parameter.kind, YesNo):
            value = parameter.kind.flag
        found[parameter.name] = value
    return found
