"""What is wrong with the words of a command line, in words that say what to write instead."""

import difflib
from typing import Literal, get_args, get_origin

from cyclopts import CoercionError, CycloptsError
from cyclopts.exceptions import (
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnusedCliTokensError,
)

_SHOWN = 60


def misuse(error: CycloptsError) -> str:
    """Return one sentence for the fault, and one for where it is explained."""
    command = " ".join(("tidings", *(error.command_chain or ())))
    if isinstance(error, CoercionError):
        return _misfit(error)
    if isinstance(error, UnknownCommandError):
        return f"{_unknown(error)} `{command} --help` lists them."
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        message = f"{_named(error.argument.name)} must be given; got none."
        if error.argument.tokens or error.keyword:
            message = f"{error.keyword or error.argument.name} must have a value; got none."
    elif isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        surplus = _short(error.unused_tokens[0])
        message = f"The line must end before {surplus}: that is one word too many. Quote spaces."
    elif isinstance(error, RepeatArgumentError):
        message = f"{error.token.keyword} must be given once; got it twice. Leave one out."
    else:
        message = str(error)
    return f"{message} `{command} --help` shows how."


def _misfit(error: CoercionError) -> str:
    """A value of another kind."""
    token, hint = error.token, error.argument.hint if error.argument else None
    if token is None or error.argument is None:
        return str(error)
    what = "true or false" if hint in (bool, bool | None) else "a number"
    if get_origin(hint) is Literal:
        words = [str(word) for word in get_args(hint)]
        what = f"{', '.join(words[:-1])} or {words[-1]}"
    return (
        f"{token.keyword or _named(error.argument.name)} must be {what}; got {_short(token.value)}."
    )


def _unknown(error: UnknownCommandError) -> str:
    word = (error.unused_tokens or [""])[0]
    names = [name for name in error.app or () if not name.startswith("-")]
    near = difflib.get_close_matches(word, names, 1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    return f'Unknown command "{_short(word)}".{hint}'


def _named(argument: str) -> str:
    """As the help names it: WEBHOOK, or --on."""
    return argument if argument.startswith("-") else argument.upper()


def _short(text: str) -> str:
    kept = "".join(sign if sign.isprintable() else "\ufffd" for sign in text[:_SHOWN])
    return kept if len(text) <= _SHOWN else kept + "…"
