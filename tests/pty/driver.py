"""Runs the real chatroom_client, in pipes or in a pseudo-terminal, against a hub made of a socket.

    hub = FakeHub()
    with Program([client, hub.address]) as program:     # pipes; terminal=True for a terminal
        peer = hub.accept()
        peer.send(b"* Welcome\\n")
        program.expect(b"* Welcome\\n")
        program.type(b"hello\\n")
        peer.expect(b"hello\\n")
        program.end_input()
        peer.expect_end()
        peer.close()
        program.expect_exit(0)

Leaving the `with` block makes sure that neither of the client's two processes is left. Nothing here
sleeps to wait: it waits for bytes, for exits (pidfd) or for a condition, up to a deadline.
"""

import ctypes
import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

from hub import DEADLINE, SANITIZER, SANITIZER_ENV, show, wait_for  # noqa: E402
from tap import Failure, check  # noqa: E402

PR_SET_CHILD_SUBREAPER = 36
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a RST
LINE = b"0123456789abcde\n"
GREETING = b"/wire json\n"
CTRL_C = b"\x03"
CTRL_D = b"\x04"

# Nothing of the user's own settings, and no place where root could make folders.
ENVIRONMENT = dict(os.environ, **SANITIZER_ENV, HOME="/dev/null", XDG_CONFIG_HOME="/dev/null",
                   XDG_STATE_HOME="/dev/null")
for variable in ("CHATROOM_HUB", "CHATROOM_NICK", "NO_COLOR", "CLICOLOR_FORCE"):
    ENVIRONMENT.pop(variable, None)


def prepare():
    """Orphans become our children, so that none of them can hide behind some init. Signals are not
    ignored, as they are in what a script runs in the background: a client respects that."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def unread(descriptor):
    """How many bytes wait in a pipe or socket."""
    return struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0]


def wait_readable(descriptor, deadline, what):
    """Waits until there is something to read; a pidfd is readable once its process has ended."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    check(poller.poll(deadline * 1000), f"waited {deadline:g} s for {what}")


