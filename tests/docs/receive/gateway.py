"""An HTTP server that calls `lambda_function.handler` as API Gateway does, in its format 2.0."""

import base64
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module


class Gateway(BaseHTTPRequestHandler):
    """Each request is one call of the function."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        event = {
            "version": "2.0",
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "requestContext": {"http": {"method": "POST", "path": self.path}},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        answer = import_module("lambda_function").handler(event, None)
        self.send_response(answer["statusCode"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer["body"].encode())


if __name__ == "__main__":
    sys.path.insert(0, ".")
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Gateway).serve_forever()
