"""Writes what the commands make: `python -m tools.cli_page docs/cli.md help.txt`.

The second file is what `--help` prints (quick_help.py).
"""

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from cyclopts import App
from rich.console import Console

from tidings.cli.app import app
from tidings.cli.help.quick_help import NEXT

WIDTH = 92
NO_DEFAULT = re.compile(r' \[default: (?:False|"")\]')  # what is so where nothing is said
UNBROKEN = 1000  # what is printed is broken here, not by the help
DEEP = " " * 6
HELP_LINES = ("  --help", "  -h")
EPILOGUE = "Exit codes:"
COMMON = ("  --url ", "  --profile ", "  --org ", "  --json")

HEAD = """\
# The command line

This page is made from the commands (`make docs`); a test holds it current. `tidings COMMAND --help`
says the same.

Data goes to stdout, talk to stderr: a pipe gets data alone, and each success ends with one `Next:`
line, a command to copy. Tables have at most 100 columns; `--json` prints NDJSON instead, one line
for each thing. Colour only on a terminal, and never with `NO_COLOR`.

Times are in the zone of your shell and carry it: `2026-11-24T15:30:00+01:00`, `Z` for UTC, and a
time of today without its date. `--since` and `--until` read them as they are printed, and `30m`,
`2h` or `3d` ago.

One verb does one thing to whatever it is done to: `list`, `show`, `create`, `edit`, `delete`,
`pause`, `resume`, `retry`, `drain`. Where a command had another verb, that one works for one more
release and says the new one.

| Exit code | Meaning |
|---|---|
| 0 | it is done |
| 1 | it failed, or the object of the check is unhealthy |
| 2 | the command, a file or a variable cannot be so |
| 3 | not found |
| 4 | the service refused it, or the question was answered no |
| 5 | the service does not answer |

## Server and credential

```console
$ tidings login local --url http://127.0.0.1:8080     # asks for key and secret, and keeps them
$ echo "$KEY:$SECRET" | tidings login ci              # without a terminal
$ tidings doctor --profile local
```

Profiles are in `~/.config/tidings/profiles.toml` (below `XDG_CONFIG_HOME` where that is set). The
file holds secrets: it has mode 0600, and one that others can read is refused. Strongest first:

1. the options: `--url`, `--org`, `--profile`
2. `TIDINGS_PROFILE`
3. `TIDINGS_KEY` (`key:secret`, or the key alone with `TIDINGS_SECRET`), with `TIDINGS_URL` and
   `TIDINGS_ORG`
4. the profile that was logged in last, or chosen (`tidings profiles use`)

`TIDINGS_URL` without `TIDINGS_KEY` is refused where it names another server than the profile's: no
secret goes where it does not belong. Every command that speaks to a service takes `--url`,
`--profile`, `--org` and `--json`; they are not repeated below. Without an org a command is for the
credential's own; only the platform's credential may name another.

## Try it without a receiver

`tidings trigger pointsIssued` sends an event of your org that is new each time, made from the
example of its type; `--set data.totalPointsIssued=7` changes a value in it. It knows the types that
the org declares, as `tidings events` does: for those it asks the service.

`tidings listen --on pointsIssued` makes a test inbox in the service and a webhook to it, checks
each signature with the webhook's secret, and removes both at Ctrl-C, SIGTERM and a closed terminal.
`--status 503 --delay 2s` says how arrivals are answered; `--forward http://127.0.0.1:3000/hook`
sends each one on as it came. The inbox answers by itself: what the local URL answers is shown, not
passed on.

## What ails a webhook

`tidings webhooks list` and `show` say in a word how each one does: ✓ well, ✗ failing, ‖ held up (by
its connection), ‖ paused, ✗ disabled. It is the word of the API, of the console and of `tidings
actions list`. One whose receiver fails so much that it is asked from time to time only is left
alone besides. `list` also counts what waits for those that fail or are held up, and has a dash
where that is not known: for all others, and for those that `GET /v1/failing` does not name. `list
--failing` has only those that let nothing through, those first that hold up most: what waits, by
how long the oldest has waited. What was paused or disabled while it failed comes last. With
`--all-orgs` the platform's credential lists the failing ones of all orgs, whatever org the
environment or the profile names, and without those that are paused or disabled; without
`--failing` there is no such list.
`tidings doctor crm` names one cause and one fix. What stands in the way of everything comes first:
what somebody has paused, disabled or stopped, then what the receiver does, then what is waited for.

## Webhooks as code

```console
$ tidings webhooks export webhooks.yaml
$ tidings webhooks apply webhooks.yaml --dry-run      # the difference, and nothing is changed
$ tidings webhooks apply webhooks.yaml
```

A webhook is known by its name. What the file leaves out of a webhook has its default, so the file
says all there is; applied twice, it changes nothing the second time. Webhooks that the file does
not name stay, unless `--prune` deletes them. A change carries the version that was read: what
somebody else has changed meanwhile is refused, not lost. Whether a webhook is paused is no part of
the file.

Before anything is changed, with `--dry-run` or without, the service tries every change. All that it
would refuse is told at once, each with its place in the file (`webhooks[1].webHookUrl`), and
nothing is done. So a dry run takes the scope `webhooks:write` too.

Secrets are not exported. The value of a header is written `${CRM_AUTHORIZATION}`: a variable of
the environment. Where it is not set the header stays as it is; a new webhook needs it, and so does
one that moves to another host. What the service shows of a value (`…cdef`) is never written. A
value that is given and ends as the stored one is sent again: whether it differs is only known then,
and told by the count. `signingSecret: ${CRM_SECRET}` gives a new webhook a secret of yours;
without it one is made, and `tidings webhooks rotate` shows a new one. URLs are exported as they
are: keep secrets out of them.

`tidings webhooks apply --from-original answer.json` takes an answer of the original's
`GET /v3/webHooks`: the active webhooks, by name. What the original does not know is left alone.

## Commands

"""

