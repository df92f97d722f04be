"""A TOML file that the operator writes and the service reads at its start: a table for each thing.

A text in it that is `${NAME}`, wherever it stands, is taken from the environment, so that the file
holds no secret.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tidings.errors import Unusable

_FROM_ENVIRONMENT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class FileRefused(Unusable):
    """The file cannot be used; the text says where and why."""


class OperatorFile:
    """One of them. `what`: that of which it has tables."""

    def __init__(self, path: Path, what: str, environment: Mapping[str, str] = os.environ) -> None:
        self.path = path
        self._what = what
        self._environment = environment

    def tables(self) -> dict[str, Any]:
        """By name, in their order, with what the environment says. FileRefused."""
        try:
            document = tomllib.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise FileRefused(
                f"The file of {self._what} {self.path} must be TOML that can be read; {error}. "
                "Mend it."
            ) from None
        return {name: self._filled(name, "", said) for name, said in document.items()}

    def refused(self, table: str, must: str, got: object) -> FileRefused:
        """What must be in a table, and what is there."""
        return FileRefused(f"{self.path}: [{table}] {must}; got {got!r}. Mend it.")

    def wrong(self, table: str, messages: Sequence[str]) -> FileRefused:
        """All that is wrong with a table, in sentences that name its fields."""
        return FileRefused("\n".join(f"{self.path}: [{table}] {one}" for one in messages))

    def _filled(self, table: str, field: str, said: Any) -> Any:
        if isinstance(said, dict):
            stem = f"{field}." if field else ""
            return {key: self._filled(table, stem + key, one) for key, one in said.items()}
        if isinstance(said, list):
            return [self._filled(table, field, one) for one in said]
        if not isinstance(said, str) or (found := _FROM_ENVIRONMENT.fullmatch(said)) is None:
            return said
        if found[1] not in self._environment:
            raise FileRefused(
                f"{self.path}: [{table}] {field} must be set in the environment as {found[1]}; it "
                "is not. Set it, and start again."
            )
        return self._environment[found[1]]
