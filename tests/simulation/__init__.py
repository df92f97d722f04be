"""The engine under virtual time, with a store that fails and dies and a network that misbehaves.

Each invariant of the mechanisms, and where it is asserted (`test_invariants.py` looks whether it
is). The worlds run producers, owners who pause, reshape and delete, 410s, refusing disks, lost
answers, kills and stops (`world.py`); replays, cancels, pauses of jobs and stop switches
(`replaying.py`); nine days with a receiver that is down, so the breaker, disabling, parking,
retention and a replay of what was missed (`lasting.py`); two orgs in one small process
(`test_isolation.py`); and all of the first two with a source, actions, retention and receivers that
limit, hours and days long (`crossed/crossing.py`); and an owner that is cut off from its database
for longer than its lease (`leasing.py`). `witness.py` sits beside the engine's own parts in all
of them.

What a person's other try of a delivery may change is looked at in the very call that asks for it
(`parts.py` `retry_now`): one delivery that has ended undelivered is unfinished again, behind what is
under way of its key then, and nothing else moves.

| # | What | Where |
|---|---|---|
| 6 | deliveries are what matched, each once | world.py `check_matching` |
| 7 | states move along the written graph, final ones by the try by hand alone that is asked for | parts.py `check_moves`, parts.py `retry_now` |
| 20 | no attempt before it is due | parts.py `check_takes`, world.py `check_send` |
| 21 | none after the window and one deadline | world.py `check_send` |
| 22 | delays within their jitter, `Retry-After` inside its clamp; a try by hand takes no automatic one away | witness.py `check_delay` |
| 23 | exhausted only by an attempt at the end | witness.py `check_failed` |
| 24 | no duration is negative | world.py `check_deliveries` |
| 25 | every delivery ends, parked and cancelled with a reason | world.py `check_deliveries`, lasting.py `check_end` |
| 26 | with healthy receivers everything arrives | world.py `check_arrived`, lasting.py `check_end` |
| 27 | the oldest due age is small again | world.py `check_healed` |
| 28 | caps of a webhook, an org and the process | world.py `check_requests`, parts.py `check_caps` |
| 29 | no slot is held by nobody, none beyond its deadline | world.py `check_healed`, parts.py `check_slot` |
| 30 | an org with healthy receivers waits for nobody | test_isolation.py `test_healthy_receivers_wait_for_nobody` |
| 32 | one of a key at a time | world.py `check_order`, parts.py `check_owners` |
| 33 | an open breaker: one probe, none in its pause, three successes | witness.py `WatchedBreaker` |
| 44 | a replay makes what was asked for, once; live traffic first | replaying.py `check_jobs`, witness.py `watch_turns` |
| 45 | retention drops nothing of what is unfinished or owed | parts.py `check_kept`, lasting.py `check_events` |
| 52 | a message is acknowledged once it is kept | topics.py `check_kept` |
| 53 | each message is accepted once by its id, or set aside once | topics.py `check_end` |
| 54 | an act is done once, unless an attempt may have been it | acting.py `check_end` |
| 55 | not before it is due, not in quiet hours, within its cap | acting.py `check_act` |
| 56 | cancelled where stated, for the reason that is stated | acting.py `check_act`, acting.py `check_settled` |
| 57 | what is final and old goes, nothing owed does, counts are those of the rows | crossed/crossing.py `check_gone_by`, crossed/crossing.py `check_kept_whole`, crossed/crossing.py `check_counts` |
| 58 | a receiver that limits is sent to at 85 % of it, also after an outage | crossed/recovering.py `recover` |
| 59 | nothing starts once the lease of the store is over, and what waited goes on when it is renewed | leasing.py `check_send`, leasing.py `lapse` |

31 (bytes and memory of an attempt) is the real sender's, over sockets: tests/egress/test_hostile.py;
and so is the half of 29 that a peer can put to the test: a drip, an endless head, an endless body.
"""  # noqa: E501  a table