FOOT = """\
## If it did not work

- Exit code 2: the message says what must be, and what came. `tidings COMMAND --help` has the rest.
- Exit code 3 for something that is there: the credential is of another org. `--org` names the org.
- Exit code 4: the words are those of the service; its code is at their end.
- Exit code 5: `tidings doctor` says where it looked.
- `needs the variable …`: a file of webhooks names a secret that the environment does not hold.
- `listen` was killed (SIGKILL) and its webhook is left: `tidings webhooks list` shows `listen-…`;
  delete it. Its inbox goes by itself after 30 days.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_section(path) for path in paths(app, ())) + FOOT


def help_file() -> str:
    """The help of all commands, that of `tidings` itself first, their lines unbroken."""
    return NEXT.join(f"{' '.join(path)}\n{_help(path)}" for path in ((), *paths(app, ())))


def _help(path: tuple[str, ...]) -> str:
    lines = [line.rstrip() for line in help_of(path).strip().splitlines()]
    kept = [line for at, line in enumerate(lines) if line or lines[at - 1]]
    return "\n".join(kept) + "\n"


def paths(parent: App, before: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every command, by the words that call it."""
    for name in sorted(name for name in parent if not name.startswith("-")):
        command = parent[name]
        yield (*before, name)
        yield from paths(command, (*before, name))


def _section(path: tuple[str, ...]) -> str:
    lines = [line.rstrip() for line in help_of(path).splitlines()]
    lines = [line for line in lines if not line.startswith((*HELP_LINES, EPILOGUE, *COMMON))]
    kept = [part for line in lines for part in wrap(line, WIDTH, subsequent_indent=DEEP) or [""]]
    while kept and (not kept[-1] or kept[-1] == "Parameters:"):
        kept.pop()
    level = "###" if len(path) == 1 else "####"
    return f"{level} tidings {' '.join(path)}\n\n```text\n" + "\n".join(kept) + "\n```\n\n"


def help_of(path: tuple[str, ...]) -> str:
    """What --help prints for a command."""
    list(paths(app, ()))  # what is not loaded yet would be listed without its sentence
    out = io.StringIO()
    app.help_print(list(path), console=Console(file=out, width=UNBROKEN, no_color=True))
    text = NO_DEFAULT.sub("", out.getvalue())
    if "[ARGS]" in text:
        listed = text.partition("Arguments:\n")[2].partition("\n\n")[0].splitlines()
        names = [line.split(":")[0].strip() for line in listed if "[required]" not in line]
        text = text.replace("[ARGS]", " ".join(f"[{name}]" for name in names))
    return text


if __name__ == "__main__":
    for file, text in zip(sys.argv[1:], (page(), help_file()), strict=True):
        Path(file).write_text(text)
