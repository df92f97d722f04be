"""An HTTP/1.1 server in the event loop, which runs one ASGI application.

It knows nothing of Tidings. What a peer may cost is decided here: every phase of a connection has a
deadline (`bounds`), and who may have a place when they are short is one rule (`places`).

    listener     sockets: accept, by TLS if wanted, make room, look for who is late, stop
    connection   one connection: its phases, its calls one after the other
    call         one request and its answer: as ASGI, or without a task of its own
    host         what a connection knows of its server
    turns        who begins its next call in which round of the loop
    unread       answers that wait for slow readers
    reader       bytes to requests, strictly (llhttp)
    writer       ASGI messages to bytes
    refusals     what the server itself answers
"""

from tidings.server.bounds import Bounds
from tidings.server.call import App, DirectApp, DirectCall, Message
from tidings.server.listener import HttpServer
from tidings.server.reader import HttpRequest
from tidings.server.refusals import RejectedRequest

__all__ = [
    "App",
    "Bounds",
    "DirectApp",
    "DirectCall",
    "HttpRequest",
    "HttpServer",
    "Message",
    "RejectedRequest",
]
