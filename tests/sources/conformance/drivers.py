"""The drivers that the suite runs for: the one place in it that names any."""

import pytest

from tests.sources.kafka.scripted_subject import new_scripted
from tests.sources.kafka.subject import new_topic
from tests.sources.outbox.subject import new_outbox

DRIVERS = [
    pytest.param(new_outbox, id="outbox"),
    pytest.param(new_scripted, id="kafka, scripted"),
    pytest.param(new_topic, id="kafka", marks=pytest.mark.systems),  # it takes a broker, in Java
]
