"""The alerts for whoever is on call. Add an alert here; the rest follows: the rules for
Prometheus, and the part of docs/running.md that each links to.

An expression keeps the labels `job` and `cell`, so that an alert says which installation and which
of its cells it is of; where there is one cell, that label is empty.
"""

from enum import StrEnum

import msgspec


class AlertSeverity(StrEnum):
    """Say how soon somebody has to look."""

    PAGE = "page"  # now: events are refused or not sent
    TICKET = "ticket"  # on the next working day


class AlertRule(msgspec.Struct, frozen=True):
    """One alert: when it fires, what it says, and what to do then."""

    name: str
    expression: str
    """In PromQL; whatever it finds, fires."""
    summary: str
    """One sentence for a phone; `{{ … }}` is Prometheus's."""
    act: str
    """What to do, for the page of docs: sentences of Markdown."""
    for_: str
    """For how long it must be so, as Prometheus writes it."""
    severity: AlertSeverity = AlertSeverity.TICKET


_PAGE = AlertSeverity.PAGE
_BY = "by (job, cell)"


def _slowest(share: str, metric: str, by: str = "", where: str = "") -> str:
    """Build the expression of a quantile of a histogram within ten minutes, in seconds."""
    labels = f"job, cell{by}, le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{where}[10m])))"


