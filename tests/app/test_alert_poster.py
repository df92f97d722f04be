"""Alerts are posted to whatever a channel names: to a test inbox of this service too."""

import asyncio
from pathlib import Path

from tidings.app.addresses import OwnAddresses
from tidings.app.outbound_clients import make_policy
from tidings.core.delivery.exchange import ReceiverAnswer
from tidings.egress.sender import HttpSender
from tidings.settings.settings import Settings


async def test_a_channel_whose_url_is_a_test_inbox_is_posted_to(tmp_path: Path) -> None:
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readline())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = Settings(data=tmp_path, port=port, dev=True)
    sender = HttpSender(make_policy(settings))
    addresses = OwnAddresses(settings, sender)
    path = f"/inbox/{'a' * 32}"
    try:
        ending = await addresses.poster().post(f"http://127.0.0.1:{port}{path}", b"{}", 10.0)
    finally:
        await sender.close()
        server.close()
    assert isinstance(ending, ReceiverAnswer) and ending.status == 200
    assert heads == [f"POST {path} HTTP/1.1\r\n".encode()]
