"""The `tidings` command. What a command needs is imported when it runs, so that help is quick."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from tidings import __version__
from tidings.cli.events.event_names import PlayedNames
from tidings.cli.exits import CommandExit, Exit, begin, next_step, refuse, say

app = App(
    name="tidings",
    help="Delivers every event to the webhooks that subscribe to it, and records each delivery.",
    help_epilogue="Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 refused, 5 unreachable.",
    help_format="plaintext",
    help_formatter="plain",
    version=__version__,
    version_flags=["--version"],
)


@app.command
def serve(
    *,
    config: Path | None = None,
    data: Path | None = None,
    database: str | None = None,
    host: str | None = None,
    port: str | None = None,
    dev: bool | None = None,
    hold: Annotated[bool, Parameter(negative=())] = False,
    cell: Annotated[str | None, Parameter(show=False)] = None,
) -> int:
    """Run the service until SIGTERM or Ctrl-C.

    Parameters
    ----------
    config
        A settings file in TOML.
    data
        The data directory. It is created if it does not exist.
    database
        The PostgreSQL database that holds the store, without a password: postgresql://…
    host
        The address to listen on.
    port
        The port to listen on.
    dev
        Admit plain http and loopback or private receivers.
    hold
        Send nothing until `tidings sending resume --all`: sending is paused for all orgs, also
        over a restart. Events are accepted.
    cell
        What the process of one cell is told by its host.
    """
    from tidings.cli.serving.serve import start

    options = {"data": data, "database": database, "host": host, "port": port, "dev": dev}
    return start(config, options, hold=hold, post=cell)


@app.command
def demo(
    *,
    port: int | None = None,
    data: Path | None = None,
    stay: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Run a demo on this machine: three webhooks, one of which fails for a while.

    Parameters
    ----------
    port
        The port of the service. Default: 8080 if it is free, else any.
    data
        An empty directory to keep what the demo stores. Default: a temporary one.
    stay
        Leave the service running until Ctrl-C, as it does on a terminal.
    json
        Print each line of the story as a line of JSON, and the result as the last one.
    """
    from tidings.demo.play import run

    return run(port, data, stay or sys.stdout.isatty(), json)


@app.command
def simulate(
    *,
    url: str | None = None,
    key: str | None = None,
    secret: str | None = None,
    profile: str | None = None,
    org: int | None = None,
    seed: int | None = None,
    rate: float | None = None,
    customers: int = 60,
    events: int = 1000,
    forever: Annotated[bool, Parameter(negative=())] = False,
    types: PlayedNames | None = None,
    print_only: Annotated[bool, Parameter(name="--print", negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Simulate a loyalty programme with invented members through the public API.

    Give the credential by TIDINGS_KEY or a profile: every process can read a command line.

    Parameters
    ----------
    url
        Where the service is. Default: TIDINGS_URL, else http://127.0.0.1:8080.
    key
        The credential's key. Default: TIDINGS_KEY holds key:secret.
    secret
        The credential's secret.
    profile
        The server and credential of this name (`tidings profiles`).
    org
        The org whose programme it is. Default: TIDINGS_ORG, the profile's, the credential's.
    seed
        Plays the same story again, with the same event ids. Default: another one each time.
    rate
        Events a second, at most. Default: as fast as the service takes them.
    customers
        How many members there are at one time, at most.
    events
        How many events to send.
    forever
        Send until Ctrl-C.
    types
        Send only these event types, separated by commas.
    print_only
        Print the events as NDJSON instead of sending them.
    json
        Print what became of all events as one line of JSON.
    """
    from tidings.cli.events.simulate import SimulateOptions, run

    return run(
        SimulateOptions(
            url=url,
            key=key,
            secret=secret,
            profile=profile,
            org=org,
            seed=seed,
            rate=rate,
            customers=customers,
            events=events,
            forever=forever,
            types=tuple(filter(None, map(str.strip, (types or "").split(",")))),
            print_only=print_only,
            json=json,
        )
    )


@app.command
def backup(
    *,
    to: Path,
    data: Path | None = None,
    cell: int | None = None,
    config: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Back up the data directory, also while the service runs.

    Where there are several cells, all of them and their map.

    Parameters
    ----------
    to
        A new directory, or a new file where the name ends in .tar. It will hold the key.
    data
        The data directory. Default: as `tidings serve`.
    cell
        Of several cells only this one.
    config
        A settings file in TOML.
    json
        Print what the copy holds as JSON.
    """
    from tidings.cli.serving.backup import backup as run

    return run(config, data, to, cell, json)


@app.command
def restore(
    *,
    source: Annotated[Path, Parameter(name="--from")],
    data: Path,
    cell: int | None = None,
    map: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Restore a backup to a new data directory.

    With --cell or --map one part of several cells is put back into the directory that
    has the others, also while these are served. A cell that is put back sends nothing before
    `tidings sending resume --all`.

    Parameters
    ----------
    source
        The directory or .tar file that `tidings backup` made.
    data
        The new data directory: empty, or not there. With --cell or --map: the one that has
        lost it.
    cell
        Only this cell.
    map
        Only the map of the cells.
    json
        Print what the copy holds as JSON.
    """
    from tidings.cli.serving.backup import restore as run

    return run(source, data, cell, map, json)


@app.command
def version(*, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Print the version.

    Parameters
    ----------
    json
        Print it as JSON.
    """
    print(f'{{"version":"{__version__}"}}' if json else __version__)
    return Exit.OK


# The groups, each with its commands in its own module, and commands of no group. Their help is
# beside what they do; to import all of it is for `make docs`, not for each start.
for _name, _path in (
    ("events", "events.events:app"),
    ("reference", "reference:app"),
    ("webhooks", "webhooks.webhooks:app"),
    ("failing", "webhooks.failing:failing"),
    ("incidents", "webhooks.incidents:app"),
    ("deliveries", "deliveries:app"),
    ("orgs", "orgs:app"),
    ("credentials", "credentials:app"),
    ("inboxes", "inboxes.inboxes:app"),
    ("alerts", "webhooks.alerts:app"),
    ("sources", "sources.sources:app"),
    ("connections", "connections:app"),
    ("actions", "actions.actions:app"),
    ("replay", "replay:app"),
    ("sending", "serving.sending:app"),
    ("master-key", "serving.master_key:app"),
    ("migrate", "serving.migrate:migrate"),
    ("store", "serving.store:app"),
    ("cells", "serving.cells:app"),
    ("audit", "audit.audit:app"),
    ("profiles", "profile_commands:app"),
    ("send", "events.send:send"),
    ("trigger", "events.trigger:trigger"),
    ("listen", "inboxes.listen:listen"),
    ("tail", "events.tail:tail"),
    ("show", "show:show"),
    ("doctor", "doctor:doctor"),
    ("login", "profile_commands:login"),
    ("completion", "help.completion:completion"),
):
    app.command(f"tidings.cli.{_path}", name=_name)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    begin(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        from tidings.cli.help.misuse import misuse  # noqa: PLC0415  # most commands are right

        say(misuse(error))
        return Exit.USAGE
    except CommandExit as stop:
        refuse([stop.problem])
        if stop.step:
            next_step(stop.step)
        return stop.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return Exit.FAILED
    return code if isinstance(code, int) else Exit.OK