ALERTS = (
    AlertRule(
        "TidingsNotReady",
        f"sum {_BY} (tidings_ready) < 1",
        "No process of this store has been ready for 2 minutes: events are not accepted, sent or "
        "written.",
        act=(
            "Ask `/readyz` of each process: it lists the problems, each with its remedy. See "
            "[Is it alive, is it ready](#is-it-alive-is-it-ready)."
        ),
        for_="2m",
        severity=_PAGE,
    ),
    AlertRule(
        "TidingsAbsent",
        "absent(tidings_ready)",
        "Prometheus has had no figures of any Tidings process for 5 minutes.",
        act=(
            "See whether the service runs (`systemctl status tidings`), and whether Prometheus "
            "[may read the metrics](#who-reads-the-metrics)."
        ),
        for_="5m",
        severity=_PAGE,
    ),
    AlertRule(
        "TidingsCellWithoutOwner",
        "min by (job, cell) (tidings_cell_up) < 1",
        "The owner of cell {{ $labels.cell }} has not answered for 2 minutes: calls of its orgs "
        "are refused.",
        act="`tidings cells show` says what is wrong with the cell ([Several cells](cells.md)).",
        for_="2m",
        severity=_PAGE,
    ),
    AlertRule(
        "TidingsProcessMissing",
        "quantile_over_time(0.5, (count by (job) (tidings_ready))[6h:5m]) "
        "> count by (job) (tidings_ready)",
        "There are fewer processes than for most of the last 6 hours: one that stood by may be "
        "missing.",
        act=(
            "Start the process that has ended; until then nobody takes over "
            "([High availability](postgresql.md#high-availability)). It ends 3 hours after "
            "you have taken one away for good."
        ),
        for_="15m",
    ),
    AlertRule(
        "TidingsStoreHalted",
        f"max {_BY} (tidings_store_halted) > 0",
        "The store refuses writes: events are answered 503 and nothing is sent.",
        act="`/readyz` names the error. Free space on its disk, or look at its database.",
        for_="1m",
        severity=_PAGE,
    ),
    AlertRule(
        "TidingsIntakeRefuses",
        f'sum {_BY} (rate(tidings_accept_seconds_count{{status="5xx"}}[5m])) > 0',
        "Calls that bring events have been answered with a 5xx for 5 minutes.",
        act=(
            "`/readyz` says whether the store takes what comes; the log has each call that failed. "
            "Callers must repeat what was answered so."
        ),
        for_="5m",
        severity=_PAGE,
    ),
    AlertRule(
        "TidingsAcceptSlow",
        f"""{_slowest("0.99", "tidings_accept_seconds", where='{status="2xx"}')} > 1""",
        "One in 100 calls that bring events has taken more than 1 s for 10 minutes.",
        act=(
            "Compare the panels Time of commits and The event loop: the disk or database is slow, "
            "or the processor is busy."
        ),
        for_="10m",
    ),
    AlertRule(
        "TidingsCommitsSlow",
        f"{_slowest('0.9', 'tidings_commit_seconds')} > 0.5",
        "One in 10 commits has taken more than 0.5 s for 10 minutes.",
        act="Look at the disk of the store, or at its database and its standby.",
        for_="10m",
    ),
    AlertRule(
        "TidingsDeliveriesLate",
        f"{_slowest('0.9', 'tidings_lane_wait_seconds', by=', type')} > 60",
        "One in 10 first attempts of webhooks of type {{ $labels.type }} has begun more than a "
        "minute after its event for 10 minutes.",
        act=(
            "Webhooks get more than their receivers take: the list of webhooks shows how many "
            "deliveries each has waiting. Ask their owners for a higher limit, or the receivers to "
            "answer sooner."
        ),
        for_="10m",
    ),
    AlertRule(
        "TidingsWebhooksFailing",
        f'sum {_BY} (tidings_unwell_webhooks{{condition="failing"}}) - '
        f'sum {_BY} (min_over_time(tidings_unwell_webhooks{{condition="failing"}}[1h])) >= 5',
        "{{ $value }} more webhooks fail than at the best time of the last hour.",
        act=(
            "See which they are and by what cause; many with one host or one connection have one "
            "cause. What waits is sent when their receivers are back."
        ),
        for_="5m",
    ),
    AlertRule(
        "TidingsConnectionHeld",
        f"max {_BY} (tidings_held_connections) > 0",
        "A connection of yours has not been usable for 10 minutes; the webhooks over it wait.",
        act="See [When one cannot be used](connections.md#when-one-cannot-be-used).",
        for_="10m",
        severity=_PAGE,
    ),
    AlertRule(
        "TidingsSourceInTrouble",
        "max by (job, cell, type) (tidings_source_trouble) > 0",
        "A source of type {{ $labels.type }} has fetched nothing for 10 minutes, for a fault.",
        act=(
            "The page of the source, and `tidings sources show`, say which "
            "([What waits](sources.md#what-waits))."
        ),
        for_="10m",
    ),
    AlertRule(
        "TidingsSourceLag",
        "sum by (job, cell, type) (tidings_source_lag) > 10000",
        "{{ $value }} messages have waited to be fetched by sources of type {{ $labels.type }} for "
        "15 minutes.",
        act=(
            "Compare the panels Messages of sources and Time of commits; see "
            "[What waits](sources.md#what-waits)."
        ),
        for_="15m",
    ),
    AlertRule(
        "TidingsLoopBlocked",
        f"sum {_BY} (increase(tidings_loop_blocked_total[15m])) > 0",
        "The service has stood still for 2 s and more within the last 15 minutes.",
        act=("Look at the processors and the memory of its machine; other programs may take them."),
        for_="0m",
    ),
    AlertRule(
        "TidingsPartDown",
        "min by (job, cell, part) (tidings_part_works) < 1",
        "The part {{ $labels.part }} has been silent or down for 5 minutes.",
        act="See [Parts that fail or freeze](#parts-that-fail-or-freeze).",
        for_="5m",
    ),
    AlertRule(
        "TidingsOwnFault",
        f"sum {_BY} (increase(tidings_unforeseen_errors_total[15m])) + "
        f"sum {_BY} (increase(tidings_lost_slots_total[15m])) > 0",
        "Tidings has met a fault of its own within the last 15 minutes.",
        act="See [Errors of Tidings' own](#errors-of-tidings-own), and report it.",
        for_="0m",
    ),
    AlertRule(
        "TidingsDiskFull",
        f"min {_BY} (tidings_disk_free_bytes / tidings_disk_bytes) < 0.1",
        "Less than a tenth of the disk of the data directory is free.",
        act=(
            "Free space, make the disk larger, or keep data for less long: without space "
            "the store refuses writes."
        ),
        for_="10m",
    ),
    AlertRule(
        "TidingsRetentionStale",
        f"min {_BY} (time() - (tidings_retention_last_run_seconds > 0)) > 172800",
        "Old data has not been removed for two days.",
        act="`/readyz` says whether retention works; the log names what it fails at.",
        for_="10m",
    ),
    AlertRule(
        "TidingsSendingStopped",
        f"max {_BY} (tidings_sending_stopped) > 0",
        "All sending has been stopped by hand for an hour.",
        act="If nobody means it any more: `tidings sending resume`. The audit log says who did it.",
        for_="1h",
    ),
    AlertRule(
        "TidingsNoticesLost",
        f"sum {_BY} (increase(tidings_notices_lost_total[15m])) > 0",
        "What orgs should have been notified of could not be kept within the last 15 minutes.",
        act="The store refused it or was full: see TidingsStoreHalted.",
        for_="0m",
    ),
)
