"""URLs in the audit log: where to, and nothing that could let somebody in."""

import pytest

from tidings.core.webhooks.recorded_fields import masked_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://crm.example.com/hook", "https://crm.example.com/hook"),
        ("https://me:pw@crm.example.com:8443/a?b=c", "https://…@crm.example.com:8443/a?b=…"),
        ("https://a.example/?k=v=w&flag&empty=#part", "https://a.example/?k=…&…&empty=…#…"),
        ("https://u@[::1]:99/", "https://…@[::1]:99/"),
        ("https://[broken", "…"),
        ("", ""),
    ],
)
def test_user_password_query_and_fragment_are_masked(url: str, shown: str) -> None:
    assert masked_url(url) == shown
