"""Alert channels and what they have heard outlive their process."""

import msgspec

from tests.store.conformance.subject import Subject
from tidings.core.ids import OrgId
from tidings.store import port

ONE = port.StoredChannel("alc_a", OrgId(7), b"\xffsealed")
MARK = port.StoredAlertMark("alc_a", "inc_1", OrgId(7), b'{"key":"inc_1"}')
OTHER = port.StoredAlertMark("alc_b", "inc_1", OrgId(7))


def test_channels_and_marks_are_kept_replaced_and_dropped(subject: Subject) -> None:
    first = subject.ask(lambda store: store.put_alert_channel(ONE))
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
