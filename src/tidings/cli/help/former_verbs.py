"""Former verbs of commands: they work for one more release, and help and completion hide them.

One verb does one thing to whatever it is done to. Who renames a command adds it here; who makes the
next release empties the table. This module stays small: each command passes here.
"""

import sys
from collections.abc import Sequence

FORMER_VERBS = {
    ("cells", "add"): "create",
    ("cells", "remove"): "delete",
    ("profiles", "remove"): "delete",
    ("sending", "start"): "resume",
    ("sending", "stop"): "pause",
    ("sources", "change"): "edit",
    ("sources", "redrive"): "retry",
}


def with_present_verb(words: Sequence[str]) -> list[str]:
    """Return the words of a command line with the verb that it has now, and say so on stderr where
    it was called otherwise."""
    noun, former = [*words[:2], "", ""][:2]
    if (verb := FORMER_VERBS.get((noun, former))) is None:
        return list(words)
    print(f"`tidings {noun} {former}` is now `tidings {noun} {verb}`.", file=sys.stderr, flush=True)
    return [noun, verb, *words[2:]]
