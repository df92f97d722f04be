"""The `tidings` command. What a command needs is imported when it runs, so that help is quick."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, CoercionError, CycloptsError, Parameter

from tidings.cli.exits import Exit, refuse, say

app = App(
    name="tidings",
    help="Tells every subscribed webhook what happened, and keeps the proof.",
    help_epilogue="Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 refused, 5 unreachable.",
    help_format="plaintext",
    help_formatter="plain",
    version_flags=[],
)


@app.command
def serve(
    *,
    config: Path | None = None,
    data: Path | None = None,
    host: str | None = None,
    port: str | None = None,
    dev: bool | None = None,
) -> int:
    """Run the service until SIGTERM or Ctrl-C.

    Parameters
    ----------
    config
        A settings file in TOML.
    data
        The data directory. It is made when it is not there.
    host
        The address to listen on.
    port
        The port to listen on.
    dev
        Admit plain http and loopback or private receivers.
    """
    import os

    from tidings.settings import SettingsRefused, load

    options = {"data": data, "host": host, "port": port, "dev": dev}
    try:
        settings = load(os.environ, config, options)
    except SettingsRefused as refused:
        return refuse(refused.problems)
    from tidings.app import serve as run

    return run(settings)


@app.command
def send(
    file: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    url: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Post events from a file, with the credential in TIDINGS_KEY.

    Parameters
    ----------
    file
        JSON (one event or an array) or one event a line; - for stdin.
    url
        Where the service is. Default: TIDINGS_URL, else http://127.0.0.1:8080.
    json
        Print what became of each event as NDJSON.
    """
    from tidings.cli.send import send as run

    return run(file, url, json)


@app.command
def demo(
    *,
    port: int | None = None,
    data: Path | None = None,
    stay: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show it on this machine: three webhooks, one fails for a while.

    Parameters
    ----------
    port
        The port of the service. Default: 8080 if it is free, else any.
    data
        An empty directory to keep what the demo stores. Default: a temporary one.
    stay
        Leave the service running until Ctrl-C, as it does on a terminal.
    """
    from tidings.demo.play import run

    return run(port, data, stay or sys.stdout.isatty())


@app.command
def version() -> int:
    """Print the version."""
    from importlib.metadata import version as version_of

    print(version_of("tidings"))
    return Exit.OK


def _misfit(error: CoercionError) -> str:
    token, hint = error.token, error.argument.hint if error.argument else None
    if token is None or token.keyword is None:
        return str(error)
    what = "true or false" if hint in (bool, bool | None) else "a number"
    return f"{token.keyword} must be {what}; got {token.value}."


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CoercionError as error:
        say(_misfit(error))
        return Exit.USAGE
    except CycloptsError as error:
        say(f"{error} `tidings --help` shows what there is.")
        return Exit.USAGE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return Exit.FAILED
    return code if isinstance(code, int) else Exit.OK
