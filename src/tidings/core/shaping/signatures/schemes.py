"""The signature schemes, a module each; one is in force, for every webhook."""

from collections.abc import Sequence
from typing import Final

from tidings.core.shaping.signatures import standard_webhooks
from tidings.core.shaping.signatures.scheme import Judgement, Scheme

SCHEMES: dict[str, Scheme] = {"v1": standard_webhooks.SCHEME}
IN_FORCE: Final = SCHEMES["v1"]


def judge(
    headers: Sequence[tuple[str, str]], body: bytes, secrets: Sequence[bytes], now_s: int
) -> Judgement:
    """Judge a message that came, by the scheme whose header it has. See `Judge`."""
    header_names = {name.lower() for name, _ in headers}
    scheme = next(
        (scheme for scheme in SCHEMES.values() if scheme.header in header_names), IN_FORCE
    )
    return scheme.judge(headers, body, secrets, now_s)
