"""The yardstick alone: what this machine gives the least that can be called durable delivery."""

from bench.figures.pairs import warm_up
from bench.ledger import spread
from bench.report import Options, Row, cost_rows, disturbance, judge, of
from bench.run import Bench, measure
from bench.target import Yardstick


def run(options: Options) -> list[Row]:
    print(f"yardstick, {options.runs} runs", flush=True)
    runs = []
    with Bench(options.folder, options.patience_seconds) as bench:
        yardstick = Yardstick(bench.folder, bench.receiver.port, options.service_cores)
        try:
            warm_up(bench, [yardstick], connections=options.connections)
            for _ in range(options.runs):
                runs.append(
                    measure(
                        bench, yardstick, seconds=options.seconds, connections=options.connections
                    )
                )
                print(runs[-1].line(), flush=True)
        finally:
            yardstick.stop()
    good = [run for run in runs if not run.faults]
    load = spread(1e6 * run.load_cpu / run.events for run in good)
    receiver = spread(1e6 * run.receiver_cpu / run.events for run in good)
    return [
        Row(
            "yardstick", "ledgers closed", f"{len(good)} of {len(runs)}", verdict=judge(runs, True)
        ),
        *cost_rows("yardstick", "alone", runs),
        Row("yardstick", "send to receipt: p50, ms", of(runs, "delay", 50).text(1)),
        Row("yardstick", "send to receipt: p99, ms", of(runs, "delay", 99).text(1)),
        Row("yardstick", "generator: CPU µs/event", load.text(1)),
        Row("yardstick", "receiver: CPU µs/event", receiver.text(1)),
        disturbance("yardstick", runs),
    ]
