"""Runs that nobody made, to be judged."""

from collections.abc import Sequence

from bench.process import Usage
from bench.run import Measured


def a_run(
    target: str, *, rate: float, cpu_us: float = 100.0, faults: Sequence[str] = ()
) -> Measured:
    """Make a run of a thousand events."""
    return Measured(
        target=target,
        events=1_000,
        deliveries=1_000,
        seconds=1_000 / rate,
        usage=Usage(cpu_seconds=cpu_us / 1e3),
        load_cpu=0.0,
        receiver_cpu=0.0,
        delays=[1.0] * 1_000,
        lag_p99_ms=0.0,
        pending=0,
        duplicates=0,
        verified=0,
        faults=list(faults),
    )
