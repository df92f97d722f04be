"""What the workers of pytest-xdist say of a test: that it has passed, and not five times.

They tell the main process of its begin, its setup, its call, its teardown and its end, which is a
fifth of a millisecond of processor for each of twenty-four thousand tests. Of those that pass,
nobody asks but for the call and the end. This leans on names that pytest-xdist does not promise;
where they have gone, the workers say all of it as before, as they do where `--durations` or
`--junitxml` asks.
"""

from typing import Any

import pytest

ASKS = ("durations", "xmlpath")


def say_less(config: pytest.Config) -> None:
    """Have a worker leave out what nobody asks for."""
    if any(config.getoption(option, None) is not None for option in ASKS):
        return
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor" and hasattr(plugin, "sendevent"):
            plugin.sendevent = _Lean(plugin.sendevent)


def is_asked_for(name: str, data: dict[str, Any] | None) -> bool:
    """Tell whether the main process does anything with an event of a worker."""
    if name == "testreport" and data is not None:
        return data["when"] == "call" or data["outcome"] != "passed" or bool(data["sections"])
    return name != "logstart"


class _Lean:
    """Sends what is asked for."""

    def __init__(self, send: Any) -> None:
        self._send = send

    def __call__(self, name: str, **of: Any) -> None:
        if is_asked_for(name, of.get("data")):
            self._send(name, **of)
