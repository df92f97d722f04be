"""What a user is, as it is shown."""

import pytest

from tidings.core.ids import OrgId
from tidings.engine.access.user_records import UserRecord
from tidings.store import port


@pytest.mark.parametrize(
    ("accepted_ms", "disabled_ms", "status"),
    [
        (None, None, "invited"),
        (5, None, "active"),
        (None, 6, "disabled"),
        (5, 6, "disabled"),
        (0, None, "active"),
    ],
)
def test_a_user_is_invited_until_they_accept_and_disabled_whatever_came_before(
    accepted_ms: int | None, disabled_ms: int | None, status: str
) -> None:
    person = port.StoredPerson("u1", "asha@example.test")
    member = port.Member(
        OrgId(7), "u1", "Asha", "viewer", accepted_ms=accepted_ms, disabled_ms=disabled_ms
    )
    record = UserRecord(person, member)
    assert record.status == status
    assert record.asked.disabled is (disabled_ms is not None)
