"""Events a second through one action: a call, a call with a look-up, a mail.

Events come as a platform sends them, each in a signed call of its own to an inbound webhook; for
actions that call also several in a call to `/v1/events`. The rate counts from the first send to the
last arrival.
"""

from typing import Any

from bench.figures.actions.acting import CALLED, CUSTOMERS, LOOKED_UP, MAILED, Acting, write_files
from bench.report import BESIDE, HELD, MISSED, VOID, Options, Row, cost_rows, disturbance, of
from bench.run import Bench, Measured, measure
from bench.target import YARDSTICK_SECRET

RATE_MIN = 1_000
PER_CALL = 50
CONNECTIONS_OF_CALLS = 8  # so many calls of several events on their way
WARM_UP_SECONDS = 2.0
INBOUND, BATCHES = "inbound webhook, an event a call", f"/v1/events, {PER_CALL} events a call"


def run(options: Options) -> list[Row]:
    rows: list[Row] = []
    for kind in (CALLED, LOOKED_UP, MAILED):
        rows += _of_kind(options, kind)
    return rows


def _of_kind(options: Options, kind: str) -> list[Row]:
    print(f"actions, {kind}, {options.runs} runs", flush=True)
    receiver = "bench.mail_receiver" if kind == MAILED else "bench.receiver"
    rows: list[Row] = []
    with Bench(options.folder, options.patience_seconds, receiver=receiver) as bench:
        file = write_files(bench.folder, kind, bench.receiver.port)
        # What mails take longest is the mail server: how events come in makes no difference there.
        for way in (INBOUND,) if kind == MAILED else (INBOUND, BATCHES):
            target = Acting(bench.folder, file, bench.receiver.port, options.service_cores)
            try:
                plan: dict[str, Any] = {"customers": CUSTOMERS}
                if way == INBOUND:
                    target.by_inbound()
                    plan |= {"connections": options.connections, "secret": YARDSTICK_SECRET}
                else:
                    plan |= {"connections": CONNECTIONS_OF_CALLS, "per_call": PER_CALL}
                measure(bench, target, seconds=WARM_UP_SECONDS, **plan)
                runs = [
                    _printed(measure(bench, target, seconds=options.seconds, **plan))
                    for _ in range(options.runs)
                ]
            finally:
                target.stop()
            rows += _rows(f"{kind}; {way}", runs, judged=kind != MAILED and way == INBOUND)
    return rows


def _printed(run: Measured) -> Measured:
    print(run.line(), flush=True)
    return run


def _rows(label: str, runs: list[Measured], *, judged: bool) -> list[Row]:
    rate = of(runs, "rate")
    if any(run.faults for run in runs):
        verdict = VOID
    elif judged:
        verdict = HELD if rate.median >= RATE_MIN else MISSED
    else:
        verdict = BESIDE
    goal = f"≥ {RATE_MIN:,}" if judged else ""
    twice = sum(run.duplicates for run in runs)
    cost = cost_rows("actions", label, runs)[1:]
    return [
        Row("actions", f"{label}: events/s", rate.text(), goal, verdict),
        Row("actions", f"{label}: done twice", f"{twice}", "0", HELD if not twice else MISSED),
        *cost,
        disturbance("actions", runs),
    ]
