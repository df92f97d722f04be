"""The drivers that the suite runs for: the one place in it that names any."""

from tests.sources.conformance.subject import NewSubject
from tests.sources.outbox.subject import new_outbox

DRIVERS: dict[str, NewSubject] = {"outbox": new_outbox}
