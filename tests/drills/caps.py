"""The trial of an action with a cap: its owner is killed and frozen, by turns."""

import time

from tests.drills.capped_action import CappedAction, in_bursts
from tests.drills.silences import LOADED_S
from tests.drills.trials import NOTHING_YET, Drill, Setting, migrated
from tests.postgres_server import PostgresServer


def caps(setting: Setting, server: PostgresServer, times: int, frozen_s: float) -> Drill:
    """SIGKILL of the owner, and SIGSTOP for so long, while it acts."""
    began_s = time.monotonic()
    drill = Drill("kills and frosts with a cap", times, NOTHING_YET)
    action = CappedAction(setting.receiver, setting.directory)
    setting.customer_of = in_bursts
    pair, hooks, sender = setting.begin(migrated(server), actions=action.file)
    for number in range(times):
        sender.wait(setting.events // times, LOADED_S)
        if number % 2:
            froze_s = pair.freeze_owner()
            drill.taken.append(pair.take_over())
            time.sleep(max(0.0, froze_s + frozen_s - time.monotonic()))
            drill.frozen_codes.append(pair.thaw_standby())
        else:
            pair.owner.kill_all()
            drill.taken.append(pair.take_over())
        pair.stand_by()
    for load in setting.senders:
        load.stop()
    drill.caps = action.close(pair, setting.senders)
    return setting.end(drill, pair, hooks, began_s)
