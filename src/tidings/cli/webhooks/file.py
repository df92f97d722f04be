"""`tidings webhooks export` and `apply`. What they need to read YAML is loaded when they run, so
that their help is quick."""

from typing import Annotated

from cyclopts import Parameter

from tidings.cli.where import HERE, Where

Flag = Annotated[bool, Parameter(negative=())]
FileName = Annotated[str, Parameter(allow_leading_hyphen=True)]  # - is stdin, or stdout


def export(file: FileName = "-", /, *, where: Where = HERE) -> int:
    """Export the webhooks to a file, without secrets.

    Parameters
    ----------
    file
        Where to; - for stdout. YAML, or with --json JSON.
    """
    from tidings.cli.webhooks import as_code

    return as_code.export(file, where)


def apply(
    file: FileName,
    /,
    *,
    dry_run: Flag = False,
    prune: Flag = False,
    from_original: Flag = False,
    yes: Flag = False,
    where: Where = HERE,
) -> int:
    """Apply a file of webhooks: show what changes, and ask for confirmation on a terminal.

    Parameters
    ----------
    file
        YAML or JSON, as `export` writes it; - for stdin.
    dry_run
        Only show what would change.
    prune
        Delete webhooks that the file does not name.
    from_original
        The file is an answer of the original's GET /v3/webHooks.
    yes
        Do not ask.
    """
    from tidings.cli.webhooks import as_code

    return as_code.apply(
        file, where, dry_run=dry_run, prune=prune, from_original=from_original, yes=yes
    )
