"""`tidings master-key`: the key that secrets are sealed with, where the store is a database."""

import base64
import os

from cyclopts import App

from tidings.cli.exits import Exit, next_step, say

app = App(
    name="master-key", help="Create the master key of a service that keeps its store in PostgreSQL."
)


@app.command
def create() -> int:
    """Print a new master key, in base64."""
    from tidings.engine.vault import KEY_BYTES  # noqa: PLC0415  # slow, and help needs it not

    print(base64.b64encode(os.urandom(KEY_BYTES)).decode())
    say(
        "Keep it as secret as the database, and not in it. What is sealed with it opens with no "
        "other key."
    )
    next_step("TIDINGS_MASTER_KEY_FILE=FILE tidings serve")
    return Exit.OK
