"""What the service is installed by: the image, the unit, and what the page says of them."""

import configparser
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tidings import __version__
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.settings.settings import Settings

from ..harness.service import ServiceProcess

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/running.md").read_text("utf-8")
HADOLINT = Path(sys.executable).with_name("hadolint")
UNIT = ROOT / "deploy/tidings.service"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, in order, each with its continued lines in one."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    whole = text.replace("\\\n", " ")
    return [
        (one[0], one[2].strip()) for line in whole.splitlines() if (one := line.partition(" "))[0]
    ]


def last_stage() -> list[tuple[str, str]]:
    """What the image itself is made of."""
    every = instructions()
    return every[max(at for at, (word, _) in enumerate(every) if word == "FROM") :]


def linted(text: str) -> subprocess.CompletedProcess[str]:
    command = [str(HADOLINT), "--no-color", "--failure-threshold", "style", "-"]
    return subprocess.run(
        command, input=text, check=False, capture_output=True, text=True, timeout=120
    )


def test_hadolint_passes_the_dockerfile_and_would_not_pass_a_worse_one() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    done = linted(text)
    assert (done.returncode, done.stdout) == (0, "")
    assert "ignore" not in text.lower()
    for old, new in (("python:3.11-slim-bookworm", "python"), ("USER 10001", "USER root")):
        assert linted(text.replace(old, new)).returncode != 0


def test_the_image_holds_the_program_alone_and_nobody_in_it_is_root() -> None:
    every, last = instructions(), last_stage()
    stages = [value.split()[0] for word, value in every if word == "FROM"]
    assert len(stages) == 2 and len(set(stages)) == 1
    users = [value for word, value in last if word == "USER"]
    assert users == ["10001:10001"]
    after = last[[word for word, _ in last].index("USER") :]
    assert not {"RUN", "COPY", "ADD"} & {word for word, _ in after}
    copied = [value for word, value in last if word == "COPY"]
    assert copied == ["--from=build /opt/tidings /opt/tidings"]
    found = dict(last)
    assert found["VOLUME"] == "/var/lib/tidings"
    assert "TIDINGS_DATA=/var/lib/tidings" in found["ENV"]
    assert json.loads(found["ENTRYPOINT"]) == ["tidings"]
    assert not [value for _, value in every if re.search(r"(?i)secret|password|token", value)]


def test_what_is_installed_in_it_has_the_sums_of_the_lock() -> None:
    installs = [
        line
        for word, value in instructions()
        if word == "RUN"
        for line in value.split("&&")
        if "uv pip install" in line
    ]
    assert len(installs) == 3
    for line in installs:
        assert "--no-deps" in line or "--require-hashes" in line and "requirements.lock" in line


@pytest.mark.parametrize(
    ("extras", "words"),
    [
        ("", []),
        ("kafka", ["--extra=kafka"]),
        ("kafka  outbox", ["--extra=kafka", "--extra=outbox"]),
    ],
)
def test_extras_are_named_when_the_image_is_built(extras: str, words: list[str]) -> None:
    assert ("ARG", 'EXTRAS=""') in instructions()
    [install] = [value for word, value in instructions() if word == "RUN" and "EXTRAS" in value]
    [loop] = re.findall(r"for one in .*? done", install)
    script = f'{loop} && echo "$@"'
    assert install.endswith('"$@"')
    shell = json.loads(dict(instructions())["SHELL"])
    command = [*shell, script]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=120, env={"EXTRAS": extras}
    )
    assert done.stdout.split() == words


def test_the_extras_on_the_page_are_those_that_there_are() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    there = project["optional-dependencies"].keys()
    [built] = re.findall(r'EXTRAS="([^"]+)"', PAGE)
    assert set(built.split()) == set(re.findall(r"`--extra (\w+)`", PAGE)) == set(there)
    assert {connection_type.extra for connection_type in CONNECTION_TYPES.values()} <= set(there)


def test_the_build_gets_what_it_copies_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    admitted = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        name
        for word, value in instructions()
        if word == "COPY" and not value.startswith("--from")
        for name in value.split()[:-1]
    }
    assert copied == admitted
    assert all((ROOT / name).exists() for name in copied)


def test_the_health_check_of_the_image_tells_a_service_from_none(service: ServiceProcess) -> None:
    last = dict(last_stage())
    command = json.loads(last["HEALTHCHECK"].partition("CMD ")[2])
    serve = json.loads(last["CMD"])
    port = serve[serve.index("--port") + 1]
    assert last["EXPOSE"] == port and serve[0] == "serve" and command[0] == "python"

    def check(at: int) -> int:
        there = [sys.executable, *(word.replace(f":{port}/", f":{at}/") for word in command[1:])]
        return subprocess.run(there, check=False, timeout=120, stderr=subprocess.DEVNULL).returncode

    assert check(service.port) == 0
    assert check(1) != 0  # nobody listens there


# -- systemd ---------------------------------------------------------------------------------------


def unit() -> dict[str, str]:
    """The unit's section for the service; of a name that stands twice, the last."""
    read = configparser.RawConfigParser(strict=False)
    read.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    read.read_string(UNIT.read_text("utf-8"))
    return dict(read["Service"])


def test_the_unit_gives_the_service_its_time_its_files_and_a_user() -> None:
    found = unit()
    assert int(found["TimeoutStopSec"]) > Settings().drain_s + 10
    assert int(found["LimitNOFILE"]) >= 16_384
    assert found["User"] == found["StateDirectory"] == "tidings"
    assert "--data /var/lib/tidings " in found["ExecStart"]
    # The reading process names the boot by it; hidden, a restart would take more for possibly sent.
    assert found.get("ProcSubset", "all") == "all"


@pytest.mark.systems
def test_systemd_takes_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    here = tmp_path / UNIT.name
    program = str(Path(sys.executable).with_name("tidings"))
    here.write_text(UNIT.read_text("utf-8").replace("/opt/tidings/bin/tidings", program))

    def analyze(*words: str) -> subprocess.CompletedProcess[str]:
        command = ["systemd-analyze", *words, str(here)]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)

    verified = analyze("verify")
    assert (verified.returncode, verified.stderr) == (0, "")
    closed = analyze("security", "--offline=true", "--no-pager", "--threshold=15")
    assert closed.returncode == 0, closed.stdout
    here.write_text(here.read_text("utf-8") + "\nProtectSistem=strict\n")
    assert "ProtectSistem" in analyze("verify").stderr


# -- the page --------------------------------------------------------------------------------------


def test_the_page_installs_what_is_there_by_options_that_are_there() -> None:
    for named in ("deploy/tidings.service", "Dockerfile"):
        assert f"](../{named})" in PAGE
    (run,) = re.findall(r"docker run --detach(?:.*\\\n)*.*", PAGE)
    words = shlex.split(run)
    last = dict(last_stage())
    assert words[words.index("--publish") + 1].endswith(f":{last['EXPOSE']}")
    assert words[words.index("--volume") + 1].endswith(f":{last['VOLUME']}")
    assert int(words[words.index("--stop-timeout") + 1]) > Settings().drain_s + 10
    assert words[-1] == f"tidings:{__version__}"
    assert f"dist/tidings-{__version__}-" in PAGE
