"""Letters that the mail server has not taken outlive their process."""

import msgspec

from tests.store.subject import Subject
from tidings.store import port

ONE = port.Letter("e1", 7, "tidings.webhook.failing", b'{"a":1}', 500)
TWO = port.Letter("e2", 7, "tidings.webhook.disabled", b"{}", 400, 2)


def test_letters_are_kept_replaced_and_dropped(subject: Subject) -> None:
    assert subject.ask(lambda asked: asked.put_letter(ONE)) is True
    assert subject.ask(lambda asked: asked.put_letter(TWO)) is True
    later = msgspec.structs.replace(ONE, due_ms=900, tries=1)
    assert subject.ask(lambda asked: asked.put_letter(later)) is False
    subject.crash()
    assert list(subject.ask(lambda asked: asked.letters())) == [TWO, later]
    subject.ask(lambda asked: asked.drop_letters(["e2", "never"]))
    assert list(subject.ask(lambda asked: asked.letters())) == [later]
