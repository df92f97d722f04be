"""What is read of one message, beside the events that it makes."""

from typing import cast

import pytest

from tests.api.control_client import service
from tests.engine.sources.topic import BODY, Topic, fetched
from tidings.core.events.passage import HEADER, HOPS_MAX, Passage
from tidings.core.sources.message import ForeignMessage
from tidings.engine.sources.message_reader import MessageReader
from tidings.transform.port import Mapper


@pytest.mark.parametrize(
    ("headers", "hops"),
    [
        ([], None),
        ([("who", "somebody")], None),
        ([(HEADER, "3; via=a.b")], 3),
        ([("who", "somebody"), (HEADER.title(), f"{HOPS_MAX}")], HOPS_MAX),
    ],
)
@pytest.mark.parametrize("mapped", [False, True])
async def test_the_passage_of_a_message_is_what_its_header_says(
    headers: list[tuple[str, str]], hops: int | None, mapped: bool
) -> None:
    mapping = {"eventName": {"path": "eventName"}, "data": {"path": "data"}}
    async with service() as s:
        live = await fetched(s, Topic(), **({"mapping": mapping} if mapped else {}))
        events = s.parts.events
        reader = MessageReader(
            reader=events.reader,
            late=events.late,
            mapper=cast(Mapper, None),  # nobody is asked: what it costs fits the loop
            clock_ms=lambda: 0,
            doors=events.doors,
        )
        read = await reader.read(live, ForeignMessage("t/0/1", headers, BODY % 1))
        assert read.fault is None and len(read.items) == 1
        if hops is None:
            assert read.passage is None
        else:
            assert isinstance(read.passage, Passage)
            assert (read.passage.hops, read.passage.unread) == (hops, False)
        await s.parts.sources.pumps.stop()
