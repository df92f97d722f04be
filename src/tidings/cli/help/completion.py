"""`tidings completion`: what a shell needs to complete commands and options."""

import sys
from typing import Literal

from tidings.cli.exits import Exit, next_step

WHERE = {
    "bash": "tidings completion bash > ~/.local/share/bash-completion/completions/tidings",
    "zsh": 'tidings completion zsh > "${fpath[1]}/_tidings"',
    "fish": "tidings completion fish > ~/.config/fish/completions/tidings.fish",
}

# bash quotes commas, though they need it not, and would see the quotes at the next TAB in a list.
_COMMAS = ('COMPREPLY+=("$_q")', 'COMPREPLY+=("${_q//\\\\,/,}")')


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print the completion script of a shell.

    Parameters
    ----------
    shell
        bash, zsh or fish.
    """
    from tidings.cli.app import app  # noqa: PLC0415  # it names this module: not before it is used

    script = app.generate_completion(prog_name="tidings", shell=shell)
    sys.stdout.write(script.replace(*_COMMAS) if shell == "bash" else script)
    if sys.stdout.isatty():
        next_step(WHERE[shell])
    return Exit.OK
