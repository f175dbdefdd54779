"""The clock on the wall is set forth and back: nobody is lost, everything is said, timers go on, and
what has a time has the new one."""

import os
import sys
import time
from datetime import datetime, timezone

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../support"), HERE]

import board as faults  # noqa: E402
import hub  # noqa: E402
import talk  # noqa: E402
import tap  # noqa: E402
from tap import check  # noqa: E402

HOUR, DAY, YEAR = 3600, 86400, 366 * 86400

# To where from the true time, one after the other: an hour, a day, back, to years that 32 bits
# cannot tell, to 1986 (before 1970 no clock can be set).
JUMPS = (HOUR, -HOUR, DAY, 0, -DAY, 80 * YEAR, -40 * YEAR, 0)

TICKS = 5


def ticks_go_on(person):
    """Waits for a few."""
    person.notices.clear()
    person.until_true(lambda: person.notices.count(b"* tick") >= TICKS, f"{TICKS} ticks")


def told_time(person):
    """The hub's clock, as seconds since 1970."""
    text = person.told["time"].replace("Z", "+00:00")
    return datetime.fromisoformat(text).astimezone(timezone.utc).timestamp()


def jumps(setup):
    """an hour, a day, decades, forth and back"""
    with faults.Board() as board:
        options = (*talk.options(), "-f", f"{HERE}/ticker.lua",
                   "-f", f"{talk.TREE}/plugins/filters/flood.lua",
                   "--set", "flood.per_second=100000", "--set", "flood.burst=100000")
        with board.hub(setup, *options) as server:
            conversation = talk.Talk(server)
            conversation.round()
            for jump in JUMPS:
                board.set("wall_ms", jump * 1000)
                ticks_go_on(conversation.stay[0])
                conversation.round()
                ticks_go_on(conversation.stay[1])
                counters = conversation.settle()
                hurt = talk.names(conversation.hurt())
                check(hurt == "nobody", f"{jump} s cost {hurt}")
                ahead = told_time(conversation.stay[2]) - time.time() - jump
                check(abs(ahead) < hub.DEADLINE, f"{jump} s: messages are {ahead:.0f} s off")
                check(counters["filter.ticker.faults"] == 0, "a timer has failed")


if __name__ == "__main__":
    tap.run(hub.Setup.from_arguments().cases(jumps))
