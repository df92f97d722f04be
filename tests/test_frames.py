"""Whatever a socket makes of a run of messages, they come out whole and in order."""

from hypothesis import given
from hypothesis import strategies as st

from tidings.frames import Frames, framed


@given(st.lists(st.binary(max_size=300)), st.lists(st.integers(0, 2000)))
def test_messages_come_out_as_they_were_however_they_are_cut(
    messages: list[bytes], cuts: list[int]
) -> None:
    sent, frames = b"".join(map(framed, messages)), Frames()
    ends = [0, *sorted(cuts), len(sent)]
    chunks = [sent[start:end] for start, end in zip(ends, ends[1:], strict=False)]
    found = [bytes(element) for chunk in chunks for element in frames.take(chunk)]
    assert found == messages


def test_what_was_taken_stays_while_more_comes() -> None:
    frames = Frames()
    [first] = frames.take(framed(b"one") + b"\0")
    assert frames.take(b"\0\0\3tw") == []
    assert [bytes(element) for element in frames.take(b"o")] == [b"two"]
    assert bytes(first) == b"one"
