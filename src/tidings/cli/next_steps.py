"""What a command says can be done next, and that it is never what has just been done in vain."""

import shlex
from itertools import zip_longest

# Commands that need no service: of these the help says more than a look at the service would.
_LOCAL = frozenset("actions serve backup restore simulate receive completion".split())
DRY_RUN = "--dry-run"
_WHERE = frozenset("--url --profile --org".split())
_SAME_ANYHOW = _WHERE | {"--json"}


def other_step(command: str, typed: list[str]) -> str:
    """Return the step itself, or what leads on where it would only repeat what was typed."""
    words = shlex.split(command, comments=False)[1:]
    if not _repeats(words, typed):
        return command
    places = _places(words)
    if places and places[0] in _LOCAL:
        return shlex.join(["tidings", *places[:2], "--help"])
    other = ["webhooks", "list"] if places[:1] == ["doctor"] else ["doctor"]
    where = [(name, value) for name, value in _options(words).items() if name in _WHERE]
    return shlex.join(["tidings", *other, *(word for option in where for word in option)])


def _repeats(words: list[str], typed: list[str]) -> bool:
    if DRY_RUN in typed and DRY_RUN not in words:  # now it is done in earnest
        return False
    places, before = _places(words), _places(typed)
    known = _options(typed)
    same = all(
        name in _SAME_ANYHOW or (name in known and value in ("", known[name]))
        for name, value in _options(words).items()
    )
    return bool(before) and places[: len(before)] == before and same


def _places(words: list[str]) -> list[str]:
    """Return the words before the first option: the command, and what it is about."""
    end = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    return words[:end]


def _options(words: list[str]) -> dict[str, str]:
    """Return what each option is given; nothing for one without a value."""
    given = {}
    for word, after in zip_longest(words, words[1:], fillvalue="-"):
        if word.startswith("--"):
            name, stated, value = word.partition("=")
            given[name] = value if stated or after.startswith("-") else after
    return given
