"""What the models need of `typing` that Python 3.9 and 3.10 do not have."""

import sys

if sys.version_info >= (3, 11):
    from typing import NotRequired, Required
else:
    from typing_extensions import NotRequired, Required

__all__ = ["NotRequired", "Required"]
