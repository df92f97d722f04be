"""The profile: samples are of their phase, and a service that is sampled shows all of them."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest

from bench.layout import Hook, crowd
from bench.profiling import profile, sampler
from bench.profiling.phases import MAIN, SHARED, UNKNOWN, WRITER, Phase, phase_of
from bench.report import VOID, Options

PHASES = (
    Phase("accept", "HTTP", ("tidings.server",)),
    Phase("accept", "write of the 202", ("tidings.server.writer", "tidings.server.call:Call.send")),
    Phase("rest", "loop", ("tidings.app",)),
)


@pytest.mark.parametrize(
    ("stack", "phase"),
    [
        (["tidings.server.reader:Reader.feed", "tidings.app:serve"], ("accept", "HTTP")),
        (["tidings.server.writer:Writer.head"], ("accept", "write of the 202")),
        (["tidings.server.call:Call.send", "tidings.server.call:run"], PHASES[1][:2]),
        (["tidings.server.call:Call.send.<locals>.late"], PHASES[1][:2]),
        (["tidings.server.call:Call.sends"], ("accept", "HTTP")),
        (["json:loads", "tidings.server.call:run"], ("accept", "HTTP")),
        (["tidings.core.ids:show", "tidings.server.call:run"], ("accept", "HTTP")),
        (["asyncio.runners:run", "tidings.app:serve"], ("rest", "loop")),
        (["tidings.newer:f", "tidings.server.call:run"], (UNKNOWN, "tidings.newer")),
        (["threading:wait"], (UNKNOWN, "threading")),
        ([], (UNKNOWN, "nothing of Python")),
    ],
)
def test_a_sample_is_of_the_innermost_frame_that_is_known(
    stack: list[str], phase: tuple[str, str]
) -> None:
    assert phase_of(stack, PHASES) == phase


@pytest.mark.parametrize("phases", [MAIN, WRITER], ids=["main", "writer"])
def test_every_place_of_the_table_is_in_the_code_and_in_one_phase(
    phases: tuple[Phase, ...],
) -> None:
    places = [place for phase in phases for place in phase.places]
    assert len(set(places)) == len(places)
    for place in (*places, *SHARED):
        name, _, within = place.partition(":")
        found: Any = importlib.import_module(name)
        for part in within.split(".") if within else ():  # may be empty: most are whole modules
            found = getattr(found, part)


def test_shares_add_up_to_the_whole_and_what_is_unknown_is_shown() -> None:
    stacks = [
        (("json:loads", "tidings.server.reader:feed"), 70),
        (("tidings.newer:f",), 20),
        (("tidings.app:serve",), 10),
    ]
    samples = profile.Samples(["tidings", "serve"], 100, 100, 3, stacks)
    found = profile.shares(samples, PHASES)
    assert [(share.group, share.name, share.ns) for share in found] == [
        ("accept", "HTTP", 70),
        ("accept", "write of the 202", 0),
        ("rest", "loop", 10),
        (UNKNOWN, "tidings.newer", 20),
    ]
    assert found[0].places == [("server.reader:feed", 70)]


def test_a_frame_that_has_just_begun_has_not_been_at_work() -> None:
    seen: list[tuple[str, ...]] = []

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if event == "call" and frame.f_code.co_name == "called":
            seen.append(sampler.stack_of(frame))
        return None

    def called() -> None:
        seen.append(sampler.stack_of(sys._getframe()))

    sys.settrace(trace)
    try:
        called()
    finally:
        sys.settrace(None)
    just_begun, at_work = seen
    assert at_work[0].endswith("<locals>.called")
    assert just_begun == at_work[1:]


BUSY = """
import sys, time
def burn():
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
def main():
    burn()
if __name__ == "__main__":
    main()
"""


def test_a_process_is_sampled_without_knowing_of_it_and_only_while_asked(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY)
    sampling = profile.Sampling(tmp_path)
    env = {**os.environ, "PYTHONPATH": f"{sampling.settings['PYTHONPATH']}:{tmp_path}"}

    def burned() -> profile.Samples:
        subprocess.run([sys.executable, "-m", "busy"], env=env, cwd=tmp_path, check=True)
        [file] = (tmp_path / "sampling").glob("samples-*.json")
        found = msgspec.json.decode(file.read_bytes(), type=profile.Samples)
        file.unlink()
        return found

    with sampling.on():
        samples = burned()
    assert samples.command[-2:] == ["-m", "busy"]
    assert 0 < samples.main_ns < 1.1 * samples.process_ns
    burning = sum(ns for stack, ns in samples.stacks if stack[0] == "busy:burn")
    assert burning > samples.main_ns / 2
    assert burned().samples == 0


@pytest.mark.systems
def test_a_service_that_is_sampled_shows_every_phase_of_both_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def few(receiving: int, webhooks: int = 1, orgs: int = 1) -> list[Hook]:
        return crowd(receiving, webhooks, orgs)

    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setattr(profile, "crowd", few)
    rows = profile.run(Options(seconds=0.3, connections=8, patience_seconds=0.0, folder=tmp_path))
    assert [row for row in rows if row.verdict == VOID] == []
    shown = {row.what for row in rows}
    for name, phases in (("main", MAIN), ("writer", WRITER)):
        assert {f"{name}, {phase.group}: {phase.name}" for phase in phases} <= shown
    [samples] = [row.measured for row in rows if row.what == "main: samples"]
    assert int(samples.replace(",", "")) > 0
