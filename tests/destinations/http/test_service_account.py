"""Tokens that a service account signs for: taken by who knows its key, and told when not."""

from collections.abc import AsyncIterator, Iterator
from time import time

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.egress.support import DEV, Names, at
from tests.stand_ins.parties.fcm import SCOPE, Fcm
from tidings.core.actions.action import ServiceAccount
from tidings.core.delivery.exchange import TransportFault
from tidings.destinations.action.requests import shown_proof
from tidings.destinations.http.authentication.asking import asking_over
from tidings.destinations.http.authentication.schemes import proof_of
from tidings.destinations.http.authentication.service_account import rsa_key
from tidings.egress.address import parse_target
from tidings.egress.sender import HttpSender


@pytest.fixture
def fcm() -> Iterator[Fcm]:
    with Fcm() as made:
        yield made


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    made = HttpSender(DEV, Names(at("127.0.0.1")))
    yield made
    await made.close()


def account_of(fcm: Fcm) -> ServiceAccount:
    said = fcm.service_account()
    return ServiceAccount(said["token_uri"], said["client_email"], said["private_key"], SCOPE)


def other_key() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


async def test_a_token_is_had_for_what_was_signed(fcm: Fcm, sender: HttpSender) -> None:
    ask = asking_over(sender, lambda url: parse_target(url, allow_http=True))
    proof = proof_of(account_of(fcm), ask, time)
    header = await proof.fetched(5)
    assert not isinstance(header, TransportFault) and header[0] == "Authorization"
    assert header[1].startswith("Bearer ") and proof.at_hand() == header
    assert len(fcm.calls("/token", status=200)) == 1
    await proof.close()


@pytest.mark.parametrize("wrong", ["key", "clock"])
async def test_who_is_not_believed_is_told_what_to_look_at(
    fcm: Fcm, sender: HttpSender, wrong: str
) -> None:
    ask = asking_over(sender, lambda url: parse_target(url, allow_http=True))
    account = account_of(fcm)
    if wrong == "key":
        account = ServiceAccount(account.token_url, account.email, other_key(), account.scope)
    proof = proof_of(account, ask, time if wrong == "key" else lambda: time() - 90_000)
    fault = await proof.fetched(5)
    assert isinstance(fault, TransportFault)
    assert "Check account, and that this machine's clock is right." in fault.detail
    await proof.close()


def test_nothing_shows_the_key(fcm: Fcm) -> None:
    account = account_of(fcm)
    assert "PRIVATE" not in repr(account) and shown_proof(account)[0] == "Authorization"
    assert rsa_key(account.key) is not None
    assert rsa_key("no key") is None and rsa_key("") is None
