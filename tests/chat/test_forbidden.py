"""io_uring forbidden: `auto` says why and runs on epoll, `-b uring` says what would help."""

import ctypes
import os
import re
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import hub  # noqa: E402
import tap  # noqa: E402
from tap import Skip, check  # noqa: E402

SYSCTL = "/proc/sys/kernel/io_uring_disabled"
FORBIDDEN_TO_ALL = "2\n"
EXIT_UNAVAILABLE = 69
IO_URING_SETUP = 425  # the number is the same on every architecture
EPERM = 1


def install_seccomp():
    """Forbids this process io_uring_setup(2) for good, as Docker's default profile does."""
    load_number, jump_if_equal, ret = 0x20, 0x15, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | EPERM
    program = b"".join(struct.pack("HBBI", *step) for step in (
        (load_number, 0, 0, 0), (jump_if_equal, 0, 1, IO_URING_SETUP), (ret, 0, 0, refuse),
        (ret, 0, 0, allow)))
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", 4, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(set_seccomp, mode_filter, header):
        raise OSError(ctypes.get_errno(), "prctl")


def says_why_and_runs(setup, wrapper, cause):
    """`-b auto`: one line with cause and remedy, then epoll."""
    with setup.hub("-b", "auto", wrapper=wrapper) as server:
        server.log.expect(rf"io_uring.*({cause})")
        server.log.expect(r"epoll")
        a, b = server.guest(), server.guest()
        a.expect("* client-2 joined")
        a.send("hi")
        b.expect("client-1: hi")


def refuses(setup, wrapper, cause, remedy):
    """`-b uring`: exit status 69 with cause and remedy."""
    with setup.hub("-b", "uring", wrapper=wrapper, quiet=True) as server:
        server.log.expect(rf"error: .*io_uring.*({cause})")
        server.process.wait(hub.DEADLINE)
        check(re.search(remedy, "\n".join(server.log.lines)), "no remedy is named\n"
              + server.log.tail())
        server.wait_exit(EXIT_UNAVAILABLE)


class SysctlForbids:
    """Sets the sysctl for the time of a `with` block."""

    def __enter__(self):
        if os.geteuid() != 0:
            raise Skip("only root may set kernel.io_uring_disabled")
        try:
            with open(SYSCTL, "r+", encoding="ascii") as control:
                self.before = control.read()
                control.seek(0)
                control.write(FORBIDDEN_TO_ALL)
        except OSError as error:
            raise Skip(f"kernel.io_uring_disabled: {error.strerror}") from None

    def __exit__(self, *_error):
        with open(SYSCTL, "w", encoding="ascii") as control:
            control.write(self.before)


def require_io_uring(setup):
    """Skips where io_uring is not to be had to begin with: then nothing new is forbidden here."""
    hub.Setup(setup.server, "uring").require_backend()


def forbidden_by_sysctl(setup):
    """kernel.io_uring_disabled=2: -b auto falls back, -b uring exits with 69"""
    require_io_uring(setup)
    with SysctlForbids():
        says_why_and_runs(setup, [], "EPERM|not permitted|io_uring_disabled")
        refuses(setup, [], "EPERM|not permitted|io_uring_disabled", r"kernel\.io_uring_disabled")


def forbidden_by_seccomp(setup):
    """a seccomp filter: -b auto falls back, -b uring exits with 69"""
    require_io_uring(setup)
    wrapper = [sys.executable, os.path.abspath(__file__), "--behind-seccomp"]
    says_why_and_runs(setup, wrapper, "EPERM|not permitted")
    refuses(setup, wrapper, "EPERM|not permitted", "seccomp")


if __name__ == "__main__":
    if sys.argv[1] == "--behind-seccomp":
        install_seccomp()
        os.execv(sys.argv[2], sys.argv[2:])
    tap.run(hub.Setup.from_arguments().cases(forbidden_by_sysctl, forbidden_by_seccomp))
