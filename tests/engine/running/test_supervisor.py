"""What fails or freezes is begun anew, and told of by its name; what stands is told."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tests.simulation.loop import simulate
from tidings.core.running.service_part import ServicePart
from tidings.engine.heartbeats import Heart, Heartbeats
from tidings.engine.running.supervisor import Supervisor

PART = ServicePart("retention", "data that is too old is kept")
VITAL = ServicePart("commits", "nothing is accepted", vital=True, restarts=False)


def run(scenario: Callable[[Heartbeats, Supervisor], Any]) -> None:
    async def main() -> None:
        heartbeats = Heartbeats()
        supervisor = Supervisor(heartbeats)
        heartbeats.start()
        await scenario(heartbeats, supervisor)
        heartbeats.stop()

    simulate(1, main())


def figures(heartbeats: Heartbeats) -> str:
    registry = CollectorRegistry()
    registry.register(heartbeats)
    return generate_latest(registry).decode()


def test_a_job_that_fails_is_begun_anew_and_told_of_until_it_holds() -> None:
    async def scenario(heartbeats: Heartbeats, supervisor: Supervisor) -> None:
        begun: list[float] = []

        async def job(heart: Heart) -> None:
            begun.append(asyncio.get_running_loop().time())
            if len(begun) <= 3:
                raise RuntimeError("broken")
            await heart.sleep(1e9)

        task = supervisor.start(PART, job)
        await asyncio.sleep(0.5)
        [told] = heartbeats.notices()
        assert "retention" in told and "too old" in told and heartbeats.problems() == []
        assert 'tidings_part_works{part="retention"} 0.0' in figures(heartbeats)
        await asyncio.sleep(20)
        assert [round(at) for at in begun] == [0, 1, 3, 7]
        assert "runs again" in heartbeats.notices()[0]
        assert 'tidings_part_restarts_total{part="retention"} 3.0' in figures(heartbeats)
        await asyncio.sleep(60)
        assert heartbeats.notices() == []
        await task.stop()
        await task.stop()
        assert len(asyncio.all_tasks()) == 1

    run(scenario)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), TimeoutError(), KeyError("x")])
def test_whatever_ends_a_job_is_no_end(error: BaseException) -> None:
    async def scenario(heartbeats: Heartbeats, supervisor: Supervisor) -> None:
        begun = 0

        async def job(heart: Heart) -> None:
            nonlocal begun
            begun += 1
            if begun == 1:
                raise error
            await heart.sleep(1e9)

        supervisor.start(PART, job)
        await asyncio.sleep(3)
        assert begun == 2

    run(scenario)


def test_a_job_that_freezes_is_told_within_thirty_seconds_and_begun_anew() -> None:
    async def scenario(heartbeats: Heartbeats, supervisor: Supervisor) -> None:
        begun = 0

        async def job(heart: Heart) -> None:
            nonlocal begun
            begun += 1
            if begun == 1:
                await asyncio.get_running_loop().create_future()
            while True:
                await heart.sleep(3600.0)

        supervisor.start(PART, job)
        await asyncio.sleep(30)
        assert begun == 2 and "retention" in heartbeats.notices()[0]
        await asyncio.sleep(3600 * 30)
        assert begun == 2 and heartbeats.notices() == []

    run(scenario)


@pytest.mark.parametrize("work_s", [30.0, 75.0, 3600.0, 1e9])
def test_however_long_a_job_may_work_it_is_told_within_thirty_seconds(work_s: float) -> None:
    async def scenario(heartbeats: Heartbeats, supervisor: Supervisor) -> None:
        begun, answer = 0, asyncio.Event()

        async def job(heart: Heart) -> None:
            nonlocal begun
            begun += 1
            heart.beat(work_s)
            await answer.wait()
            await heart.sleep(1e9)

        supervisor.start(PART, job)
        await asyncio.sleep(30)
        assert "retention" in heartbeats.notices()[0] and heartbeats.problems() == []
        assert 'tidings_part_works{part="retention"} 0.0' in figures(heartbeats)
        assert begun == 1, "it has its time before it is restarted"
        answer.set()
        await asyncio.sleep(70)
        assert heartbeats.notices() == []
        assert 'tidings_part_works{part="retention"} 1.0' in figures(heartbeats)

    run(scenario)


def test_a_part_at_rest_is_not_told_of() -> None:
    async def scenario(heartbeats: Heartbeats, supervisor: Supervisor) -> None:
        async def job(heart: Heart) -> None:
            heart.rest()
            await asyncio.sleep(3600.0)
            heart.beat()
            await asyncio.Event().wait()

        supervisor.start(PART, job)
        await asyncio.sleep(3599.0)
        assert heartbeats.notices() == []
        await asyncio.sleep(30.0)
        assert "retention" in heartbeats.notices()[0]

    run(scenario)


def test_a_job_that_does_not_let_itself_be_ended_has_no_second_one_beside_it() -> None:
    async def scenario(heartbeats: Heartbeats, supervisor: Supervisor) -> None:
        begun, free = 0, asyncio.Event()

        async def job(heart: Heart) -> None:
            nonlocal begun
            begun += 1
            if begun > 1:
                await heart.sleep(1e9)
            try:
                await asyncio.sleep(1e9)
            finally:
                await free.wait()

        supervisor.start(PART, job)
        await asyncio.sleep(300)
        assert begun == 1 and "not responded" in heartbeats.notices()[0]
        free.set()
        await asyncio.sleep(5)
        assert begun == 2

    run(scenario)


def test_what_is_vital_makes_the_service_unready_and_says_so_to_who_waits_for_its_end() -> None:
    async def scenario(heartbeats: Heartbeats, supervisor: Supervisor) -> None:
        async def hangs(heart: Heart) -> None:
            await asyncio.sleep(1e9)

        async def fails(heart: Heart) -> None:
            raise RuntimeError("broken")

        task = supervisor.start(VITAL, hangs)
        await asyncio.sleep(30)
        [told] = heartbeats.problems()
        assert "commits" in told and "nothing is accepted" in told and heartbeats.notices() == []
        await task.stop()
        assert heartbeats.problems() == []
        task = supervisor.start(VITAL, fails)
        with pytest.raises(RuntimeError, match="broken"):
            await task.ended

    run(scenario)


def test_work_left_lying_is_seen_where_a_part_shows_no_life_by_itself() -> None:
    async def scenario(heartbeats: Heartbeats, supervisor: Supervisor) -> None:
        left_s = 0.0

        async def job(heart: Heart) -> None:
            await asyncio.sleep(1e9)

        supervisor.start(VITAL, job, silent_s=lambda: left_s)
        await asyncio.sleep(600)
        assert heartbeats.problems() == []
        left_s = 5.0
        await asyncio.sleep(30)
        assert len(heartbeats.problems()) == 1
        left_s = 0.0
        await asyncio.sleep(2)
        assert heartbeats.problems() == []

    run(scenario)


def test_waits_end_in_time_and_beat_on_the_way() -> None:
    async def scenario(heartbeats: Heartbeats, supervisor: Supervisor) -> None:
        event, found = asyncio.Event(), []

        async def job(heart: Heart) -> None:
            found.append(await heart.wait(event, 100.0))
            found.append(await heart.wait(event))
            found.append(await heart.wait(event, 0.0))

        task = supervisor.start(PART, job, again=False)
        await asyncio.sleep(500)
        assert found == [False] and heartbeats.notices() == []
        event.set()
        await asyncio.sleep(0.1)
        assert found == [False, True, True] and task.ended.done()
        assert heartbeats.findings() == []

    run(scenario)


def test_a_notice_stands_by_its_name_until_it_is_cleared_or_its_time_is_over() -> None:
    async def scenario(heartbeats: Heartbeats, supervisor: Supervisor) -> None:
        heartbeats.raise_notice("bodies", "Bodies are full.")
        heartbeats.raise_notice("bodies", "Bodies are fuller.", problem=True)
        assert heartbeats.problems() == ["Bodies are fuller."] and heartbeats.notices() == []
        heartbeats.raise_notice("bodies", "Bodies are full.")
        heartbeats.raise_notice("blocked", "It stood still.", for_s=60.0)
        assert heartbeats.notices() == ["Bodies are full.", "It stood still."]
        assert 'tidings_notice_standing{notice="blocked"} 1.0' in figures(heartbeats)
        heartbeats.clear_notice("bodies")
        heartbeats.clear_notice("bodies")
        await asyncio.sleep(61)
        assert heartbeats.notices() == [] == heartbeats.problems()
        for number in range(200):
            heartbeats.raise_notice(f"n{number}", "x.")
        assert len(heartbeats.notices()) == 100

    run(scenario)