class Process:
    """A process known by its pidfd: no mix-up with a later one of the same number."""

    def __init__(self, pid):
        self.pid = pid
        self.fd = os.pidfd_open(pid)

    def wait_end(self, what, deadline=DEADLINE):
        """Waits until it has ended, waited for by its parent or not."""
        wait_readable(self.fd, deadline, what)

    def ended(self, seconds=0):
        """True if it ends within this time."""
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        return bool(poller.poll(seconds * 1000))

    def kill(self, number=signal.SIGKILL):
        """Sends a signal; nothing if the process is gone."""
        try:
            signal.pidfd_send_signal(self.fd, number)
        except ProcessLookupError:
            pass

    def peak(self):
        """Most memory it ever had resident, in bytes."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return int(status.read().split("VmHWM:")[1].split()[0]) * 1024

    def descriptors(self):
        """What its descriptors stand for: {0: "pipe:[123]", ...}"""
        where = f"/proc/{self.pid}/fd"
        return {int(fd): os.readlink(f"{where}/{fd}") for fd in os.listdir(where)}

    def close(self):
        """Gives the pidfd back."""
        os.close(self.fd)


class Collector:
    """Gathers what comes out of a descriptor, in a thread, until its end."""

    def __init__(self, fd):
        self.fd = fd
        self.data = bytearray()
        self.used = 0
        self.ended = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.gather, daemon=True)
        self.thread.start()

    def gather(self):
        """The thread. A terminal ends with EIO."""
        while True:
            try:
                block = os.read(self.fd, 1 << 16)
            except OSError:
                block = b""
            with self.changed:
                self.data += block
                self.ended = not block
                self.changed.notify_all()
            if not block:
                return

    def expect(self, wanted, deadline=DEADLINE):
        """Waits for `wanted` behind what was expected before; returns what stood in between."""
        with self.changed:
            found = self.changed.wait_for(
                lambda: self.data.find(wanted, self.used) >= 0 or self.ended, deadline)
            at = self.data.find(wanted, self.used)
            if at < 0:
                state = "the end came" if found else f"waited {deadline:g} s"
                raise Failure(f"{state} and there was no {show(wanted)}\n"
                              f"but {show(bytes(self.data[self.used:]))}")
            skipped = bytes(self.data[self.used:at])
            self.used = at + len(wanted)
            return skipped

    def rest(self, deadline=DEADLINE):
        """Waits for the end; all of it, also what was expected before."""
        with self.changed:
            check(self.changed.wait_for(lambda: self.ended, deadline),
                  f"waited {deadline:g} s for the end of the output")
            return bytes(self.data)


class Program:
    """A running chatroom_client, or a command that becomes one with exec."""

    def __init__(self, command, terminal=False, gather=True, size=(24, 80),
                 environment=None, **streams):
        """`streams` are subprocess.Popen's stdin and stdout; pipes where not given. Standard
        output is read as it comes only if `gather`. `size` is a terminal's, rows and columns."""
        self.terminal = -1
        self.other = -1  # the terminal's other side, to see its modes after the client's end
        self.input = -1
        self.output = -1
        self.modes = None
        self.environment = environment or ENVIRONMENT
        if terminal:
            self.start_in_terminal(command, size)
        else:
            self.start(command, streams)
        self.screen = Process(self.process.pid)
        self.keys = None
        self.out = Collector(self.output) if gather and self.output >= 0 else None
        self.err = Collector(self.process.stderr.fileno())

    def start(self, command, streams):
        """In pipes."""
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            command, env=self.environment, bufsize=0, stderr=subprocess.PIPE,
            **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **streams})
        self.input = os.dup(self.process.stdin.fileno()) if self.process.stdin else -1
        self.output = os.dup(self.process.stdout.fileno()) if self.process.stdout else -1
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()

    def start_in_terminal(self, command, size):
        """As the leader of a session with a terminal of its own; standard error is a pipe."""
        self.terminal, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self.modes = termios.tcgetattr(other)

        def take_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
        self.process = subprocess.Popen(
            command, env=self.environment, bufsize=0, stdin=other, stdout=other,
            stderr=subprocess.PIPE, start_new_session=True, preexec_fn=take_terminal)
        self.other = other
        self.input = os.dup(self.terminal)
        self.output = os.dup(self.terminal)

    def keyboard(self):
        """The process that reads the keyboard; waits until it is there."""
        self.keys = self.keys or wait_for(self.maybe_keyboard, "the keyboard process")
        return self.keys

    def maybe_keyboard(self):
        """The keyboard process if it is there now."""
        try:
            with open(f"/proc/{self.screen.pid}/task/{self.screen.pid}/children",
                      encoding="ascii") as children:
                found = children.read().split()
            return Process(int(found[0])) if found else None
        except (FileNotFoundError, ProcessLookupError):
            return None

    def type(self, data):
        """Writes to its standard input or terminal."""
        while data:
            data = data[os.write(self.input, data):]

    def type_until_stuck(self, most):
        """Writes lines of 16 bytes to its standard input until it takes no more for a while; fails
        if it takes `most` bytes. Returns what was written."""
        poller = select.poll()
        poller.register(self.input, select.POLLOUT)
        os.set_blocking(self.input, False)
        written = 0
        while poller.poll(300):
            check(written < most, f"it has taken {written} bytes and still takes more")
            try:
                written += os.write(self.input, LINE * 4096)
            except BlockingIOError:
                pass
        os.set_blocking(self.input, True)
        return written

    def end_input(self):
        """Closes its standard input."""
        os.close(self.input)
        self.input = -1

    def expect(self, wanted, deadline=DEADLINE):
        """Waits for bytes on standard output; returns what stood before them."""
        return self.out.expect(wanted, deadline)

    def expect_notice(self, wanted, deadline=DEADLINE):
        """Waits for what the hub tells beside messages: on standard error, but a terminal shows
        all in one place."""
        wait_for(lambda: wanted in self.err.data or (self.out and wanted in self.out.data),
                 f"{show(wanted)}", deadline)

    def expect_exit(self, status, said=b"", deadline=DEADLINE):
        """Waits for the end; `said` must be in what was written to standard error, and without
        `said` nothing but the hub's notices may be. Returns all of standard output."""
        self.keys = self.keys or self.maybe_keyboard()
        try:
            self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise Failure(f"it still runs after {deadline:g} s; standard error: "
                          f"{show(bytes(self.err.data))}") from None
        if self.keys:
            self.keys.wait_end("the end of the keyboard process")
        told = self.err.rest()
        check(self.process.returncode == status,
              f"status {self.process.returncode}, not {status}; standard error: {show(told)}")
        check(not SANITIZER.search(told.decode("utf-8", "replace")), told.decode())
        own = [line for line in told.splitlines() if line[:2] not in (b"* ", b"! ")]
        check(said in told if said else not own, f"standard error: {show(told)}")
        if self.terminal >= 0:
            check(termios.tcgetattr(self.other) == self.modes, "the terminal's modes have changed")
            os.close(self.other)
            self.other = -1
        return self.out.rest() if self.out else b""

    def hang_up(self):
        """The terminal goes away. Not while its output is gathered: that would keep it open."""
        for name in ("other", "input", "output", "terminal"):
            os.close(getattr(self, name))
            setattr(self, name, -1)

    def close_output(self):
        """The reader of standard output goes away."""
        os.close(self.output)
        self.output = -1

    def reap_orphan(self):
        """A keyboard process that was left is our child now: see prepare()."""
        self.keys.wait_end("the keyboard process")
        try:
            os.waitpid(self.keys.pid, 0)
        except ChildProcessError:
            pass

    def close_descriptors(self):
        """All of ours. A collector's only after its end, which comes with that of the others."""
        for name in ("other", "input"):
            if getattr(self, name) >= 0:
                os.close(getattr(self, name))
        for collector in (self.out, self.err):
            if collector:
                collector.rest()
        self.process.stderr.close()
        for name in ("output", "terminal"):
            if getattr(self, name) >= 0:
                os.close(getattr(self, name))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.keys = self.keys or self.maybe_keyboard()
        for process in (self.screen, self.keys):
            if process:
                process.kill()
        self.process.wait()
        if self.keys:
            self.reap_orphan()
        self.close_descriptors()
        for process in (self.screen, self.keys):
            if process:
                process.close()


