"""What the engine asks of whoever runs templates."""

from typing import Protocol

TEMPLATE_MAX = 32 * 1024  # characters
OUTPUT_MAX = 256 * 1024  # bytes


class RenderRefused(Exception):
    """The template makes no message of this event; the same would happen again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason  # one sentence or two; holds no payload


class RenderLater(Exception):
    """Nothing can be said of the template now."""

    def __init__(self, reason: str, delay_s: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay_s = delay_s


class Renderer(Protocol):
    """Runs templates. Each run is bounded in time and memory, and hurts no other one."""

    async def render(self, template: str, event: bytes) -> bytes:
        """The JSON object that the template makes of an event (a JSON object).

        Raises RenderRefused and RenderLater.
        """
        ...

    async def check(self, template: str) -> str | None:
        """What is wrong with a template, in a sentence; None if it can be run.

        Raises RenderLater.
        """
        ...
