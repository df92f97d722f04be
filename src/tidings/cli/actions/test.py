"""`tidings actions test`: what actions would make of one event, or really make of it."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from tidings.cli.actions.check import FILE_IS, USUAL
from tidings.cli.exits import CommandExit, Exit, next_step, refuse, say
from tidings.cli.output import clean, glyph, how_many, json_of, print_line, print_text, word

if TYPE_CHECKING:
    from tidings.app.action_trial import Tried
    from tidings.core.actions.action import Action
    from tidings.settings.settings import Settings

EVENT_BYTES_MAX = 1 << 20
BODY_SHOWN_MAX = 4000  # characters
NAME_SHOWN_MAX = 100
NOWHERE = "action:"  # the URL of an action that goes to none
FORM = "application/x-www-form-urlencoded"
BLOCKED = "blocked by policy"  # as attempts, tokens and look-ups say it


def test(
    event: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    file: str = "",
    only: str = "",
    send: Annotated[bool, Parameter(negative=())] = False,
    dev: bool | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show what actions make of an event: the very request, mail or row. Nothing is sent.

    Look-ups are really asked. Needs, waits, quiet hours and caps are as if they were over.

    Parameters
    ----------
    event
        A file with an event as JSON, - for standard input, or an event type, for its example.
    file
        The file of actions. Default: TIDINGS_ACTIONS, or actions.toml in this folder.
    only
        Try this action alone.
    send
        Really do it, marked as a test where that can be.
    dev
        Admit plain http and loopback or private systems.
    json
        Print a line of JSON for each action.
    """
    from tidings.settings.load import SettingsRefused, load

    path = Path(file or os.environ.get(FILE_IS) or USUAL)
    body = _event(event)
    try:
        settings = load(os.environ, None, {"actions": path, "dev": dev})
    except SettingsRefused as refused:
        return refuse(refused.problems)
    tried = _tried(settings, body, only, send)
    if json:
        for trial_run in tried:
            print_line(_line(trial_run))
    else:
        for trial_run in tried:
            _print(trial_run)
    did = [
        trial_run for trial_run in tried if (trial_run.done if send else trial_run.made is not None)
    ]
    bad = [
        trial_run
        for trial_run in tried
        if trial_run.failed or (trial_run.ending is not None and not trial_run.done)
    ]
    does = "did" if send else "would do"
    say(f"{len(did)} of {how_many(len(tried), 'action')} {does} something for the event.")
    if any(BLOCKED in text for trial_run in tried for text in (trial_run.why, _ended(trial_run))):
        say(
            "Addresses of this machine and of private networks are not called: --dev admits them "
            "here, and a service that is to call one takes TIDINGS_ALLOW."
        )
    again = f"tidings actions test {word(event)} --file {word(str(path))}"
    again += f" --only {word(only)}" if only else ""
    how = "" if dev is None else " --dev" if dev else " --no-dev"
    run = f"tidings actions run {word(str(path))}{how}"
    check = f"tidings actions check {word(str(path))}"
    next_step(f"{again}{how} --send" if not send else check if bad else run)
    return Exit.FAILED if bad else Exit.OK


def _event(named: str) -> bytes:
    """The bytes of the event that is meant. Raise CommandExit."""
    import json

    from tidings import catalogue
    from tidings.core.events.call_split import DEFAULT_LIMITS
    from tidings.core.events.envelope import EventFault, decode

    body = _read(named)
    if body is None:
        kind = catalogue.load().get(named)
        if kind is None or not kind.examples:
            raise CommandExit(
                "EVENT must be a file, - or an event type with an example; got "
                f"{clean(named[:NAME_SHOWN_MAX])}.",
                Exit.USAGE,
                "tidings events list",
            )
        return json.dumps(kind.example).encode()
    why = ""
    try:
        read = decode(body, DEFAULT_LIMITS.depth) if len(body) <= EVENT_BYTES_MAX else {}
    except EventFault as fault:
        read, why = {}, f" {fault.sentence}"
    if not isinstance(read.get("eventName"), str):
        raise CommandExit(
            f"EVENT must be one event, a JSON object of at most {EVENT_BYTES_MAX >> 20} MiB with "
            f"eventName; {clean(named)} holds something else.{clean(why)}",
            Exit.USAGE,
            "tidings events example customerAdded > event.json",
        )
    return body


