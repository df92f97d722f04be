"""Work that lives as long as the service is started by the supervisor alone: whoever starts a task
elsewhere says here why nobody has to watch it."""

import ast
from pathlib import Path

import tidings

SOURCE = Path(tidings.__file__).parent
STARTS = {"create_task", "ensure_future", "TaskGroup", "start_soon"}

# By module and function: why the task may be without a heart.
ALLOWED = {
    "engine/running/supervisor.py:_begin": "the supervisor",
    # a call, a connection or a question: it ends with it, under its deadline
    "server/connection.py:_begin": "one call, under the bounds of the server",
    "api/v1/events/accept.py:_answer_later": "one call, as a task of the server's would have it",
    "api/v1/inbound.py:begin": "one message, as a task of the server's would have it",
    "server/listener.py:_begin_opening": "one connection, under its deadline",
    "app/cells/calls/known_openers.py:find": "one question to the directory, whoever waits for it",
    "door/whole_hop.py:_start": "one step of a call that is passed on, under its deadline",
    "door/streamed_hop.py:_try": "the body of one such call, ended with it",
    "engine/keyed_calls.py:run": "one call, which outlives its caller",
    "engine/sources/pump.py:_next": "one read, which its pump waits for",
    "engine/sources/intake.py:_accept": "one batch, which its pump waits for",
    "engine/shaping/platform.py:_start": "one question, under its deadline",
    "engine/shaping/reference.py:_send": "one question of the store, which ends in time",
    "engine/actions/lookups.py:_start": "one question, under its deadline",
    "engine/actions/lookups.py:check": "one look at each source, under its deadline",
    "engine/actions/actions.py:begin": "one look at all of them, at the start",
    "engine/sources/lag_watch.py:__init__": "looks of one reading, ended with it",
    "engine/sources/lag_watch.py:_look": "one look, which raises nothing",
    "engine/events/late_checks.py:_compile_behind": "one event type",
    "engine/threads.py:run": "what waits for the thread, which has a heart; ends when nothing does",
    "egress/resolve.py:resolve": "one question, under the resolver's deadline",
    "lookups/csv.py:_look": "one look at a file",
    "destinations/kafka/cluster.py:line_to": "one connection, under its deadline",
    "destinations/kafka/cluster.py:_find": "one question, under its deadline",
    "destinations/kafka/producer.py:_put": "what a broker is sent: attempts have deadlines",
    "destinations/kafka/producer.py:_exchange": "one request, under its deadline",
    "destinations/http/authentication/fetched.py:_begin": "one token, under its deadline",
    "connections/postgresql_lines.py:_end": "the farewell of one connection",
    "sources/kafka/reading.py:stop_consumer": "the farewell of one consumer",
    # an attempt, under its deadline; a permit that nobody holds is found by its watchdog
    "engine/delivery/send_slots.py:_open": "a slot: as many as attempts at a time",
    "engine/delivery/guards/connection_watch.py:run": "one look, under its deadline",
    "engine/delivery/dispatcher.py:spawn": "one page or one look, tried again by its lane",
    "engine/delivery/lanes/channels.py:close": "the end of one channel, given up after a time",
    "engine/delivery/retries/retry_claims.py:release": "one look, tried again by its lane",
    "app/cells/host.py:_hand_over": "the end of its processes, which it waits for",
    "app/cells/owner_rows.py:look": "one look at a database, which the next one waits for",
    "store/cell_map/map_line.py:ask": "both directions of a line, ended with it",
    "store/cell_map/map_line.py:__init__": "the other end of a line, which ends with it",
    "store/cell_map/map_line.py:_serve": "what answers a line, ended with it",
    "app/cells/cell_workers.py:want": "one process, which it waits for",
    "app/cells/cell_workers.py:_run": "one start of a process, which it waits for",
    "app/start_retry.py:_done": "one step of the start, which waits for it",
    "engine/alerts/sender.py:_look_at": "the messages of one round, each under its deadline",
    # one change or write behind a call, tried again until the store takes it
    "engine/changes.py:run": "one change",
    "engine/changes.py:_doubt": "one look at what became of a change",
    "engine/actions/caps.py:take": "one write, begun anew by the next",
    "engine/actions/needs.py:settled": "one wake, made again by the next start",
    "engine/inboxes.py:receive": "one write, begun anew by the next arrival",
    "engine/shaping/reference.py:_write": "one write, which its caller waits for",
    "engine/webhooks/disabler.py:_behind": "one webhook's end, made by the next start otherwise",
    "engine/webhooks/retirement.py:go_on": "one webhook's end, made by the next start otherwise",
    # a child process, which is watched itself
    "store/hosting/reader.py:died": "one restart, tried again until it succeeds",
    "store/postgres/store.py:__init__": "the empty batch of an idle owner; a refusal waits",
    "transform/process.py:_begin": "one start, whose time is watched",
    "transform/process.py:connection_lost": "one end, waited for",
    "store/postgres/store.py:open": "one take-over, which whoever is cancelled waits for",
}


def starts(path: Path) -> list[str]:
    """Where a module starts tasks: by the function that does."""
    found: list[str] = []

    def walk(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        name = getattr(node, "attr", getattr(node, "id", ""))
        if isinstance(node, ast.Attribute | ast.Name) and name in STARTS:
            found.append(f"{path.relative_to(SOURCE).as_posix()}:{function}")
        for child in ast.iter_child_nodes(node):
            walk(child, function)

    text = path.read_text("utf-8")
    if any(name in text for name in STARTS):
        walk(ast.parse(text), "")
    return found


def test_tasks_are_started_by_the_supervisor_or_it_is_said_why_not() -> None:
    found = {place for path in SOURCE.rglob("*.py") for place in starts(path)}
    assert found - ALLOWED.keys() == set(), "start it by the supervisor, or say why not"
    assert ALLOWED.keys() - found == set(), "nothing is started there any more"
