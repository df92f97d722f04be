"""Conformance: values that break stores are kept as they came, or refused without harm."""

import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event, failing, new, settled, term
from tidings.core.delivery.states import State
from tidings.store import port

INT64_MAX, INT64_MIN = (1 << 63) - 1, -(1 << 63)
IDS = ["a", "A" * 128, "-", "_:-", "0", "00", "1e5", "null", "a:b", "evt_" + "9" * 124]
BODIES = [
    b"",
    b"\x00",
    b"\xff\xfe\x00\x80",
    b'{"a":"\\u0000\\ud800"}',
    bytes(range(256)) * 4,
    b"{}" + b" " * (3 << 20),
]


def test_a_body_comes_back_byte_for_byte(subject: Subject) -> None:
    for number, body in enumerate(BODIES):
        receipt = subject.commit(event(f"e{number}", new(1), body=body))
        stored = subject.event(f"e{number}", ORG)
        assert stored is not None and stored.body == body
        [job] = subject.page(after=receipt.firsts[0] - 1)
        assert job.body == body


def test_ids_at_their_bounds_are_told_apart(subject: Subject) -> None:
    receipt = subject.commit(*(event(id) for id in IDS))
    assert all(receipt.seqs)
    assert not any(subject.commit(*(event(id) for id in IDS)).seqs)
    for id in IDS:
        stored = subject.event(id, ORG)
        assert stored is not None and stored.id == id


def test_text_with_nul_and_signs_of_every_plane_is_kept(subject: Subject) -> None:
    text = "nul \x00 in the middle, é, 中, 😀, \u2028, \x7f, ' OR 1=1 --"
    refused = port.NewRejection(ORG, text, text, text, text, text, b"")
    fault = port.Evidence("dns", text, [(text, text.replace("\x00", ""))], b"", False)
    subject.commit(event("a", new(1), warning=text), rejections=[refused])
    subject.commit(settled=[settled(1, State.FAILED, evidence=fault)])
    stored = subject.event("a", ORG)
    assert stored is not None and stored.warning == text
    [kept] = subject.rejections()
    assert (kept.name, kept.event_id, kept.code, kept.message, kept.path) == (text,) * 5
    [attempt] = subject.attempts(1)
    assert attempt.evidence is not None and attempt.evidence.detail == text


def test_a_webhooks_name_is_any_text(subject: Subject) -> None:
    for name in ("Robert'); DROP TABLE event;--", "nul\x00", "nul\x00 more", "😀", " "):
        subject.put_webhook(name)
    assert len({webhook.name for webhook in subject.load().webhooks}) == 5


def test_a_lone_surrogate_is_refused_and_nothing_of_its_batch_is_kept(subject: Subject) -> None:
    version = subject.load().registry_version
    bad = event("bad", warning="\ud800")
    with pytest.raises(Exception, match="(?i)surrogate|encode"):
        subject.commit(event("good", new(1)), bad, version=version)
    assert subject.event("good", ORG) is None
    assert subject.counts().events == 0
    receipt = subject.commit(event("good", new(1)))
    assert (list(receipt.seqs), list(receipt.firsts)) == ([1], [1])


def test_numbers_at_their_bounds_are_kept(subject: Subject) -> None:
    for webhook, number in enumerate((INT64_MIN, -1, 0, INT64_MAX), start=1):
        one, other = new(webhook, number), new(webhook, number)
        receipt = subject.commit(event("a", one, org=number), event(f"b{webhook}", other))
        assert list(receipt.held) == [receipt.firsts[1]]
        [job] = subject.page(webhook)
        assert (job.org, job.key) == (number, number)
        end = settled(job.delivery, webhook=webhook, key=number)
        [freed] = subject.commit(settled=[end]).freed
        assert freed.key == number
        stored = subject.event("a", number)
        assert stored is not None and stored.org == number


def test_a_number_beyond_its_bounds_is_refused_without_harm(subject: Subject) -> None:
    version = subject.load().registry_version
    with pytest.raises(Exception, match="(?i)too big|too large|overflow|range"):
        subject.commit(event("good"), event("bad", org=INT64_MAX + 1), version=version)
    assert subject.counts().events == 0
    assert list(subject.commit(event("good")).seqs) == [1]


def test_hostile_headers_of_an_answer_are_kept(subject: Subject) -> None:
    headers = [("X-A", "a: b: c"), ("X-A", "é"), ("x-empty", ""), ("X-Long", "y" * 30_000)]
    evidence = port.Evidence(None, "", headers, b"\x00" * 16_384, True)
    subject.commit(event("a", new(1)))
    subject.commit(settled=[settled(1, State.FAILED, status=400, evidence=evidence)])
    [attempt] = subject.attempts(1)
    assert attempt.evidence is not None
    assert [tuple(header) for header in attempt.evidence.headers] == headers
    assert attempt.evidence.body == b"\x00" * 16_384


def test_headers_without_lines_of_their_own_stay_one_header_each(subject: Subject) -> None:
    """A line break in a header's value must not become a second header in the log."""
    evidence = port.Evidence(None, "", [("X-A", "1\nX-B: 2"), ("X-C", "3")], b"", False)
    subject.commit(event("a", new(1)))
    subject.commit(settled=[settled(1, State.FAILED, status=400, evidence=evidence)])
    [attempt] = subject.attempts(1)
    assert attempt.evidence is not None
    assert [name for name, _ in attempt.evidence.headers] == ["X-A", "X-C"]


def test_a_large_batch_is_one_transaction(subject: Subject) -> None:
    fan = [new(webhook) for webhook in range(1, 251)]
    receipt = subject.commit(*(event(f"e{i}", *fan, terms=[term("x")]) for i in range(40)))
    assert subject.counts().by_state == {State.PENDING: 10_000}
    assert receipt.firsts[39] == receipt.firsts[0] + 39 * 250


def test_a_delay_at_its_bounds_is_kept(subject: Subject) -> None:
    subject.commit(event("a", new(1)))
    week_ms = 168 * 3_600_000
    receipt = subject.commit(settled=[failing(1, week_ms)])
    assert subject.delivery(1).due_ms == receipt.now_ms + week_ms
