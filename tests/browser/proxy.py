"""nginx before the service, as the recipe has it, and a product of another origin beside it."""

import base64
import hashlib
import re
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ..e2e.harness.nginx import HOST, Nginx
from ..e2e.harness.service import ServiceProcess, free_port

PAGE = Path(__file__).parents[2] / "docs/running.md"
PRODUCT = "app.acme.example"
# The server of the product, in the same nginx.
_BESIDE = """
    server {{
        listen 127.0.0.1:{nginx.port} ssl;
        server_name {product};
        ssl_certificate {nginx.place}/chain.pem;
        ssl_certificate_key {nginx.place}/key.pem;
        location / {{ proxy_pass http://127.0.0.1:{port}; }}
    }}
"""


class BrowserNginx(Nginx):
    """nginx that browsers are led to."""

    def __init__(self, place: Path, product_port: int) -> None:
        self._service_port = free_port()
        super().__init__(
            place,
            self._service_port,
            PRODUCT,
            beside=lambda nginx: _BESIDE.format(nginx=nginx, product=PRODUCT, port=product_port),
        )
        public = x509.load_pem_x509_certificate(self.chain).public_key()
        key = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        pin = base64.b64encode(hashlib.sha256(key).digest()).decode()
        self.browser_args = (
            f"--host-resolver-rules=MAP {HOST} 127.0.0.1, MAP {PRODUCT} 127.0.0.1",
            f"--ignore-certificate-errors-spki-list={pin}",
        )

    def service(self, data: Path) -> ServiceProcess:
        """The service as the page has it set: for production, told of its proxy."""
        chapter = PAGE.read_text("utf-8").partition("## Behind a proxy\n")[2].partition("\n## ")[0]
        [block] = re.findall(r"```toml\n(.*?)```", chapter, re.DOTALL)
        told = dict(re.findall(r'^(\w+) = \[?"([^"]+)"', block, re.MULTILINE))
        assert told.keys() == {"public_url", "trusted_proxies"}, told
        told["public_url"] = told["public_url"].replace(HOST, f"{HOST}:{self.port}")
        return ServiceProcess(data, port=self._service_port, dev=False, **told)
