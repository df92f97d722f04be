"""Servers that share a listening socket: each call is answered by one of them, and one that ends
leaves to the others whatever it has not accepted."""

import asyncio

from tidings.server import Bounds, HttpServer
from tidings.server.listening import make_listening

from .support import Client, Echo


async def test_a_call_is_answered_by_whoever_is_there() -> None:
    bounds = Bounds(mute_s=0)
    listening = make_listening("127.0.0.1", 0, bounds)
    apps = [Echo(), Echo()]
    servers = [
        HttpServer(app, host="127.0.0.1", port=0, bounds=bounds, listening=listening.dup())
        for app in apps
    ]
    for server in servers:
        server.start()
    first, second = servers
    assert first.port == second.port == listening.getsockname()[1]
    for _ in range(20):
        client = await Client.to(first)
        assert (await client.ask())[0] == 200
        client.close()
    assert sum(len(app.calls) for app in apps) == 20
    await first.stop(5.0)
    for _ in range(20):
        client = await Client.to(second)
        assert (await client.ask())[0] == 200
        client.close()
    assert sum(len(app.calls) for app in apps) == 40
    await second.stop(5.0)
    listening.close()


async def test_what_came_while_nobody_accepted_is_answered_by_the_next() -> None:
    bounds = Bounds(mute_s=0)
    listening = make_listening("127.0.0.1", 0, bounds)
    former = HttpServer(Echo(), host="127.0.0.1", port=0, bounds=bounds, listening=listening.dup())
    former.start()
    port = former.port
    await former.stop(5.0)
    clients = [Client(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(5)]
    successor = HttpServer(Echo(), host="127.0.0.1", port=port, bounds=bounds, listening=listening)
    successor.start()
    for client in clients:
        assert (await client.ask())[0] == 200
    await successor.stop(5.0)
