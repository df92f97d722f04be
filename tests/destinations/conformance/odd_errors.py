"""Errors of every family that a driver or its library could raise, and lines that raise them."""

import asyncio
import linecache
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import tidings

DRIVER_FOLDERS = ("destinations", "connections")

ROOT = Path(tidings.__file__).parent


class Odd(BaseException):
    """No Exception, and known to nobody."""


ERRORS = [KeyError("x"), asyncio.CancelledError(), Odd(), OverflowError("x"), MemoryError()]

NOT_RAISING = (
    "try:",
    "with ",
    "async with ",
    "finally:",
    "else:",
    "return None",
    "break",
    "continue",
)

Place = tuple[str, int]


class Lines:
    """Notes the lines of drivers that run, and has one of them raise once."""

    def __init__(self) -> None:
        self.seen: dict[Place, None] = {}
        self.breaks: Place | None = None
        self.error: BaseException = ValueError()
        self.raised = False

    def __enter__(self) -> "Lines":
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(str(ROOT)):
            return None
        folder = Path(file).relative_to(ROOT).parts[0]
        return self._line if folder in DRIVER_FOLDERS else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            place = frame.f_code.co_filename, frame.f_lineno
            if linecache.getline(*place).strip().startswith(NOT_RAISING):
                return self._line
            self.seen[place] = None
            if place == self.breaks and not self.raised:
                self.raised = True
                raise self.error.with_traceback(None)
        return self._line