class Peer:
    """The hub's end of a connection. What was received and not yet expected is in `pending`."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(DEADLINE)
        self.pending = bytearray()

    def send(self, data):
        """Sends bytes."""
        self.sock.sendall(data)

    def expect(self, wanted):
        """The next bytes are `wanted`."""
        while len(self.pending) < len(wanted):
            block = self.sock.recv(1 << 16)
            if not block:
                raise Failure(f"the client left\nwanted {show(wanted)}\n"
                              f"   got {show(bytes(self.pending))}")
            self.pending += block
        got = bytes(self.pending[:len(wanted)])
        del self.pending[:len(wanted)]
        if got != wanted:
            raise Failure(f"wanted {show(wanted)}\n   got {show(got)}")

    def read_to_end(self, block=1 << 16):
        """All that comes until the client's end of input; a reset fails the case."""
        parts = [bytes(self.pending)]
        self.pending.clear()
        while data := self.sock.recv(block):
            parts.append(data)
        return b"".join(parts)

    def expect_end(self):
        """The client's end of input, and nothing before it."""
        rest = self.read_to_end()
        check(not rest, f"wanted the end, got {show(rest)}")

    def expect_stuck(self, line=LINE):
        """Sends lines until the client's side takes no more for a while; returns how many bytes
        were sent."""
        poller = select.poll()
        poller.register(self.sock, select.POLLOUT)
        self.sock.setblocking(False)
        sent = 0
        end = time.monotonic() + DEADLINE
        while poller.poll(300):
            check(time.monotonic() < end, f"the client still reads after {sent} bytes")
            try:
                sent += self.sock.send(line * 4096)
            except BlockingIOError:
                pass
        self.sock.settimeout(DEADLINE)
        return sent

    def close(self):
        """Closes politely."""
        self.sock.close()

    def reset(self):
        """Closes with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.sock.close()


class FakeHub:
    """A listening socket. `buffer` makes the buffers of its connections small."""

    def __init__(self, family=socket.AF_INET, where=("127.0.0.1", 0), buffer=0):
        self.sock = socket.socket(family)
        if buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        self.sock.bind(where)
        self.sock.listen(8)
        self.sock.settimeout(DEADLINE)
        self.port = 0
        if family == socket.AF_UNIX:
            self.address = f"unix:{where}"
        else:
            host, self.port = self.sock.getsockname()[:2]
            self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def accept(self, greeting=GREETING):
        """The next client, which begins with this."""
        peer = Peer(self.sock.accept()[0])
        peer.expect(greeting)
        return peer

    def close(self):
        """Listens no more."""
        self.sock.close()


def cases(client, *functions):
    """Cases for tap.run(): each function of the client's path, named by its first line of text."""
    prepare()

    def case(function):
        return function.__doc__.strip().split("\n")[0].rstrip("."), lambda: function(client)
    return [case(function) for function in functions]
