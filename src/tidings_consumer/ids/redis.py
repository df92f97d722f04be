"""Ids in Redis or Valkey: for all processes of all machines. They end by themselves."""

from __future__ import annotations

from typing import Any

from tidings_consumer.ids import KEEP_S, LEASE_S, Claim

_CLAIMED, _DONE = "claimed:", "done"  # a claim has its holder behind it
# Deletes this claim, and neither another one's nor what was noted as done since.
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"


class RedisIds:
    """Each id is a key, `prefix` and the id. `client` is a `redis.Redis` (redis-py)."""

    blocks = True

    def __init__(
        self,
        client: Any,
        prefix: str = "tidings:handled:",
        keep_s: float = KEEP_S,
        lease_s: float = LEASE_S,
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._keep_ms, self._lease_ms = int(keep_s * 1000), int(lease_s * 1000)

    def claim(self, id: str, holder: str, now_s: float) -> Claim:
        """See `IdStore.claim`. Redis counts the time itself."""
        key = self._prefix + id
        if self._client.set(key, _CLAIMED + holder, nx=True, px=self._lease_ms):
            return Claim.FRESH
        value = self._client.get(key)
        return Claim.DONE if value in (_DONE, _DONE.encode()) else Claim.BUSY

    def done(self, id: str, now_s: float) -> None:
        """See `IdStore.done`."""
        self._client.set(self._prefix + id, _DONE, px=self._keep_ms)

    def release(self, id: str, holder: str) -> None:
        """See `IdStore.release`."""
        self._client.eval(_RELEASE, 1, self._prefix + id, _CLAIMED + holder)
