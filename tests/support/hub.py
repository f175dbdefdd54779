"""Starts the real chatroom_server for a test and talks to it.

    setup = hub.Setup.from_arguments()      # which server, which backend: -s PATH -b BACKEND
    with setup.hub("--history", "3") as server:
        a = server.client("a")
        a.expect(re.compile(r"\\* Welcome .*"))
        a.send("/ping x")
        a.expect("* pong x")

Leaving the `with` block stops the hub politely and checks that it ended well: exit status 0, in
time, nothing from a sanitizer, no error line in the log that the test did not ask for.

Nothing here sleeps to wait: it waits for bytes, log lines or counters, up to a deadline.
"""

import argparse
import fcntl
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

from tap import Failure, Skip, check

DEADLINE = 15.0  # seconds that anything may take, unless a test says otherwise
POLITE_STOP = 3.0  # seconds from SIGTERM to the exit, as promised: a flush of 2 s and some room
SANITIZER = re.compile(r"Sanitizer|runtime error:|detected memory leaks")
LISTENING = re.compile(r"chatroom_server: info: listening on (\S+)")
SHUTDOWN = "The hub is shutting down."
EXIT_UNAVAILABLE = 69
LOG_PIPE = 1 << 20  # bytes; the hub does not wait for who reads its log

# One line per report; a small quarantine, or freed memory would count as used in the tests of
# memory.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=16:"
                    "allocator_release_to_os_interval_ms=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def to_bytes(text):
    """Text as it goes over the wire."""
    return text.encode() if isinstance(text, str) else text


def show(data):
    """Bytes for people: text with escapes, long ones cut in the middle."""
    text = data.decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= 400 else f"{text[:200]} ... {text[-100:]} ({len(data)} bytes)"


def wait_for(condition, what, deadline=DEADLINE):
    """Asks `condition` until it returns something true, and returns that."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Failure(f"waited {deadline:g} s for {what}")
        time.sleep(0.005)


def connect(address, receive_buffer=0, segment=0):
    """A stream socket connected to HOST:PORT, [V6]:PORT or unix:PATH."""
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        target = address[len("unix:"):]
    else:
        host, port = address.rsplit(":", 1)
        sock = socket.socket(socket.AF_INET6 if host.startswith("[") else socket.AF_INET)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        target = (host.strip("[]"), int(port))
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if segment:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
    sock.settimeout(DEADLINE)
    sock.connect(target)
    return sock


class Client:
    """One connection. What was received and not yet expected stands in `pending`."""

    def __init__(self, name, address, **socket_options):
        self.name = name
        self.sock = connect(address, **socket_options)
        self.pending = b""
        self.ended = False
        self.fences = 0

    def differs(self, wanted, got):
        """What to say when `got`, bytes, is not what was wanted."""
        return f"{self.name}: wanted {wanted}\n{self.name}:    got {show(got)}"

    def send(self, line):
        """Sends one line."""
        self.send_bytes(to_bytes(line) + b"\n")

    def send_bytes(self, data):
        """Sends bytes as they are."""
        self.sock.sendall(to_bytes(data))

    def receive(self, deadline=DEADLINE, size=65536):
        """Reads what there is into `pending`; False at the end of input."""
        self.sock.settimeout(max(deadline, 0.001))
        try:
            data = self.sock.recv(size)
        except socket.timeout:
            raise Failure(f"{self.name}: nothing came in {deadline:g} s; "
                          f"unread: {show(self.pending)!r}") from None
        except ConnectionResetError:
            data = b""
        self.pending += data
        self.ended = not data
        return not self.ended

    def read_line(self, deadline=DEADLINE):
        """The next line without its newline."""
        end = time.monotonic() + deadline
        while b"\n" not in self.pending:
            if self.ended or not self.receive(end - time.monotonic()):
                raise Failure(f"{self.name}: the connection ended; "
                              f"unread: {show(self.pending)!r}")
        line, self.pending = self.pending.split(b"\n", 1)
        return line

    def expect(self, wanted, deadline=DEADLINE):
        """The next line must be `wanted` byte for byte, or match all of a pattern; returns it."""
        line = self.read_line(deadline)
        if isinstance(wanted, re.Pattern):
            text = line.decode("utf-8", "backslashreplace")
            check(wanted.fullmatch(text), self.differs(wanted.pattern, line))
        else:
            check(line == to_bytes(wanted), self.differs(show(to_bytes(wanted)), line))
        return line

    def expect_eof(self, deadline=DEADLINE):
        """The hub has closed the connection, and nothing is left to read."""
        end = time.monotonic() + deadline
        while not self.ended and not self.pending:
            self.receive(end - time.monotonic())
        check(not self.pending, self.differs("the end of the connection", self.pending))

    def expect_quiet(self):
        """Nothing is left to read: the next thing that comes is the answer to a ping."""
        self.fences += 1
        token = f"fence-{self.name}-{self.fences}"
        self.send(f"/ping {token}")
        line = self.read_line()
        if line.startswith(b"{"):
            told = json.loads(line)
            right = told.get("type") == "pong" and told.get("token") == token
        else:
            right = line == to_bytes(f"* pong {token}")
        check(right, self.differs(f"nothing more (pong {token})", line))

    def expect_shutdown(self):
        """What a client reads when the hub is stopped politely: the notice, and the end."""
        line = self.read_line()
        told = json.loads(line) if line.startswith(b"{") else None
        check(line == to_bytes(f"* {SHUTDOWN}") or told == {"type": "notice", "text": SHUTDOWN},
              self.differs(f"* {SHUTDOWN}", line))
        self.expect_eof()

    def shutdown(self):
        """Ends the input of the hub; what it sends is still read."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        """Leaves."""
        self.sock.close()

    def rst(self):
        """Leaves with a RST instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Log:
    """The lines a process writes to standard error, gathered by a thread."""

    def __init__(self, stream):
        self.lines = []
        self.used = set()  # indexes of lines that an expectation has had
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.gather, args=(stream,), daemon=True)
        self.reader.start()

    def gather(self, stream):
        """The thread: until the process closes its standard error."""
        for raw in stream:
            with self.changed:
                self.lines.append(raw.decode("utf-8", "backslashreplace").rstrip("\n"))
                self.changed.notify_all()
        stream.close()

    def take(self, pattern):
        """The first unused line that matches, now marked as used; or None."""
        for index, line in enumerate(self.lines):
            if index not in self.used and pattern.search(line):
                self.used.add(index)
                return line
        return None

    def expect(self, pattern, deadline=DEADLINE):
        """Waits for a line that matches, here or to come. A line serves one expectation."""
        pattern = re.compile(pattern)
        with self.changed:
            line = []
            if not self.changed.wait_for(lambda: line.append(self.take(pattern)) or line[-1],
                                         deadline):
                raise Failure(f"no line in the log matches {pattern.pattern}")
            return line[-1]

    def matches(self, pattern):
        """Every line so far that matches."""
        with self.changed:
            return [line for line in self.lines if re.search(pattern, line)]

    def forgive(self, pattern):
        """Lines that match are expected, however many."""
        with self.changed:
            self.used.update(index for index, line in enumerate(self.lines)
                             if re.search(pattern, line))

    def unexpected(self):
        """Error lines that no expectation has asked for, and what sanitizers say."""
        with self.changed:
            return [line for index, line in enumerate(self.lines) if SANITIZER.search(line)
                    or (": error: " in line and index not in self.used)]

    def tail(self, count=15):
        """The last lines, for a report."""
        return "\n".join(f"log: {line}" for line in self.lines[-count:])


