"""Journeys of the console, as its reader in Chromium makes them, in Firefox too."""

import pytest

from ..first_run.test_first_run import test_reach_the_first_delivered_event
from ..test_journeys import (
    test_1_sign_in,
    test_6_find_the_delivery_of_one_customer,
    test_8_retry_one,
    test_9_replay_500_and_cancel,
    test_12_open_the_portal_by_link,
)

__all__ = [
    "test_1_sign_in",
    "test_6_find_the_delivery_of_one_customer",
    "test_8_retry_one",
    "test_9_replay_500_and_cancel",
    "test_12_open_the_portal_by_link",
    "test_reach_the_first_delivered_event",
]
pytestmark = pytest.mark.systems
