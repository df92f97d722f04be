"""Journeys of the console, as its reader in Chromium makes them, in Firefox too."""

import pytest

from ..test_journeys import (
    new_org,
    test_1_sign_in,
    test_3_reach_the_first_delivered_event,
    test_6_find_the_delivery_of_one_customer,
    test_8_retry_one,
    test_9_replay_500_and_cancel,
    test_12_open_the_portal_by_link,
)

__all__ = [
    "new_org",
    "test_1_sign_in",
    "test_3_reach_the_first_delivered_event",
    "test_6_find_the_delivery_of_one_customer",
    "test_8_retry_one",
    "test_9_replay_500_and_cancel",
    "test_12_open_the_portal_by_link",
]
pytestmark = pytest.mark.systems
