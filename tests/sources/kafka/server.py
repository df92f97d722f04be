"""A real Kafka: one broker that is its own controller (KRaft), on Java, on free ports of loopback.

Its jars are fetched by Maven, as the settings of this Maven say where from, into a directory that
Git ignores, and are held against `jars.sha256` each time. After another version in `pom.xml`:
delete the directory, run a test, and write the sums anew with `sha256sum *.jar`.
"""

import fcntl
import hashlib
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.e2e.harness.service import free_port
from tests.e2e.harness.until import until

HERE = Path(__file__).parent
JARS, SUMS, POM = HERE / "jars", HERE / "jars.sha256", HERE / "pom.xml"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies"
JAVA = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
LOGGING = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
CLUSTER = "4L6g3nShT-eMCtK--X86sw"
ALICE, MALLORY = ("alice", "wonder-5ecret"), ("mallory", "other-5ecret")  # she may do nothing
CAROL = ("carol", "carols-5ecret")  # she may do what a test allows her
USERS = (ALICE, MALLORY, CAROL)
SCRAM = "SCRAM-SHA-256"
READY_S = 120.0


def jars() -> Path:
    """Where the broker's programs are, checked."""
    for name, package in (("mvn", "maven"), ("java", "default-jdk-headless")):
        assert shutil.which(name), f"install {name}; on Debian: apt-get install {package}"
    lines = [line.split() for line in SUMS.read_text().splitlines()]
    wanted = {name: digest for digest, name in lines}
    with POM.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # of several workers one fetches
        if not JARS.is_dir():
            fresh = JARS.with_suffix(".fresh")
            shutil.rmtree(fresh, ignore_errors=True)
            words = ["mvn", "--batch-mode", "--quiet", "--strict-checksums", f"--file={POM}"]
            words += [MAVEN_COPY, "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
            ran(words)
            fresh.rename(JARS)
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in JARS.iterdir()}
    assert found == wanted, f"delete {JARS}: it must have what {SUMS.name} says"
    return JARS


def ran(words: list[str]) -> None:
    """Run a program to its end."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"


class KafkaServer:
    """Data and ports stay the same when it is started again. Who comes without a login may do
    everything, and so may who has a certificate."""

    def __init__(self, directory: Path, node: int = 1, voters: Mapping[int, int] | None = None):
        """`voters`: by node the ports of the controllers of a cluster; its own where left out."""
        self._directory = directory
        self._node, self._voters = node, voters
        self.replicas = 1 if voters is None else len(voters)
        self._program = [*JAVA, *LOGGING, "-cp", f"{jars()}/*"]
        self._settings = directory / "server.properties"
        self.log = directory / "server.log"
        ports = [free_port() for _ in range(6)]
        self.port, self.sasl_port, self.tls_port, self.sasl_tls_port, self.mutual_port, own = ports
        # What comes in at the second of these is told of the first, where a test may listen.
        self.proxy_port, self.proxied_port = free_port(), free_port()
        self.ca, self.client = directory / "ca.pem", directory / "client.pem"
        self._process: subprocess.Popen[bytes] | None = None
        self._settings.write_text(self._properties(own if voters is None else voters[node]))
        words = [*self._program, "kafka.tools.StorageTool", "format"]
        words += ["-t", CLUSTER, "-c", str(self._settings)]
        words += ["--standalone"] if voters is None else []
        for name, password in USERS:
            words += ["--add-scram", f"{SCRAM}=[name={name},password={password}]"]
        ran(words)

    def _certificates(self) -> Path:
        """Those of the server, made with those of the authority and of a client."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca)
        for name, path in (("127.0.0.1", self._directory / "server.pem"), ("us", self.client)):
            made = authority.issue_cert(name)
            key = load_pem_private_key(made.private_key_pem.bytes(), None)
            path.write_bytes(  # Java reads no other form of a key
                key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
                + b"".join(pem.bytes() for pem in made.cert_chain_pems)
            )
        return self._directory / "server.pem"

    def _properties(self, controller: int) -> str:
        pair = self._certificates()
        listeners = {
            "PLAINTEXT": (self.port, "PLAINTEXT"),
            "SASL_PLAINTEXT": (self.sasl_port, "SASL_PLAINTEXT"),
            "SSL": (self.tls_port, "SSL"),
            "SASL_SSL": (self.sasl_tls_port, "SASL_SSL"),
            "MUTUAL": (self.mutual_port, "SSL"),
            "PROXIED": (self.proxied_port, "PLAINTEXT"),
            "CONTROLLER": (controller, "PLAINTEXT"),
        }
        here = ",".join(f"{name}://127.0.0.1:{port}" for name, (port, _) in listeners.items())
        told = here.rpartition(",CONTROLLER")[0].replace(
            f":{self.proxied_port}", f":{self.proxy_port}"
        )
        voters = self._voters or {}
        quorum = (
            {"controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}"}
            if self._voters is None
            else {
                "controller.quorum.voters": ",".join(
                    f"{node}@127.0.0.1:{port}" for node, port in voters.items()
                )
            }
        )
        plain = " ".join(f'user_{name}="{password}"' for name, password in USERS)
        modules, line = "org.apache.kafka.common.security", "listener.name.sasl_plaintext"
        scram = f"{modules}.scram.ScramLoginModule required;"
        settings = quorum | {
            "process.roles": "broker,controller",
            "node.id": self._node,
            "controller.listener.names": "CONTROLLER",
            "listeners": here,
            "advertised.listeners": told,
            "listener.security.protocol.map": ",".join(
                f"{name}:{protocol}" for name, (_, protocol) in listeners.items()
            ),
            "log.dirs": self._directory / "data",
            "sasl.enabled.mechanisms": f"{SCRAM},PLAIN",
            f"{line}.{SCRAM.lower()}.sasl.jaas.config": scram,
            "listener.name.sasl_ssl.sasl.enabled.mechanisms": SCRAM,
            f"listener.name.sasl_ssl.{SCRAM.lower()}.sasl.jaas.config": scram,
            f"{line}.plain.sasl.jaas.config": f"{modules}.plain.PlainLoginModule required {plain};",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": pair,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.ca,
            "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.mutual.ssl.principal.mapping.rules": f"RULE:^.*$/{ALICE[0]}/",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:ANONYMOUS;User:{ALICE[0]}",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": self.replicas,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": self.replicas,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
            # After a kill the broker of before is forgotten at once.
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 200,
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    @property
    def servers(self) -> str:
        """Where it is reached without a login."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> "KafkaServer":
        """Start it, and wait until it answers."""
        self.launch()
        until(self.answers, "a broker that answers")
        return self

    def launch(self) -> None:
        """Start it, and do not wait."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._program, "kafka.Kafka", str(self._settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
            )

    def answers(self) -> bool:
        """Whether somebody listens."""
        assert self._process is not None and self._process.poll() is None, self.words()
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", self.port)) == 0

    def words(self) -> str:
        """The end of what it has said."""
        return self.log.read_text("utf-8", "replace")[-3000:]

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Killed, and started again."""
        self.kill()
        self.start()

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None


@contextmanager
def kafka_server(directory: Path) -> Iterator[KafkaServer]:
    """A broker for as long as the block lasts."""
    server = KafkaServer(directory)
    try:
        yield server.start()
    finally:
        server.kill()
