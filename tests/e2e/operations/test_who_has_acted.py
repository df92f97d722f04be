"""Who has made a change, where it was nobody who calls the API: a real program tells it."""

from pathlib import Path

from tests.cli.command import Command
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import KEY, ORG, SECRET
from tests.e2e.harness.store.books import ask
from tests.e2e.harness.until import until

VALUE = "a value that is long"
SOURCES = f"""
[shop]
org = {ORG}
verification = {{type = "header", header = "X-Key", value = "{VALUE}"}}
"""
ACTIONS = """
org = 4711

[types.customerReached]
description = "A customer was reached."

[types.customerReached.schema]
type = "object"

[actions.reached]
types = ["customerReached"]

[actions.reached.call]
url = "http://127.0.0.1:8099/never"
json = {n = 1}
"""
_WHO = "SELECT actor_kind, actor, face FROM audit WHERE chain = ? AND action = ? ORDER BY number"


def who(data: Path, chain: int, action: str) -> list[tuple[str, str, str]]:
    return [(kind, actor, face) for kind, actor, face in ask(data, _WHO, str(chain), action)]


def test_files_the_operator_the_command_line_and_callers_are_told_apart(
    own_service: NewService, tmp_path: Path
) -> None:
    sources, actions = tmp_path / "sources.toml", tmp_path / "actions.toml"
    sources.write_text(SOURCES)
    actions.write_text(ACTIONS)
    service = own_service(sources=sources, actions=actions)
    service.launch("--hold")
    until(service._ready, f"a ready service; it says {service.words()}")
    tidings = Command(
        tmp_path, TIDINGS_URL=f"http://127.0.0.1:{service.port}", TIDINGS_KEY=f"{KEY}:{SECRET}"
    )
    tidings("sending", "resume", "--all").must()
    with service.api(ORG) as api:
        api.call("POST", "/v1/stop").must(200)
    service.stop()
    sources.write_text("")
    service.start().stop()

    data = service.data
    assert who(data, 0, "sending.stopped") == [
        ("operator", "serve --hold", "cli"),
        ("credential", KEY, "api"),
    ]
    assert who(data, 0, "sending.started") == [("credential", KEY, "cli")]
    of_file = ("file", "sources.toml", "file")
    assert who(data, ORG, "source.created") == [of_file]
    assert who(data, ORG, "source.changed") == [of_file], "which says nothing of it any more"
    of_file = ("file", "actions.toml", "file")
    assert who(data, 4711, "org.created") == [of_file]
    assert who(data, 4711, "event_type.changed") == [of_file]
    assert who(data, ORG, "org.created") == [("operator", "serve", "cli")]
    assert ask(data, "SELECT count(*) FROM audit WHERE after LIKE ?", f"%{VALUE}%") == [(0,)]
