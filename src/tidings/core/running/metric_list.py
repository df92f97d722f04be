"""The metrics that there are. Add a metric here; the rest follows: the table of docs/running.md,
the dashboard, and the check that `/metrics` shows it.

No label names a webhook or an event: their number has no bound. Names are kept for ever, for
people's alerts ask for them.
"""

from tidings.core.running.metric import MetricDeclaration, MetricKind

_COUNTER, _GAUGE, _HISTOGRAM = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM
_EVENTS, _ATTEMPTS, _WORK = "Events a second", "Attempts a second", "Work that waits"
_RECEIVERS, _SERVICE, _STORE = "Receivers that fail", "The service", "The store"
_SOURCES, _NOTICES = "Messages of sources", "Notices and e-mails"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0)
_COARSE = (0.05, 0.25, 1.0, 5.0, 30.0, 300.0, 3600.0)  # of each org
_PARTS, _FAULTS = "Parts", "Faults of Tidings' own"
_PLATFORM = "where `platform_url` is set"
_ATTEMPT = "once there was an attempt"
_EVENT = "once there was an event"
_CELLS = "where there are several cells"
_PASS = "once retention has ended a pass"

_DECLARED = (
    # -- events, and attempts ---------------------------------------------------------------------
    MetricDeclaration(
        "events",
        _COUNTER,
        "events by verdict: `accepted`, `duplicate`",
        labels=("verdict",),
        panel=_EVENTS,
    ),
    MetricDeclaration(
        "events_stopped",
        _COUNTER,
        "events that had [come back too often](contract/delivery.md#messages-that-come-back): "
        "kept, and sent to nobody",
        panel=_EVENTS,
    ),
    MetricDeclaration(
        "attempts",
        _COUNTER,
        "attempts by the class of the answer (`2xx` …) or the fault (`timeout`, `refused`, "
        "`dns` …)",
        labels=("ending",),
        panel=_ATTEMPTS,
    ),
    MetricDeclaration("attempt_seconds", _COUNTER, "time spent in attempts"),
    MetricDeclaration(
        "accept_seconds",
        _HISTOGRAM,
        "calls of `POST /v1/events` from the arrival of their heads to their answers, by the class "
        "of the answer (`2xx` …): of 2xx, until what was accepted is on stable storage",
        labels=("status",),
        panel="Time to accept",
        when="once there was a call",
        bounds=_SECONDS,
    ),
    MetricDeclaration(
        "lane_wait_seconds",
        _HISTOGRAM,
        "first attempts of deliveries, from the accept of the event to the start of the attempt, "
        "by type of webhook; without those of replays",
        labels=("type",),
        panel="Wait for the first attempt",
        when=_ATTEMPT,
        bounds=_LONG,
    ),
    MetricDeclaration(
        "send_seconds",
        _HISTOGRAM,
        "attempts by type of webhook and what follows: `delivered`, `retrying`, `failed`, "
        "`cancelled`",
        labels=("type", "outcome"),
        panel="Time of attempts",
        when=_ATTEMPT,
        bounds=_SECONDS,
    ),
    MetricDeclaration(
        "delivery_seconds",
        _HISTOGRAM,
        "deliveries that have arrived, from the accept of the event to the answer of the receiver, "
        "by type of webhook and by whether the `first` attempt or a `later` one did it; without "
        "those of replays",
        labels=("type", "attempt"),
        panel="Time from event to receiver",
        when=_ATTEMPT,
        bounds=_LONG,
    ),
    MetricDeclaration("in_flight", _GAUGE, "attempts under way", panel=_WORK),
    MetricDeclaration(
        "late_attempts",
        _GAUGE,
        "attempts that had not ended 15 s after their deadlines, by type of webhook; more than 0 "
        "is a fault to report",
        labels=("type",),
        panel=_FAULTS,
    ),
    MetricDeclaration(
        "unforeseen_errors",
        _COUNTER,
        "errors of Tidings' own that nobody has foreseen, at any step of an attempt "
        "([below](#errors-of-tidings-own))",
        panel=_FAULTS,
    ),
    MetricDeclaration(
        "lost_slots",
        _COUNTER,
        "send slots that nobody held and that were given back; more than 0 is a fault to report",
        panel=_FAULTS,
    ),
    MetricDeclaration("queued", _GAUGE, "deliveries in memory that wait", panel=_WORK),
    MetricDeclaration(
        "owed",
        _GAUGE,
        "deliveries of accepted events that are still to be made, where an event has [very many "
        "webhooks](settings.md#deliveries_at_once_max)",
        panel=_WORK,
    ),
    MetricDeclaration(
        "oldest_due_seconds",
        _GAUGE,
        "for how long the oldest delivery has waited that is due and was never tried, of webhooks "
        "that may be sent to; looked up every 20 s. 0 where none waits",
        panel=_WORK,
    ),
    MetricDeclaration("unwritten", _GAUGE, "outcomes not yet written", panel=_WORK),
    # -- receivers --------------------------------------------------------------------------------
    MetricDeclaration(
        "open_breakers",
        _GAUGE,
        "webhooks left alone, because their receivers only fail",
        panel=_RECEIVERS,
    ),
    MetricDeclaration(
        "unwell_webhooks",
        _GAUGE,
        "webhooks by the judgement that every face shows: `failing` (nothing gets through), "
        "`degraded` (a share of their attempts fails), `unread` (messages of a `PULL` webhook "
        "wait, and nobody has fetched for 15 minutes), `held up` by their connection. What is "
        "paused or disabled is not among them",
        labels=("condition",),
        panel=_RECEIVERS,
    ),
    MetricDeclaration(
        "incidents_open",
        _GAUGE,
        "[incidents](#incidents) that have not ended, by kind: `failing`, `degraded`, `unread`, "
        "`backlog`",
        labels=("kind",),
        panel=_RECEIVERS,
    ),
    MetricDeclaration("incidents_opened", _COUNTER, "incidents that were opened since the start"),
    MetricDeclaration("incidents_ended", _COUNTER, "incidents that have ended since the start"),
    MetricDeclaration(
        "held_connections",
        _GAUGE,
        "[connections that cannot be used](connections.md#when-one-cannot-be-used)",
        panel=_RECEIVERS,
    ),
    MetricDeclaration(
        "held_webhooks",
        _GAUGE,
        "webhooks that wait for a connection that cannot be used, by its name",
        labels=("connection",),
    ),
    MetricDeclaration(
        "open_breakers_by_cause",
        _GAUGE,
        "webhooks left alone by what their receivers end with: a status or a fault",
        labels=("cause",),
    ),
    MetricDeclaration(
        "readers_waiting", _GAUGE, "readers that wait for messages of webhooks of type `PULL`"
    ),
    MetricDeclaration("pulled_out", _GAUGE, "messages that readers have under leases"),
    # -- cells ------------------------------------------------------------------------------------
    MetricDeclaration(
        "cell_up", _GAUGE, "1 where the owner of a cell has answered", labels=("cell",), when=_CELLS
    ),
    MetricDeclaration(
        "cell_moves_running",
        _GAUGE,
        "families that are [moving](cells.md) from this cell, whose calls are refused",
        when=_CELLS,
    ),
    MetricDeclaration(
        "cell_moves_waiting", _GAUGE, "of these, those that cannot go on now", when=_CELLS
    ),
    MetricDeclaration(
        "cell_moves",
        _COUNTER,
        "moves of families from this cell that have ended: `switched`, `undone`",
        labels=("end",),
        when=_CELLS,
    ),
    MetricDeclaration(
        "cell_move_pause_seconds",
        _COUNTER,
        "for how long the calls of those families were refused",
        when=_CELLS,
    ),
    # -- orgs -------------------------------------------------------------------------------------
    MetricDeclaration(
        "org_events",
        _COUNTER,
        "events accepted, by org: those that [`metrics_orgs`](settings.md#metrics_orgs) names, or "
        "the first 50 since the start; the rest is `other`, as in all of these",
        labels=("org",),
        panel="Events a second by org",
        when=_EVENT,
    ),
    MetricDeclaration(
        "org_attempts",
        _COUNTER,
        "attempts by org and what follows: `delivered`, `retrying`, `failed`, `cancelled`",
        labels=("org", "outcome"),
        panel="Attempts a second by org",
        when=_ATTEMPT,
    ),
    MetricDeclaration(
        "org_accept_seconds",
        _HISTOGRAM,
        "as `accept_seconds` of 2xx, by org; without calls of the platform's own credential that "
        "bring several events",
        labels=("org",),
        panel="Time to accept by org",
        when=_EVENT,
        bounds=_COARSE,
    ),
    MetricDeclaration(
        "org_lane_wait_seconds",
        _HISTOGRAM,
        "as `lane_wait_seconds`, by org",
        labels=("org",),
        when=_ATTEMPT,
        bounds=_COARSE,
    ),
    MetricDeclaration(
        "org_send_seconds",
        _HISTOGRAM,
        "attempts, by org",
        labels=("org",),
        when=_ATTEMPT,
        bounds=_COARSE,
    ),
    MetricDeclaration(
        "org_delivery_seconds",
        _HISTOGRAM,
        "as `delivery_seconds`, by org",
        labels=("org",),
        panel="Time from event to receiver by org",
        when=_ATTEMPT,
        bounds=_COARSE,
    ),
    # -- the service ------------------------------------------------------------------------------
    MetricDeclaration(
        "ready",
        _GAUGE,
        "1 while `/readyz` is 200. One that [stands by](postgresql.md#high-availability) or waits "
        "for its store has this metric alone, 0: the sum over all processes of a store is 1",
        panel=_SERVICE,
    ),
    MetricDeclaration("store_halted", _GAUGE, "1 while the store refuses writes", panel=_SERVICE),
    MetricDeclaration(
        "loop_lag_seconds",
        _GAUGE,
        "the latest that a timer came in the last minute",
        panel="The event loop",
    ),
    MetricDeclaration(
        "loop_delay_seconds",
        _HISTOGRAM,
        "how late timers came, of 20 a second: so long every other step waited as well",
        panel="The event loop",
        bounds=_SECONDS,
    ),
    MetricDeclaration(
        "loop_blocked",
        _COUNTER,
        "how often it stood still for 2 s and more; `/readyz` says so for an hour",
        panel=_FAULTS,
    ),
    MetricDeclaration(
        "part_works",
        _GAUGE,
        "1 while a [part](#parts-that-fail-or-freeze) works",
        labels=("part",),
        panel=_PARTS,
    ),
    MetricDeclaration(
        "part_silent_seconds",
        _GAUGE,
        "for how long a part has been silent, once that is too long",
        labels=("part",),
    ),
    MetricDeclaration("part_restarts", _COUNTER, "restarts of a part", labels=("part",)),
    MetricDeclaration(
        "notice_standing",
        _GAUGE,
        "1 for each notice or problem that stands beside those of parts",
        labels=("notice",),
        panel=_SERVICE,
    ),
    MetricDeclaration("sending_stopped", _GAUGE, "1 while all sending is stopped", panel=_SERVICE),
    MetricDeclaration("orgs_stopped", _GAUGE, "orgs whose sending is stopped", panel=_SERVICE),
    MetricDeclaration("replays_open", _GAUGE, "replays and cancels with work left", panel=_WORK),
    # -- what messages are made of ----------------------------------------------------------------
    MetricDeclaration("reference_cache_bytes", _GAUGE, "reference data in memory, about"),
    MetricDeclaration(
        "enrichment_thin", _COUNTER, "messages sent thin, because the platform did not answer"
    ),
    MetricDeclaration(
        "platform_asked", _COUNTER, "questions to the platform's API", when=_PLATFORM
    ),
    MetricDeclaration(
        "platform_failed", _COUNTER, "of these, those without a usable answer", when=_PLATFORM
    ),
    MetricDeclaration(
        "platform_down", _GAUGE, "1 while the platform's API is left alone", when=_PLATFORM
    ),
    MetricDeclaration("lookups", _COUNTER, "questions of the look-ups of [actions](actions.md)"),
    MetricDeclaration("lookups_failed", _COUNTER, "of these, those without an answer"),
    # -- access, and the audit log ----------------------------------------------------------------
    MetricDeclaration(
        "keys_refused",
        _COUNTER,
        "calls whose credential is not known: `401`, and `429` where [too "
        "many](access.md#guessing) came from one address",
        labels=("status",),
        panel="Calls with unknown credentials",
    ),
    MetricDeclaration(
        "audit_views_unwritten",
        _COUNTER,
        "looks at payloads that the audit log had no room for while the store took nothing",
        panel=_FAULTS,
    ),
    # -- retention, and the store -----------------------------------------------------------------
    MetricDeclaration("retention_rows", _COUNTER, "rows dropped", labels=("kind",)),
    MetricDeclaration(
        "retention_last_run_seconds", _GAUGE, "when retention last ended a pass (epoch)"
    ),
    MetricDeclaration(
        "retention_kept_back",
        _GAUGE,
        "old events that are kept because they are not finished",
        when=_PASS,
    ),
    MetricDeclaration(
        "retention_oldest_event_seconds", _GAUGE, "accept of the oldest event (epoch)", when=_PASS
    ),
    MetricDeclaration(
        "retention_oldest_payload_seconds", _GAUGE, "accept of the oldest body (epoch)", when=_PASS
    ),
    MetricDeclaration(
        "retention_free_bytes", _GAUGE, "free pages of the database", panel=_STORE, when=_PASS
    ),
    MetricDeclaration(
        "retention_database_bytes", _GAUGE, "all pages of the database", panel=_STORE, when=_PASS
    ),
    MetricDeclaration(
        "disk_free_bytes",
        _GAUGE,
        "what is free for the service on the disk of its data directory; NaN where that cannot be "
        "asked",
        panel="Disk",
    ),
    MetricDeclaration("disk_bytes", _GAUGE, "the size of that disk", panel="Disk"),
    MetricDeclaration(
        "commit_seconds",
        _HISTOGRAM,
        "transactions in which events and outcomes are written, whether they succeeded or not",
        panel="Time of commits",
        bounds=_SECONDS,
    ),
    # -- sources ----------------------------------------------------------------------------------
    MetricDeclaration(
        "source_messages",
        _COUNTER,
        "messages of [sources](sources.md) by what became of them",
        labels=("outcome",),
        panel=_SOURCES,
    ),
    MetricDeclaration(
        "source_aside", _GAUGE, "messages that sources have set aside now", panel="Sources"
    ),
    MetricDeclaration(
        "source_lag",
        _GAUGE,
        "messages that wait to be fetched, by type of source and by source, which is named as "
        "`2001/till`, its org and its name: the 50 oldest are, the rest is `other`",
        labels=("type", "source"),
        panel="Sources",
    ),
    MetricDeclaration(
        "source_lag_unknown",
        _GAUGE,
        "sources of which nobody can tell how many wait (they are not counted as 0)",
        labels=("type",),
        panel="Sources",
    ),
    MetricDeclaration(
        "source_trouble",
        _GAUGE,
        "sources that fetch nothing for a fault",
        labels=("type",),
        panel="Sources",
    ),
    # -- what people are told ---------------------------------------------------------------------
    MetricDeclaration(
        "notices",
        _COUNTER,
        "[operational events](operational-events.md) by kind",
        labels=("kind",),
        panel=_NOTICES,
    ),
    MetricDeclaration(
        "mails", _COUNTER, "letters by what came of them", labels=("kind",), panel=_NOTICES
    ),
    MetricDeclaration(
        "alerts",
        _COUNTER,
        "messages to [alert channels](alerts.md) by what became of them: `sent`, `failed` (and "
        "tried again), `given_up`",
        labels=("channel_type", "outcome"),
        panel=_NOTICES,
        when="once a channel was sent something",
    ),
    MetricDeclaration(
        "notices_lost",
        _COUNTER,
        "operational events that could not be kept",
        panel=_FAULTS,
    ),
)
METRICS = {metric.name: metric for metric in _DECLARED}
"""All of them, by name."""
