"""The signature schemes, a module each; one is in force, for every webhook."""

from typing import Final

from tidings.core.shaping.signatures import standard_webhooks
from tidings.core.shaping.signatures.scheme import Scheme

SCHEMES: dict[str, Scheme] = {"v1": standard_webhooks.SCHEME}
IN_FORCE: Final = SCHEMES["v1"]
