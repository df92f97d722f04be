"""What holds for all tests."""

import os
import sys

from hypothesis import settings

# A property says what holds, not how fast: on a busy machine one example in thousands takes longer.
settings.register_profile("tidings", deadline=None)
settings.load_profile("tidings")

# The tests start hundreds of programs: each module is compiled once, whatever the caller's shell
# says of it. Without that, each start of the service compiles four hundred of them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
