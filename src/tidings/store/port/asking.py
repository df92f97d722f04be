"""For which org a store is asked, where the question itself does not name one."""

from contextvars import ContextVar

# Set where a call has been let in, for all that is asked on its behalf. None: the service itself.
ASKING_ORG: ContextVar[int | None] = ContextVar("asking_org", default=None)
