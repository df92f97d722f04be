"""The `tidings` command: a client of the API, and what starts the service."""

import sys

from tidings.cli.help.former_verbs import with_present_verb
from tidings.cli.help.quick_help import quick_help


def main(words: list[str] | None = None) -> int:
    """Run one command; its exit code. Its words are those of the process where none are given."""
    words = with_present_verb(sys.argv[1:] if words is None else words)
    if (text := quick_help(words)) is not None:
        try:
            print(text, end="", flush=True)
        except BrokenPipeError:
            sys.stderr.close()
        return 0
    from tidings.cli.app import main as run

    return run(words)


__all__ = ["main"]
