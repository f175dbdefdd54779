"""Every call of a start fails once, and every allocation: it ends with one of the exit statuses of
sysexits(3) and a message, or it goes on without what it could not have, and serves."""

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

E = errno
STOPPED = (69, 71, 78)  # EX_UNAVAILABLE, EX_OSERR, EX_CONFIG

CALLS = {
    "socket": (E.EMFILE, E.ENFILE, E.ENOBUFS, E.ENOMEM, E.EAFNOSUPPORT),
    "bind": (E.EADDRINUSE, E.EACCES, E.ENOMEM),
    "listen": (E.EADDRINUSE,),
    "getsockname": (E.ENOBUFS,),
    "setsockopt": (E.ENOMEM, E.ENOPROTOOPT),
    "open": (E.EINTR, E.EMFILE, E.ENFILE, E.ENOMEM),
    "fstat": (E.ENOMEM,),
    "fcntl": (E.EINVAL,),
    "read_file": (E.EINTR, E.EIO, E.ENOMEM),
    "write": (E.EINTR,),
    "close": (E.EINTR, E.EIO),
    "scandir": (E.ENOMEM, E.EMFILE),
    "eventfd": (E.EMFILE, E.ENFILE, E.ENOMEM),
    "signalfd": (E.EMFILE, E.ENFILE, E.ENOMEM),
    "inotify_init1": (E.EMFILE, E.ENOMEM),
    "inotify_add_watch": (E.ENOSPC, E.ENOMEM),
    "timer_create": (E.EAGAIN, E.ENOMEM),
    "timer_settime": (E.EINVAL,),
    "sigaction": (E.EINVAL,),
    "getrandom": (E.EAGAIN, E.ENOSYS),
    "prctl": (E.EINVAL,),
    "seccomp_init": (E.ENOMEM,),
    "seccomp_load": (E.ENOMEM, E.EACCES),
}

BACKENDS = {
    "epoll": {
        "epoll_create1": (E.EMFILE, E.ENFILE, E.ENOMEM),
        "epoll_ctl": (E.ENOMEM, E.ENOSPC),
    },
    "uring": {
        "mmap": (E.ENOMEM,),
        "socketpair": (E.EMFILE, E.ENFILE),
        "syscall": (E.EINVAL, E.EPERM, E.ENOMEM),
        "io_uring_queue_init_params": (E.ENOSYS, E.EPERM, E.EINVAL, E.ENOMEM, E.EMFILE),
        "io_uring_register_ring_fd": (E.ENOMEM,),
        "io_uring_register_buf_ring": (E.EINVAL, E.ENOMEM),
        "io_uring_submit": (E.EINTR, E.EAGAIN, E.EBUSY),
        "io_uring_submit_and_wait_timeout": (E.EINTR, E.EAGAIN),
        "ring_send": (E.ENOBUFS, E.EAGAIN, E.EINVAL),
        "ring_recv": (E.ENOBUFS, E.EINVAL),
    },
}


class Start:
    """How to start a hub that uses all there is, and what may come of it."""

    def __init__(self, setup, directory, name, error):
        self.setup = setup
        self.options = ("-f", f"{talk.TREE}/tests/chat/filters/tag.lua", "--watch",
                        "--filter-dir", directory)
        self.name = name
        self.error = error

    def attempt(self, first):
        """That call fails. Returns whether there was one."""
        what = f"{self.name}, call {first}, {faults.error_name(self.error)}"
        with faults.Board() as board:
            board.arm(self.name, self.error, first)
            try:
                with board.hub(self.setup, *self.options, quiet=True) as server:
                    hub.wait_for(lambda: self.is_decided(server), "the start")
                    reached = board.disarm(self.name) >= first
                    self.judge(server)
            except tap.Failure as failure:
                raise tap.Failure(f"{what}: {failure}") from None
            return reached

    @staticmethod
    def is_decided(server):
        """It has ended, or listens."""
        return server.process.poll() is not None or server.log.matches(hub.LISTENING)

    def judge(self, server):
        """It has ended with a reason, or serves."""
        if server.process.poll() is None:
            self.serve(server)
        else:
            self.refuse(server)

    @staticmethod
    def serve(server):
        """As if nothing had been."""
        server.addresses = server.wait_listening(1)
        a, b = server.guest(), server.guest()
        a.expect(f"* {b.nick} joined")
        a.send("hello")
        b.expect(f"{a.nick}: hello [seen]")

    @staticmethod
    def refuse(server):
        """It said why."""
        server.process.wait()
        server.log.reader.join()
        reasons = server.log.matches(": error: ")
        server.log.forgive(": error: ")
        check(server.process.returncode in STOPPED, f"exit status {server.process.returncode}")
        server.wait_exit(server.process.returncode)
        check(reasons, "not a word why")

    def sweep(self):
        """The first call fails, with the next start the second, until there is none."""
        first = 1
        while self.attempt(first):
            first += 1
        check(first > 1, f"{self.name} was never called: nothing was tested")


def failing(name, errors):
    """A case: that call fails in all these ways."""
    def call(setup):
        with hub.scratch() as directory:
            for error in errors:
                Start(setup, directory, name, error).sweep()
    call.__doc__ = f"{name}: {', '.join(map(faults.error_name, errors))}"
    return call


if __name__ == "__main__":
    chosen = hub.Setup.from_arguments()
    rows = {"memory": (E.ENOMEM,), **CALLS, **BACKENDS[chosen.backend]}
    tap.run(chosen.cases(*(failing(*row) for row in rows.items())))