class Hub:
    """A running chatroom_server."""

    def __init__(self, command, listeners=1, environment=None, quiet=False, inherited=()):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        env=environment, pass_fds=inherited)
        fcntl.fcntl(self.process.stderr, fcntl.F_SETPIPE_SZ, LOG_PIPE)
        self.log = Log(self.process.stderr)
        self.clients = []
        self.addresses = []
        self.pid = self.process.pid
        self.asked = False  # to finish
        self.ended = False  # its end was seen, and was as it should be
        try:
            if not quiet:
                self.addresses = self.wait_listening(listeners)
        except BaseException:
            self.kill()
            raise

    def wait_listening(self, listeners):
        """The addresses from the `listening on` lines, once there are so many."""
        def found():
            lines = self.log.matches(LISTENING)
            check(len(lines) >= listeners or self.process.poll() is None,
                  f"the hub ended with status {self.process.poll()}\n{self.log.tail()}")
            return lines if len(lines) >= listeners else None
        return [LISTENING.search(line).group(1) for line in wait_for(found, "the hub to listen")]

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            try:
                self.stop()
            finally:
                self.kill()
        else:
            self.kill()
            if isinstance(value, Failure):
                value.args = (f"{value}\n{self.log.tail()}",)
        for client in self.clients:
            client.close()

    def client(self, name=None, address=None, **socket_options):
        """A new connection. Nothing is read yet, not even the welcome."""
        name = name or f"connection {len(self.clients) + 1}"
        client = Client(name, address or self.addresses[0], **socket_options)
        self.clients.append(client)
        return client

    def guest(self, name=None, address=None, **socket_options):
        """A new connection that has read its welcome; it is remembered as .id and .nick."""
        client = self.client(name, address, **socket_options)
        line = client.expect(re.compile(r"\* Welcome .*client-\d+\..*")).decode()
        client.nick = re.search(r"client-\d+", line).group()
        client.id = int(client.nick[len("client-"):])
        return client

    def signal(self, number):
        """Sends a signal."""
        self.asked = self.asked or number in (signal.SIGTERM, signal.SIGINT)
        self.process.send_signal(number)

    def ask_to_finish(self):
        """SIGTERM, unless the test has sent one."""
        if not self.asked:
            self.signal(signal.SIGTERM)

    def wait_exit(self, status=0, deadline=POLITE_STOP):
        """Waits for the end; checks the status and that the log has no surprises."""
        try:
            self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise Failure(f"the hub still runs after {deadline:g} s") from None
        self.log.reader.join()
        check(self.process.returncode == status,
              f"the hub ended with status {self.process.returncode}, not {status}")
        check(not self.log.unexpected(), "in the log: " + "\n".join(self.log.unexpected()))
        self.ended = True

    def stop(self):
        """Ends it politely, unless the test has done so."""
        if not self.ended:
            self.ask_to_finish()
            self.wait_exit()

    def kill(self):
        """Ends it at once."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.reader.join()

    def counter(self, name):
        """A counter of the hub, as it writes it to the log on SIGUSR1."""
        pattern = re.compile(rf"info: counter {name} (\d+)$")
        before = len(self.log.matches(pattern))
        self.signal(signal.SIGUSR1)
        lines = wait_for(lambda: self.log.matches(pattern)[before:], f"the counter {name}")
        return int(pattern.search(lines[0]).group(1))

    def rss(self):
        """Resident memory in bytes."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024

    def cpu(self):
        """Seconds of CPU used so far."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        """Number of open descriptors."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Setup:
    """Which server a test program tests, on which backend."""

    def __init__(self, server, backend):
        self.server = os.path.abspath(server)
        self.backend = backend
        self.environment = dict(os.environ, **SANITIZER_ENV)

    @classmethod
    def from_arguments(cls, *more):
        """From the command line, or from CHATROOM_SERVER and CHATROOM_BACKEND. `more` are further
        positional arguments by name; returns the setup, or a tuple with their values."""
        parser = argparse.ArgumentParser()
        parser.add_argument("-s", "--server",
                            default=os.environ.get("CHATROOM_SERVER", "build/chatroom_server"))
        parser.add_argument("-b", "--backend", default=os.environ.get("CHATROOM_BACKEND", "epoll"))
        for name in more:
            parser.add_argument(name)
        values = parser.parse_args()
        setup = cls(values.server, values.backend)
        return (setup, *(getattr(values, name) for name in more)) if more else setup

    def command(self, *options):
        """The command line of a hub that listens on a free port unless the options say where."""
        listen = [] if "-l" in options else ["-l", "127.0.0.1:0"]
        backend = [] if "-b" in options else ["-b", self.backend]
        return [self.server, *backend, *listen, *options]

    def hub(self, *options, wrapper=(), quiet=False):
        """Starts a hub. `wrapper` is a command in front of it; `quiet` does not wait for it to
        listen."""
        return Hub([*wrapper, *self.command(*options)], max(1, options.count("-l")),
                   self.environment, quiet)

    def run(self, *options, deadline=DEADLINE):
        """Runs the server with exactly these options to its end."""
        try:
            done = subprocess.run([self.server, *options], stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=deadline, check=False,
                                  env=self.environment)
        except subprocess.TimeoutExpired as late:
            raise Failure(f"{' '.join(options)}: still runs after {deadline:g} s\n"
                          f"{(late.stderr or b'').decode()}") from None
        check(not SANITIZER.search(done.stderr.decode("utf-8", "replace")), done.stderr.decode())
        return done

    def require_backend(self):
        """Skips where the backend cannot be had, with the server's own reason."""
        if self.backend != "uring":
            return
        server = self.hub(quiet=True)
        try:
            wait_for(lambda: server.process.poll() is not None or server.log.matches(LISTENING),
                     "the hub to start")
        finally:
            server.kill()
        if server.process.returncode == EXIT_UNAVAILABLE:
            raise Skip(server.log.lines[-1] if server.log.lines else "exit status 69")

    def cases(self, *functions):
        """Cases for tap.run(): each function of a setup, named by the first line of its text."""
        def case(function):
            def call():
                self.require_backend()
                function(self)
            return function.__doc__.strip().split("\n")[0].rstrip("."), call
        return [case(function) for function in functions]


def scratch():
    """A directory that goes with the `with` block."""
    return tempfile.TemporaryDirectory(prefix="chatroom-")


def use_all_descriptors():
    """Lets this process open as many descriptors as it may."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
