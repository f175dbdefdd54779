"""Where an io_uring is short of everything: queues of eight entries, which overflow all the time,
and buffers of a few bytes. Slow, but nobody is lost, and nobody misses anything."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../support"), HERE]

import board as faults  # noqa: E402
import hub  # noqa: E402
import talk  # noqa: E402
import tap  # noqa: E402
from tap import check  # noqa: E402
from trial import Trial  # noqa: E402


def crowded(setup, ring_size, buffer_size):
    """Rounds of conversation while forty more talk at once."""
    with faults.Board() as board:
        board.set("ring_size", ring_size)
        board.set("buffer_size", buffer_size)
        with board.hub(setup, "--presence-max", "0", *talk.options()) as server:
            trial = Trial(server, board)
            for _ in range(3):
                crowd = [server.guest() for _ in range(40)]
                for n, one in enumerate(crowd):
                    one.send_bytes(f"/join #crowd\nhello from {n}\n" * 3)
                trial.talk.round()
                hurt = talk.names(trial.talk.hurt())
                check(hurt == "nobody", f"it cost {hurt}")
                for one in crowd:
                    one.close()
                    server.clients.remove(one)
            trial.close()
            check(ring_size == 0 or board.get("overflows") > 0, "the queue never overflowed")


def overflow(setup):
    """queues of eight entries"""
    crowded(setup, 8, 0)


def crumbs(setup):
    """buffers of one byte"""
    crowded(setup, 0, 1)


def both(setup):
    """queues of eight entries and buffers of seven bytes"""
    crowded(setup, 8, 7)


if __name__ == "__main__":
    tap.run(hub.Setup.from_arguments().cases(overflow, crumbs, both))
