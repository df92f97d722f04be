"""What a command says can be done next, and that it is never what has just been done in vain."""

import shlex

# Commands that need no service: of these the help says more than a look at the service would.
_LOCAL = frozenset("actions serve backup restore simulate receive completion".split())
DRY_RUN = "--dry-run"
_SAME_ANYHOW = frozenset("--url --profile --org --json".split())


def other_step(command: str, typed: list[str]) -> str:
    """Return the step itself, or what leads on where it would only repeat what was typed."""
    words = shlex.split(command, comments=False)[1:]
    if not _repeats(words, typed):
        return command
    places = _places(words)
    if places[:1] == ["doctor"]:
        return "tidings webhooks list"
    if places and places[0] in _LOCAL:
        return shlex.join(["tidings", *places[:2], "--help"])
    return "tidings doctor"


def _repeats(words: list[str], typed: list[str]) -> bool:
    if DRY_RUN in typed and DRY_RUN not in words:  # now it is done in earnest
        return False
    places, before = _places(words), _places(typed)
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    known = {word.partition("=")[0] for word in typed if word.startswith("--")} | _SAME_ANYHOW
    return bool(before) and places[: len(before)] == before and options <= known


def _places(words: list[str]) -> list[str]:
    """The words before the first option: the command, and what it is about."""
    end = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    return words[:end]
