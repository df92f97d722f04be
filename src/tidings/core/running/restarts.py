"""When a part that has failed is begun anew. Pure."""

FIRST_S = 1.0
LAST_S = 30.0
AGAIN_CODE = 75  # a process ends with it in order, to be started again at once
SOUND_AFTER_S = 60.0  # a part that has run for so long is well again


def restart_delay_s(failures: int) -> float:
    """Compute how long to wait before a restart, in seconds, after so many failures in a row."""
    return min(LAST_S, FIRST_S * 2.0 ** min(10, max(0, failures - 1)))


def count_failures(failures: int, ran_s: float) -> int:
    """Count one more failure in a row: the first one again where it has run well before it."""
    return 1 if ran_s >= SOUND_AFTER_S else failures + 1
