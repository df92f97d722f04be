"""Is the service ready: what the engine says to whoever asks."""

from typing import Protocol


class ReadinessProbe(Protocol):
    """Answers whether the service can do its work."""

    def problems(self) -> list[str]:
        """List, in sentences, why the service is not ready; empty when it is."""

    def notices(self) -> list[str]:
        """List what else an operator should know; none of it makes the service unready."""
