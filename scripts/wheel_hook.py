"""A step of the build of a wheel: without the console's libraries there is none."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = Path(__file__).with_name("console_assets")


class WheelHook(BuildHookInterface):  # type: ignore[type-arg]
    """Found by hatchling through pyproject.toml."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Refuse to build where they are missing; an editable install gets them afterwards."""
        assets = runpy.run_path(str(ASSETS), run_name="assets")
        names = [Path(name).name for name in assets["SERVED"]]
        missing = [name for name in names if not (assets["VENDOR"] / name).is_file()]
        if missing and version != "editable":
            raise SystemExit(
                f"The console's libraries must be there to build a wheel; got no "
                f"{', '.join(missing)}. Run make setup, then build again."
            )