def _read(named: str) -> bytes | None:
    """Read what is piped in, or a file; None where there is none of the name. Raise CommandExit."""
    if named == "-":
        return sys.stdin.buffer.read(EVENT_BYTES_MAX + 1)
    try:
        if not Path(named).is_file():
            return None
    except OSError:  # of a name that no file can have
        return None
    try:
        with Path(named).open("rb") as file:
            return file.read(EVENT_BYTES_MAX + 1)
    except OSError as error:
        raise CommandExit(
            f"EVENT must be a readable file; got {clean(named)} ({clean(error.strerror)}).",
            Exit.USAGE,
        ) from None


def _tried(settings: "Settings", body: bytes, only: str, send: bool) -> list["Tried"]:
    from tidings.app.action_trial import action_trial
    from tidings.app.machine import log_to_stderr
    from tidings.errors import Unusable

    log_to_stderr("error")  # what is seen on the way is said here in other words

    async def run() -> list["Tried"]:
        async with action_trial(settings) as trial:
            if only and only not in trial.actions:
                raise CommandExit(
                    f"ONLY must be an action of the file; got {clean(only)}. It has "
                    f"{', '.join(trial.actions)}.",
                    Exit.NOT_FOUND,
                )
            wanted = [
                action for action in trial.actions.values() if not only or action.name == only
            ]
            return [await trial.attempt(action, body, send=send) for action in wanted]

    try:
        return asyncio.run(run())
    except Unusable as refused:
        raise CommandExit(
            clean(refused, lines=True), Exit.FAILED, "tidings actions check"
        ) from None


def _line(tried: "Tried") -> dict[str, Any]:
    shown, made = tried.shown, tried.made
    return {
        "action": tried.action.name,
        "why": tried.why or None,
        "failed": tried.failed,
        "language": None if made is None else made.language or None,
        "steps": []
        if made is None
        else [[step.name, step.said, step.took_ms] for step in made.steps],
        "request": None
        if shown is None
        else {
            "method": shown.method,
            "url": shown.url or None,
            "headers": shown.headers,
            "body": shown.body.decode("utf-8", "replace"),
        },
        "sent": tried.ending is not None,
        "done": tried.done,
    }


def _print(tried: "Tried") -> None:
    action, shown = tried.action, tried.shown
    sign = "failed" if tried.failed or (tried.ending is not None and not tried.done) else ""
    sign = sign or ("cancelled" if tried.made is None else "delivered" if tried.done else "pending")
    print_text(glyph(sign), " ", action.name, *(["  ", tried.why] if tried.why else []))
    if tried.made is None or shown is None:
        return
    for step in tried.made.steps:
        print(f"  look-up {clean(step.name)}: {clean(step.said)}, {step.took_ms:.1f} ms")
    if tried.made.language:
        print(f"  language {clean(tried.made.language)}")
    if passed := _passed_over(action):
        print(f"  not waited for: {passed}")
    print(f"  {clean(shown.method)} {clean('' if shown.url == NOWHERE else shown.url)}".rstrip())
    for name, value in shown.headers:
        print(f"  {clean(name)}: {clean(value)}")
    print()
    for line in _body(shown.body, dict(shown.headers).get("content-type", "")).splitlines():
        print(f"    {clean(line)}")
    if tried.ending is not None:
        print(f"  {clean(_ended(tried))}")


def _passed_over(action: "Action") -> str:
    """Say what would keep the action from being done at once, were it no test."""
    found = [f"needs {action.needs}"] if action.needs else []
    found += ["after"] if action.after_s else []
    found += ["quiet hours"] if action.quiet is not None else []
    return ", ".join(found + (["cap"] if action.cap is not None else []))


def _body(body: bytes, kind: str) -> str:
    import json
    from urllib.parse import parse_qsl

    text = body.decode("utf-8", "replace")
    if kind.startswith(FORM):  # which nobody reads as it goes
        fields = parse_qsl(text, keep_blank_values=True)
        text = "\n".join(f"{name} = {value}" for name, value in fields)
    try:
        text = json_of(json.loads(text), indent=2)
    except (ValueError, RecursionError):
        pass
    return text if len(text) <= BODY_SHOWN_MAX else f"{text[:BODY_SHOWN_MAX]}\n…"


def _ended(tried: "Tried") -> str:
    from tidings.core.delivery.exchange import ReceiverAnswer

    ending = tried.ending
    if isinstance(ending, ReceiverAnswer):
        message = ending.detail or f"Answered {ending.status} after {ending.duration_ms:.0f} ms."
        return (
            message if tried.done else f"{message} {ending.body[:500].decode('utf-8', 'replace')}"
        )
    return "" if ending is None else ending.detail
