"""Check the subjects of commits: `python scripts/subjects.py`, as `make check` runs it.

A subject is `area: Verb what`, of 72 characters at most, with a verb of the trade and none of
`RETIRED`. Commits up to `BEFORE` are as they are. Where the history cannot be asked, this is said.
"""

import re
import subprocess
import sys
from collections.abc import Iterator

BEFORE = "3fcb60245466e301d6ac8224e7b467c8f3ddd003"  # the newest commit from before the rule
SUBJECT_MAX = 72
SUBJECT = re.compile(r"[a-z][a-z0-9_.-]*(?:, [a-z][a-z0-9_.-]*)*: ([A-Z][a-z]+(?:-[a-z]+)?) \S")
RETIRED = frozenset(("Let", "Say", "Tell", "Hold", "Keep"))


def main(before: str = BEFORE) -> int:
    """Print the subjects that break the rule; return 1 if any does."""
    git = ["git", "log", "--no-merges", "--format=%h %s", f"{before}..HEAD"]
    try:
        log = subprocess.run(git, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        reason = str(getattr(error, "stderr", "") or error).strip().splitlines()[0]
        print(f"Subjects of commits are not checked: the history must reach {before}; {reason}")
        return 0
    found = list(faults(log.splitlines()))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


def faults(lines: list[str]) -> Iterator[str]:
    """Yield what is wrong with each subject, of lines that begin with the commit's hash."""
    for line in lines:
        commit, _, subject = line.partition(" ")
        shape = SUBJECT.match(subject)
        if shape is None:
            yield f"{commit}: the subject must be `area: Verb what`; got {subject!r}."
        elif shape[1] in RETIRED:
            yield f"{commit}: the verb must be one of the trade, as Add or Fix; got {shape[1]}."
        if len(subject) > SUBJECT_MAX:
            yield f"{commit}: the subject must have {SUBJECT_MAX} characters at most: {subject!r}."


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
