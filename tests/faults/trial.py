"""Rounds of a conversation with a hub whose calls fail; what they cost, and that it is all there is."""

import errno

import talk
import tap
from board import SHORT, error_name
from tap import check

# What costs nobody anything: the call is made again, or goes on later.
HARMLESS = {errno.EINTR, errno.EAGAIN, errno.EBUSY, errno.ENOBUFS, SHORT}

# Made now and then only, as the kernel has it.
SELDOM = {"io_uring_submit_and_wait", "io_uring_submit_and_wait_timeout",
          "io_uring_submit_and_get_events", "io_uring_get_events"}

MIB = 1 << 20


class Trial:
    """A hub whose calls fail, and a conversation with it."""

    def __init__(self, server, board, reload=True):
        self.server = server
        self.board = board
        self.talk = talk.Talk(server)
        for _ in range(4):  # what the first rounds leave behind is kept for the next
            self.talk.round()
        self.talk.reload = reload
        self.counters = self.talk.settle()
        self.before = self.state()

    def losses(self):
        """How many connections the hub says it has lost since the last time; when all is quiet. A
        send that fails breaks a connection, unless the hub was about to close it."""
        counters = self.talk.settle()
        more = {name: value - self.counters[name] for name, value in counters.items()
                if name in self.counters}
        self.counters = counters
        return more["no_memory"] + more["accept_drops"] + max(more["broken"], more["failed_sends"])

    def state(self):
        """Descriptors, and blocks and bytes on the heap."""
        return (self.server.descriptors(), self.board.get("heap_blocks"),
                self.board.get("heap_bytes"))

    def round(self, name, error, first, every=0):
        """One round with that fault. Returns whether there were so many calls."""
        what = f"{name}, call {first}, {error_name(error)}"
        self.board.arm(name, error, first, every)
        try:
            self.talk.round()
            calls = self.board.disarm(name)
            losses = self.losses()
        except tap.Failure as failure:
            raise tap.Failure(f"{what}: {failure}") from None
        hurt = self.talk.hurt()
        most = 0 if error in HARMLESS else min(self.board.struck(name), 1)
        check(len(hurt) <= losses <= most, f"{what}: the hub counts {losses} losses, at most {most} "
              f"may be; lost: {talk.names(hurt)}")
        return calls >= first

    def sweep(self, name, error):
        """The first call of a round fails, in the next round the second, until there is none."""
        first = 1
        while self.round(name, error, first):
            first += 1
        check(first > 1 or name in SELDOM, f"{name} was never called: nothing was tested")

    def often(self, name, error):
        """Every other call fails: no matter how often, nobody loses anything."""
        self.round(name, error, 1, 2)

    def close(self):
        """Everything is as before. Two reloads have put the filters' memory in order: the old ones
        stay for a while."""
        self.talk.reload = True
        self.talk.round()
        self.talk.round()
        self.talk.settle()
        after = self.state()
        check(after[0] == self.before[0], f"descriptors: {self.before[0]}, now {after[0]}")
        check(after[1] <= self.before[1] + 16 and after[2] <= self.before[2] + MIB,
              f"blocks and bytes on the heap: {self.before[1:]}, now {after[1:]}")

