"""Who may come in, over credentials and people that are kept in memory."""

import base64
import random
from typing import cast

from tests.engine.audit.kept_log import UnkeptLog
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.access.access import CredentialBook
from tidings.engine.audit.sign_ins import SignInLog
from tidings.engine.changes import Changes
from tidings.engine.clock import WallClock
from tidings.engine.orgs import Orgs
from tidings.store import port


class Kept:
    """The two calls of the store that are needed here."""

    def __init__(self) -> None:
        self.orgs: list[port.StoredOrg] = []
        self.credentials: list[port.StoredCredential] = []

    async def put_org(self, org: port.StoredOrg) -> int:
        self.orgs.append(org)
        return 1 + len(self.orgs)

    async def put_credential(self, credential: port.StoredCredential) -> None:
        self.credentials.append(credential)


class House:
    """Access and orgs over a store, as they start."""

    def __init__(self, kept: Kept) -> None:
        store = cast(port.Store, kept)
        self.registry = Registry()
        changes = Changes(store, self.registry)
        self.orgs = Orgs(store=store, registry=self.registry, changes=changes, audit=UnkeptLog())
        self.access = CredentialBook(
            store=store,
            audit=UnkeptLog(),
            sign_ins=SignInLog(UnkeptLog(), WallClock()),
            orgs=self.orgs,
            changes=changes,
            random_bytes=random.Random(3).randbytes,
        )
        found = {credential.id: credential for credential in kept.credentials}
        snapshot = port.Snapshot(1 + len(kept.orgs), kept.orgs, list(found.values()))
        self.orgs.load(snapshot)
        self.access.load(snapshot)


def basic(key: str, secret: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{key}:{secret}".encode())
