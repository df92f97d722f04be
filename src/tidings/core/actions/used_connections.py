"""Which of the operator's connections an action goes over: its act, and its look-ups. Pure."""

from tidings.core.actions.action import Action, HttpCall, NewEvents, SqlLookup


def used_connections(action: Action) -> frozenset[str]:
    """Return the names of the connections that an action cannot do without."""
    acts = [act for act in action.acts.values() if not isinstance(act, HttpCall | NewEvents)]
    lookups = [lookup.where for lookup in action.lookups if isinstance(lookup.where, SqlLookup)]
    return frozenset(part.connection for part in (*acts, *lookups))
