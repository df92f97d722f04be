"""Why a process of ours has ended, in words: a bound of memory ends one without a word."""

import errno
import signal

MEMORY = (
    "It must have more memory than it may take: an allocation failed. Raise the limit of the "
    "container, of the unit (MemoryMax) or of the shell (ulimit -v), and start again."
)

NO_MEMORY = 71  # the exit code of a process of ours that a bound of memory has ended

_MEMORY_ERRORS = ("can't start new thread", "failed to map segment", "annot allocate memory")


_ABORTED = (
    "C code aborts where an allocation failed, or where it finds a fault of its own. If memory is "
    "short, raise the limit of the container, of the unit (MemoryMax) or of the shell (ulimit -v)."
)


def describe_signal(number: int) -> str:
    """Name a signal by its number and in words."""
    return f"signal {number} ({signal.strsignal(number) or 'unknown'})"


def is_of_memory(error: BaseException | None) -> bool:
    """Tell whether an error comes of a bound of memory, whoever has met it: an allocation, a
    thread, a library that is loaded, or the kernel."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if isinstance(error, RuntimeError | ImportError | OSError):
            if any(words in str(error) for words in _MEMORY_ERRORS):
                return True
        error = error.__cause__ or error.__context__
    return False


def describe_end(code: int | None, *, ended_by_us: bool = False) -> str:
    """Say why a process has ended, by its exit code; below 0 it is the signal that ended it.
    `ended_by_us`: Tidings has killed it, because it did not respond."""
    if code is None:
        return "It does not answer on its line any more."
    if code == -signal.SIGKILL and ended_by_us:
        return "It did not respond, so Tidings has killed it (SIGKILL)."
    if code == -signal.SIGKILL:
        return (
            "It was killed (SIGKILL). The kernel does so where memory is short, or where the "
            "container or the unit takes more than it may: see its log (dmesg), and raise the "
            "limit."
        )
    if code < 0:
        also = f" {_ABORTED}" if code == -signal.SIGABRT else ""
        return f"It was ended by {describe_signal(-code)}.{also}"
    if code == NO_MEMORY:
        return MEMORY
    return f"It ended with code {code}." if code else "It ended by itself."
