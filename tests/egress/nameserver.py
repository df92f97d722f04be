"""A name server on loopback whose zone the test writes, and changes while it runs."""

import time
from collections.abc import Callable
from typing import Any, Self

from dnslib import (  # type: ignore[import-untyped]  # it has no types
    AAAA,
    CNAME,
    QTYPE,
    RCODE,
    RR,
    A,
    DNSRecord,
)
from dnslib.server import DNSServer  # type: ignore[import-untyped]  # it has no types

Zone = dict[str, list[str] | int | float | Callable[[str], list[str] | int]]


class NameServer:
    """Zone values: addresses (or `cname:name`), an rcode, a function of the record type, or seconds
    of silence."""

    def __init__(self, zone: Zone, ttl: int = 60) -> None:
        self.zone = zone
        self.ttl = ttl
        self.asked: list[tuple[str, str]] = []

    def resolve(self, request: DNSRecord, handler: Any) -> DNSRecord:
        name = str(request.q.qname).rstrip(".").lower()
        kind = QTYPE[request.q.qtype]
        self.asked.append((name, kind))
        reply = request.reply()
        found = self.zone.get(name, RCODE.NXDOMAIN)
        if callable(found):
            found = found(kind)
        if isinstance(found, float):
            time.sleep(found)
            found = RCODE.SERVFAIL
        if isinstance(found, int):
            reply.header.rcode = found
            return reply
        for row in found:
            if row.startswith("cname:"):
                reply.add_answer(
                    RR(request.q.qname, QTYPE.CNAME, ttl=self.ttl, rdata=CNAME(row[6:]))
                )
            elif ":" in row and kind == "AAAA":
                reply.add_answer(RR(request.q.qname, QTYPE.AAAA, ttl=self.ttl, rdata=AAAA(row)))
            elif ":" not in row and kind == "A":
                reply.add_answer(RR(request.q.qname, QTYPE.A, ttl=self.ttl, rdata=A(row)))
        return reply

    def __enter__(self) -> Self:
        quiet = type("Quiet", (), {"__getattr__": lambda self, name: lambda *args: None})()
        while True:  # one port free for both: the second may be taken
            self._udp = DNSServer(self, address="127.0.0.1", port=0, logger=quiet)
            port = self._udp.server.server_address[1]
            try:
                self._tcp = DNSServer(self, address="127.0.0.1", port=port, tcp=True, logger=quiet)
                break
            except OSError:
                self._udp.server.server_close()
        for server in (self._udp, self._tcp):
            server.server.handle_error = lambda *_: None  # a client that has gone is no news
        self._udp.start_thread()
        self._tcp.start_thread()
        self.address = f"127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self._udp, self._tcp):
            server.stop()
            server.server.server_close()
