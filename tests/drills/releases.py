"""Two releases of this service with their files, of which the newer one's schema is one ahead.

The older one is the last commit before the newest script of the schema, where git has it. Where
there is no history, it is this one, and the newer one knows a script more.
"""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import NamedTuple

from tests import forked
from tests.e2e.harness.service import environment
from tests.e2e.harness.until import PATIENCE_S
from tidings.store.postgres import migration

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(migration.__file__).parent.relative_to(ROOT) / "schema"
# What statements that are prepared, and inserts that do not know of it, have to bear.
NEXT = """
ALTER TABLE event ADD COLUMN of_next bigint NOT NULL DEFAULT 7;
ALTER TABLE delivery ADD COLUMN of_next text;
ALTER TABLE webhook ADD COLUMN of_next text COLLATE "C" NOT NULL DEFAULT '';
CREATE TABLE of_next (id bigint PRIMARY KEY, sealed bytea NOT NULL);
CREATE INDEX event_of_next ON event (of_next) WHERE of_next <> 7;
"""


class Release(NamedTuple):
    """A release. `source`: its files; None: those of this one."""

    name: str
    schema: int
    source: Path | None = None

    @property
    def wrap(self) -> tuple[str, ...]:
        """What a command of this one is preceded by to be one of that release."""
        return () if self.source is None else ("env", f"PYTHONPATH={self.source}")

    def migrate(self, uri: str, *options: str) -> None:
        """Run `tidings migrate` of this release."""
        subprocess.run(
            [*self.wrap, forked.SCRIPT, "migrate", *options],
            env=environment(database=uri),
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=PATIENCE_S,
        )


class Releases(NamedTuple):
    """Two releases, one after the other."""

    older: Release
    newer: Release


def next_release(folder: Path) -> Releases:
    """Make a release that follows this one: its schema has a script more."""
    newest = migration.newest_schema()
    source = folder / "next"
    names = shutil.ignore_patterns("node_modules")
    shutil.copytree(ROOT / "src", source, ignore=names)  # with what is compiled
    script = source / SCRIPTS.relative_to("src") / f"{newest + 1:04}_of_next.sql"
    script.write_text(NEXT)
    return Releases(Release("this one", newest), Release("the next one", newest + 1, source))


def former_release(folder: Path) -> Releases | None:
    """Take the release before this one from git: the last one with the schema before; None where
    there is no such history."""
    newest = migration.newest_schema()
    commit = _git("log", "--diff-filter=A", "--format=%h", "-1", "--", f"{SCRIPTS}/{newest:04}_*")
    archive = _git("archive", "--format=tar", f"{commit.decode().strip()}^", "src")
    if not commit or not archive:
        return None
    source = folder / "former"
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(source, filter="data")
    name = f"{commit.decode().strip()}^"
    return Releases(Release(name, newest - 1, source / "src"), Release("this one", newest))


def _git(*words: str) -> bytes:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""
