"""A product of a brand that shows the portal in a frame of its own page."""

from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

BLOCKED = "--test-third-party-cookie-phaseout"

AROUND = (
    '<!doctype html><title>A product</title><iframe src="{}" width="900" height="700"></iframe>'
)


class Product(BaseHTTPRequestHandler):
    """`/around?frame=URL` is a page with a frame; `/plain` sets a cookie and says what came."""

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        self.send_response(200)
        self.send_header("content-type", "text/html")
        if asked.path == "/around":
            text = AROUND.format(parse_qs(asked.query)["frame"][0])
        else:
            text = f"cookies: {self.headers.get('cookie', 'none')}"
            self.send_header("set-cookie", "plain=1; SameSite=None; Secure; Path=/")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""
