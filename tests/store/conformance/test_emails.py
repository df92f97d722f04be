"""E-mails that wait, alert channels and what they have heard outlive their process."""

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


CHANNEL = port.StoredChannel("alc_a", OrgId(7), b"\xffsealed")
MARK = port.StoredAlertMark("alc_a", "inc_1", OrgId(7), b'{"key":"inc_1"}')
OTHER = port.StoredAlertMark("alc_b", "inc_1", OrgId(7))


def test_channels_and_marks_are_kept_replaced_and_dropped(subject: Subject) -> None:
    first = subject.ask(lambda store: store.put_alert_channel(CHANNEL))
    assert first.created_ms > 0
    changed = port.revise(first, sealed=b"other")
    second = subject.ask(lambda store: store.put_alert_channel(changed))
    subject.ask(lambda store: store.put_alert_marks([MARK, OTHER]))
    grown = msgspec.structs.replace(MARK, mark=b"{}")
    subject.ask(lambda store: store.put_alert_marks([grown]))
    subject.crash()
    assert list(subject.ask(lambda store: store.load_alert_channels())) == [second]
    assert list(subject.ask(lambda store: store.alert_marks())) == [grown, OTHER]
    subject.ask(lambda store: store.drop_alert_channel("alc_a"))
    assert list(subject.ask(lambda store: store.load_alert_channels())) == []
    assert list(subject.ask(lambda store: store.alert_marks())) == [OTHER]
    subject.ask(lambda store: store.drop_alert_marks([OTHER]))
    assert list(subject.ask(lambda store: store.alert_marks())) == []
