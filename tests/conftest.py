"""What holds for all tests."""

from hypothesis import settings

# A property says what holds, not how fast: on a busy machine one example in thousands takes longer.
settings.register_profile("tidings", deadline=None)
settings.load_profile("tidings")
