"""A platform's API in a process of its own: `python platform_process.py`.

Prints its port. Customers whose id ends in 404 are unknown. While the file named by the first
argument exists, every question is answered 500; where it is a folder, each is noted there by the
id that it is for, and answered once that note is gone.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BROKEN = Path(sys.argv[1])


class Answers(BaseHTTPRequestHandler):
    """GET /{orgId}/customers/{id}, GET /{orgId}/points/{id}."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *values: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """One question."""
        _, org, kind, id = self.path.split("/")
        record: dict[str, dict[str, object]] = {
            "data": {"email": f"{org}-{id}@platform.example.test"}
        }
        if kind == "points":
            record = {"data": {"pointsBalance": int(id)}}
        if held := BROKEN.is_dir():
            note = BROKEN / id
            note.touch()
            while note.exists():
                time.sleep(0.01)
        broken = BROKEN.exists() and not held
        status = 500 if broken else 404 if id.endswith("404") else 200
        body = json.dumps(record).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
print(server.server_address[1], flush=True)
server.serve_forever()
