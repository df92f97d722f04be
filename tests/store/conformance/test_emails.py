"""E-mails that the mail server has not taken outlive their process."""

import msgspec

from tests.store.conformance.subject import Subject
from tidings.core.ids import OrgId
from tidings.store import port

ONE = port.QueuedEmail("e1", OrgId(7), "tidings.webhook.failing", b'{"a":1}', 500)
TWO = port.QueuedEmail("e2", OrgId(7), "tidings.webhook.disabled", b"{}", 400, 2)


def test_emails_are_kept_replaced_and_dropped(subject: Subject) -> None:
    assert subject.ask(lambda asked: asked.put_email(ONE)) is True
    assert subject.ask(lambda asked: asked.put_email(TWO)) is True
    later = msgspec.structs.replace(ONE, due_ms=900, tries=1)
    assert subject.ask(lambda asked: asked.put_email(later)) is False
    subject.crash()
    assert list(subject.ask(lambda asked: asked.emails())) == [TWO, later]
    subject.ask(lambda asked: asked.drop_emails(["e2", "never"]))
    assert list(subject.ask(lambda asked: asked.emails())) == [later]
