"""`/openapi.json` and `/docs` as they are served: made once, cached, without a script."""

import gzip
import json
import re

from tests.openapi.world import world
from tidings.api.openapi.document import operations


async def test_the_description_is_served_to_all_compressed_and_not_again() -> None:
    async with world() as w:
        told = await w.call("GET", "/openapi.json")
        assert told.status == 200 and told.headers["content-type"] == "application/json"
        tag = told.headers["etag"]
        packed = await w.call("GET", "/openapi.json", headers={"accept-encoding": "gzip"})
        assert gzip.decompress(packed.body) == told.body
        assert packed.headers["content-encoding"] == "gzip"
        again = await w.call("GET", "/openapi.json", headers={"if-none-match": tag})
        assert (again.status, again.body) == (304, b"")
        assert "/openapi.json" not in told.json["paths"] and "/docs" not in told.json["paths"]


async def test_the_reader_shows_every_call_and_webhook_and_needs_no_script_nor_host() -> None:
    async with world() as w:
        told = await w.call("GET", "/docs")
        document = json.loads((await w.call("GET", "/openapi.json")).body)
        assert told.headers["content-type"] == "text/html; charset=utf-8"
        policy = told.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        page = told.body.decode()
        assert "<script" not in page and " src=" not in page and " style=" not in page
        assert "http" not in "".join(re.findall(r'href="([^"]*)"', page))
        for _, operation in operations(document):
            assert f'id="{operation["operationId"]}"' in page
        for row in document["webhooks"].values():
            assert f'id="{row["post"]["operationId"]}"' in page
        anchors = set(re.findall(r'id="([^"]+)"', page))
        assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors


async def test_what_stands_in_the_description_cannot_become_markup() -> None:
    async with world() as w:
        page = (await w.call("GET", "/docs")).body.decode()
        assert "&#34;eventName&#34;" in page and '"eventName":' not in page
