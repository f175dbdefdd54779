"""Every allocation of a conversation fails once, each in a round of its own: people come and go,
speak, read the history, change to JSON, and the filters are loaded anew. At most one client is lost
for it, or one of them is told what could not be done; the hub counts it, and everything is given
back. (For a start see test_start.py.)"""

import errno
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


def talking(setup):
    """an allocation fails, in each round of conversation another one, until there is none left"""
    with faults.Board() as board:
        with board.hub(setup, *talk.options()) as server:
            trial = Trial(server, board, reload=False)
            trial.sweep("memory", errno.ENOMEM)
            trial.close()


def reloading(setup):
    """the same while the filters are loaded anew: the old or the new ones are at work"""
    with faults.Board() as board:
        with board.hub(setup, *talk.options()) as server:
            trial = Trial(server, board)
            first = 1
            reached = True
            while reached:
                board.arm("memory", errno.ENOMEM, first)
                trial.talk.load_anew()
                reached = board.disarm("memory") >= first
                check(trial.losses() == 0, f"allocation {first} cost a client")
                first += 1
            check(first > 100, "no filter was loaded")
            trial.close()
            server.log.forgive(": error: .*filter")


def first_round(setup):
    """the same for the first round of each hub, when nothing is in store"""
    first = 1
    reached = True
    while reached:
        with faults.Board() as board:
            with board.hub(setup, *talk.options()) as server:
                conversation = talk.Talk(server)
                conversation.reload = False
                board.arm("memory", errno.ENOMEM, first)
                try:
                    conversation.round()
                    reached = board.disarm("memory") >= first
                    conversation.settle()
                except tap.Failure as failure:
                    raise tap.Failure(f"allocation {first}: {failure}") from None
                hurt = conversation.hurt()
                check(len(hurt) <= board.struck("memory"),
                      f"allocation {first}: lost: {talk.names(hurt)}")
        first += 1
    check(first > 20, "nothing was allocated")


if __name__ == "__main__":
    tap.run(hub.Setup.from_arguments().cases(talking, reloading, first_round))
