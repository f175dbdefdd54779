"""Every call of the hub to the system fails once, in every way it may, each in a round of its own
of a conversation: the hub lives, at most one client is lost, the others miss nothing."""

import errno
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../support"), HERE]

import board as faults  # noqa: E402
import hub  # noqa: E402
import talk  # noqa: E402
import tap  # noqa: E402
from board import SHORT, error_name  # noqa: E402
from trial import HARMLESS, Trial  # noqa: E402

E = errno

RECEIVE = (E.EINTR, E.EAGAIN, E.ENOMEM, E.ECONNRESET, E.ETIMEDOUT)
SEND = (E.EINTR, E.EAGAIN, E.ENOBUFS, E.ENOMEM, E.ECONNRESET, E.EPIPE, SHORT)
ACCEPT = (E.EINTR, E.EAGAIN, E.ECONNABORTED, E.EMFILE, E.ENFILE, E.ENOBUFS, E.ENOMEM, E.EPERM)

COMMON = {
    "getpeername": (E.ENOTCONN, E.ENOBUFS),
    "read": (E.EINTR, E.EAGAIN),
    "read_file": (E.EINTR, E.EIO, E.ENOMEM),
    "write": (E.EINTR, E.EAGAIN, E.EPIPE, E.ENOSPC),
    "shutdown": (E.ENOTCONN,),
    "close": (E.EINTR, E.EIO),
    "open": (E.EINTR, E.EMFILE, E.ENFILE, E.ENOMEM, E.EACCES),
    "fstat": (E.ENOMEM,),
    "timer_create": (E.EAGAIN, E.ENOMEM),
    "timer_settime": (E.EINVAL,),
    "sigaction": (E.EINVAL,),
}

CALLS = {
    "epoll": {
        **COMMON,
        "accept4": ACCEPT,
        "recv": (*RECEIVE, SHORT),
        "send": SEND,
        "sendmsg": SEND,
        "epoll_ctl": (E.ENOMEM, E.ENOSPC),
        "epoll_wait": (E.EINTR,),
    },
    "uring": {
        **COMMON,
        "ring_recv": (*RECEIVE, E.ENOBUFS, E.ECANCELED),
        "ring_send": SEND,
        "ring_sendmsg": SEND,
        "ring_poll": (E.EINTR, E.ENOMEM, E.ECANCELED),
        "io_uring_submit": (E.EINTR, E.EAGAIN, E.EBUSY),
        "io_uring_submit_and_wait": (E.EINTR, E.EAGAIN, E.EBUSY),
        "io_uring_submit_and_wait_timeout": (E.EINTR, E.EAGAIN, E.EBUSY),
        "io_uring_submit_and_get_events": (E.EINTR, E.EAGAIN, E.EBUSY),
        "io_uring_get_events": (E.EINTR, E.EAGAIN, E.EBUSY),
    },
}

# Calls that a reload makes: so there is one in each of their rounds.
RELOADING = {"read", "read_file", "close", "open", "fstat", "timer_create", "timer_settime",
             "sigaction", "ring_poll"}


def failing(name, errors):
    """A case: that call fails in all these ways."""
    def call(setup):
        with faults.Board() as board:
            with board.hub(setup, *talk.options()) as server:
                trial = Trial(server, board, name in RELOADING)
                for error in errors:
                    trial.sweep(name, error)
                    if error in HARMLESS:
                        trial.often(name, error)
                trial.close()
                server.log.forgive(": error: .*filter")
    call.__doc__ = f"{name}: {', '.join(map(error_name, errors))}"
    return call


def accepting(setup):
    """ring_accept: all it may say, when the hub begins to accept, and again and again"""
    for error in ACCEPT:
        for every in (0, 1):
            with faults.Board() as board:
                board.arm("ring_accept", error, 1, every)
                with board.hub(setup, *talk.options()) as server:
                    hub.wait_for(lambda: board.struck("ring_accept") > 2 * every, "the accepts")
                    board.disarm("ring_accept")
                    Trial(server, board, True).close()


if __name__ == "__main__":
    chosen = hub.Setup.from_arguments()
    rows = [failing(*row) for row in CALLS[chosen.backend].items()]
    tap.run(chosen.cases(*rows, *([accepting] if chosen.backend == "uring" else [])))
