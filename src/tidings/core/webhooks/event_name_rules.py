"""What a webhook may ask to hear: names of event types, and prefixes of names (name_matching.py).

A name must be of a known type: the catalogue's, the org's own, or one of an org below it. Where the
org admits unknown types, any name that such an event may bear can be asked for, before the first
one comes. A prefix must cover a known type, or the org admits unknown ones. What was asked for
stays when the org refuses them again, and hears nothing: a warning says so.
"""

from collections.abc import Collection, Mapping, Sequence

from tidings.core.events.own_types import RESERVED
from tidings.core.form import Form
from tidings.core.ids import UNKNOWN_NAME
from tidings.core.webhooks.name_matching import is_prefix, prefixes_of, unheard_names
from tidings.values import describe_value

EVENT_NAMES_EMPTY = 51003
MORE_NAMES_MAX = 100  # names and prefixes of one webhook that are not of a known type
PREFIXES_MAX = 20
UNHEARD = "unheard_event_name"
_FIELD = "eventNames"


def read_event_names(
    form: Form,
    old: tuple[str, ...] | None,
    known: Collection[str],
    *,
    aliases: Mapping[str, str],
    admits_unknown: bool,
) -> tuple[str, ...]:
    """Read the field `eventNames`, and refuse in the form what does not fit. `old` are those of the
    webhook that is replaced; `aliases` are other names of known types, which stand for those."""
    if old is not None and _FIELD not in form.body:
        return old
    value = form.body.get(_FIELD)
    if value is None or value == []:
        got = "nothing" if value is None else "an empty list"
        form.refuse(
            EVENT_NAMES_EMPTY,
            _FIELD,
            f"eventNames must name at least one event type; got {got}. Start with "
            '["pointsIssued"].',
        )
        return ()
    if not isinstance(value, list):
        form.refuse(
            "bad_type",
            _FIELD,
            f"eventNames must be a list of texts; got {describe_value(value)}. Write "
            '["pointsIssued"].',
        )
        return ()
    taken = [_real(form, name, known, aliases) for name in value]
    wrong = [name for name in taken if not can_be_asked_for(name, known)]
    names = tuple(dict.fromkeys(name for name in taken if isinstance(name, str)))
    waiting = [] if admits_unknown else unheard_names(names, known)
    wrong += [name for name in waiting if name not in (old or ()) and name not in wrong]
    for name in wrong[:10]:
        advice = "GET /v3/webHooks/eventMetaData lists them; case matters"
        if not admits_unknown:
            advice += ". Others can be named once unknownTypes of the org is admitted"
        form.refuse(
            "unknown_event_name",
            _FIELD,
            'eventNames must contain names of event types, or prefixes such as "com.example.*"; '
            f"got {describe_value(name)}. {advice}.",
        )
    if wrong:
        return ()
    _bound(form, names, known)
    if waiting:
        form.warn(UNHEARD, _FIELD, warn_of_unheard(waiting))
    return names


def warn_of_unheard(names: Sequence[str]) -> str:
    """Warn of names that nothing is heard under while the org refuses unknown types."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return (
        "eventNames should contain types that the org takes. It refuses unknown types, so nothing "
        f"is heard under {', '.join(names[:5])}{more}. Set unknownTypes of the org to admitted, or "
        "take them out."
    )


def _bound(form: Form, names: Sequence[str], known: Collection[str]) -> None:
    """Refuse too many names of unknown types and prefixes: an event of a name that was not seen
    before is compared with all of them."""
    more, prefixes = sum(name not in known for name in names), len(prefixes_of(names))
    if more <= MORE_NAMES_MAX and prefixes <= PREFIXES_MAX:
        return
    form.refuse(
        "too_many_event_names",
        _FIELD,
        f"eventNames must contain at most {MORE_NAMES_MAX} names of unknown types, and at most "
        f"{PREFIXES_MAX} prefixes among them; got {more}, with {prefixes} prefixes. Use a prefix "
        "that covers several.",
    )


def _real(form: Form, name: object, known: Collection[str], aliases: Mapping[str, str]) -> object:
    """Return the name of the type that a name stands for, with a warning; else the name itself."""
    if not isinstance(name, str) or name in known or name not in aliases:
        return name
    form.warn(
        "event_name_alias",
        _FIELD,
        f"eventNames should contain {aliases[name]}; got {name}, another name for the same event "
        f"type. {aliases[name]} was used: the webhook gets events under both names.",
    )
    return aliases[name]


def can_be_asked_for(name: object, known: Collection[str]) -> bool:
    """Return whether it is a known type's name, a prefix, or a name that an event of nobody's may
    bear."""
    if not isinstance(name, str):
        return False
    if name in known or is_prefix(name):
        return True
    return UNKNOWN_NAME.fullmatch(name) is not None and not name.startswith(RESERVED)
