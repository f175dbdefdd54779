"""Conversation tests: runs .chat scripts against the real chatroom_server.

A script is plain text that reads like the conversation it tests, top to bottom:

    test two people meet
    server --history 3
    client a
    a< * Welcome to the chat room! Your chat ID is client-1. You are the first here.
    client b
    b<~ \\* Welcome .* 1 other is here\\.
    a< * client-2 joined
    a> hello
    b< client-1: hello
    b leaves
    a< * client-2 left

It is strict: what a client receives is expected line by line, in order and without gaps. A test
ends like this one, unsaid: the hub is asked to finish, every client still connected must read
"* The hub is shutting down." as its very next line and then the end, and the hub must exit with
status 0, with no error line in its log that the script has not named. Nothing sleeps: every
expectation waits for its bytes, up to a deadline.

A file holds one or more tests. A line is empty, a comment (first character #), or one of these.

  test NAME               a new test: no hub, no clients. What is said before the first `test`
                          is said again at the start of each.
  needs ipv6              skips the test where there is none
  server [OPTIONS]        starts the hub, on a free loopback port unless OPTIONS have a -l, with
                          the backend under test unless they have a -b; waits until it listens
  run [OPTIONS]           runs the server with exactly these options to its end; then ask:
    exit STATUS             its exit status
    stdout~ REGEX           a line of its standard output matches, somewhere in the line
    stderr~ REGEX           the same for standard error
    silent                  it wrote nothing to standard output
  client A[,B...] [ADDR]  connects; the welcome is still to be read
  guest A[,B...] [ADDR]   connects and reads the welcome, whatever it says

  A> TEXT                 sends TEXT and a newline
  A>> TEXT                sends TEXT as it is, in one piece
  A>1 TEXT                sends TEXT as it is, a byte at a time
  A ends                  sends the end of input (the hub may still talk)
  A leaves                closes the connection
  A resets                closes it with a RST

  A< TEXT                 the next line A receives is TEXT, byte for byte
  A<~ REGEX               the next line matches REGEX, from its start to its end
  A<j JSON                the next line is this JSON, with its keys in this order; the bare words
                          TIME, NUMBER, WORD and ANY stand for values of that kind
  A quiet                 nothing is left to read: a ping is answered by its pong at once
  A closed                the hub has closed the connection, and nothing is left to read
                          (A may be several names, A,B,C: each of them in turn)

  log~ REGEX              a line of the hub's log matches, somewhere in the line; waits for it.
                          Each line of the log serves one such expectation.
  nolog~ REGEX            no line of the log so far matches
  stats NAME OP NUMBER    waits until the counter NAME, asked for with SIGUSR1, compares so
                          (OP is one of == != < <= > >=)
  signal NAME             sends SIGNAME to the hub
  stop [STATUS]           ends the test's hub as described above; another `server` may follow

  write PATH TEXT         makes a file with this text
  copy FROM TO            copies a file
  exists PATH             there is such a path; missing PATH: there is not

Inside every TEXT, REGEX, OPTIONS and PATH, ${tmp} is a directory of the test's own, ${filters}
the directory with the filters beside the scripts, ${shipped} the one with those that ship, and
${port} the hub's first port. In TEXT, backslash escapes as in C work, \\xNN stands for a byte, \\e
for ESC, and \\{80*x} for 80 times x.
"""

import json
import operator
import os
import re
import shlex
import shutil
import signal
import socket
import sys

import hub
import tap
from tap import Failure, check

WIRE_LINE = re.compile(r"(\w+(?:,\w+)*)(>>|>1|>|<~|<j|<)(?: (.*))?", re.DOTALL)
CLIENT_LINE = re.compile(r"(\w+(?:,\w+)*) (quiet|closed|ends|leaves|resets)")
WILD = re.compile(r"(?<=[:,\[])(TIME|NUMBER|WORD|ANY)(?=[,\]}])")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|\{\d+\*[^}]*\}|.)", re.DOTALL)
ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "e": b"\x1b", "0": b"\0", "\\": b"\\"}
COMPARE = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
           ">": operator.gt, ">=": operator.ge}


def unescape(text):
    """The bytes that a TEXT of a script stands for."""
    def value(escape):
        if escape[0] == "x" and len(escape) == 3:
            return bytes([int(escape[1:], 16)])
        if escape[0] == "{":
            count, what = escape[1:-1].split("*", 1)
            return int(count) * what.encode()
        check(escape in ESCAPES, f"unknown escape \\{escape}")
        return ESCAPES[escape]

    out, end = b"", 0
    for match in ESCAPE.finditer(text):
        out += text[end:match.start()].encode() + value(match.group(1))
        end = match.end()
    return out + text[end:].encode()


class Wild:
    """A wild card in the JSON of a script: equal to every value of its kind."""

    KINDS = {"TIME": lambda got: isinstance(got, str) and bool(TIME.fullmatch(got)),
             "NUMBER": lambda got: isinstance(got, int) and not isinstance(got, bool),
             "WORD": lambda got: isinstance(got, str) and bool(re.fullmatch(r"\S+", got)),
             "ANY": lambda got: True}

    def __init__(self, kind):
        self.fits = self.KINDS[kind]


def parse_json(text):
    """JSON with objects as tuples of pairs, so that the order of keys is compared too; what a
    wild card was replaced with becomes a Wild."""
    def of_pairs(pairs):
        return Wild(pairs[0][1]) if pairs and pairs[0][0] == "*" else tuple(pairs)
    return json.loads(text, object_pairs_hook=of_pairs)


def alike(wanted, got):
    """Compares parsed JSON."""
    if isinstance(wanted, Wild):
        return wanted.fits(got)
    if isinstance(wanted, (list, tuple)):
        return (type(wanted) is type(got) and len(wanted) == len(got)
                and all(alike(w, g) for w, g in zip(wanted, got)))
    return type(wanted) is type(got) and wanted == got


def expect_json(client, text):
    """The next line of `client` is the JSON of a `<j` line."""
    line = client.read_line()
    try:
        got = parse_json(line.decode())
    except ValueError as error:
        raise Failure(f"{client.name}: no JSON ({error}): {hub.show(line)}") from None
    wanted = parse_json(WILD.sub(r'{"*":"\1"}', text))
    check(alike(wanted, got), client.differs(text, line))


class Conversation:
    """One test of a script while it runs."""

    def __init__(self, setup, scratch):
        self.setup = setup
        self.server = None
        self.ran = None
        self.clients = {}
        here = os.path.dirname(os.path.abspath(__file__))
        self.places = {"tmp": scratch, "filters": os.path.join(here, "../chat/filters"),
                       "shipped": os.path.join(here, "../../plugins/filters")}

    def fill_in(self, text):
        """Replaces ${...}."""
        places = dict(self.places)
        if self.server and self.server.addresses:
            places["port"] = self.server.addresses[0].rsplit(":", 1)[-1]
        quote = shlex.quote if text.startswith(("server ", "run ", "copy ")) else str
        return re.sub(r"\$\{(\w+)\}", lambda match: quote(places[match.group(1)]), text)

    def perform(self, line):
        """Does what one line says."""
        line = self.fill_in(line)
        wire = WIRE_LINE.fullmatch(line)
        client = CLIENT_LINE.fullmatch(line)
        if wire:
            for name in wire.group(1).split(","):
                self.on_wire(self.client(name), wire.group(2), wire.group(3) or "")
        elif client:
            for name in client.group(1).split(","):
                self.on_client(name, client.group(2))
        else:
            word, _, rest = line.partition(" ")
            action = getattr(self, "do_" + word.replace("~", ""), None)
            check(action, f"no such command: {word}")
            action(rest)

    def client(self, name):
        """The client of that name."""
        check(name in self.clients, f"no client {name}")
        return self.clients[name]

    @staticmethod
    def on_wire(client, sign, text):
        """A line like `a> hello` or `b< client-1: hello`."""
        if sign == ">":
            client.send(unescape(text))
        elif sign == ">>":
            client.send_bytes(unescape(text))
        elif sign == ">1":
            for byte in unescape(text):
                client.send_bytes(bytes([byte]))
        elif sign == "<":
            client.expect(unescape(text))
        elif sign == "<~":
            client.expect(re.compile(text))
        else:
            expect_json(client, text)

    def on_client(self, name, word):
        """A line like `a quiet`."""
        client = self.client(name)
        {"quiet": client.expect_quiet, "closed": client.expect_eof, "ends": client.shutdown,
         "leaves": client.close, "resets": client.rst}[word]()
        if word in ("closed", "leaves", "resets"):
            del self.clients[name]

    @staticmethod
    def do_needs(what):
        """What not every machine has."""
        check(what == "ipv6", f"nobody knows what {what} is")
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as error:
            raise tap.Skip(f"no IPv6: {error.strerror}") from None

    def do_server(self, options):
        """Starts the hub."""
        check(not self.server, "the hub runs already")
        self.server = self.setup.hub(*shlex.split(options))

    def do_client(self, rest):
        """Connects."""
        names, _, address = rest.partition(" ")
        for name in names.split(","):
            self.clients[name] = self.server.client(name, address or None)

    def do_guest(self, rest):
        """Connects and reads the welcome."""
        names, _, address = rest.partition(" ")
        for name in names.split(","):
            self.clients[name] = self.server.guest(name, address or None)

    def do_run(self, options):
        """Runs the server to its end."""
        self.ran = self.setup.run(*shlex.split(options))

    def do_exit(self, status):
        """The exit status of `run`."""
        check(self.ran.returncode == int(status),
              f"exit status {self.ran.returncode}, wanted {status}\n{self.ran.stderr.decode()}")

    def do_stdout(self, pattern):
        """Standard output of `run`."""
        check(re.search(pattern, self.ran.stdout.decode(), re.MULTILINE),
              f"no such line on standard output:\n{self.ran.stdout.decode()}")

    def do_stderr(self, pattern):
        """Standard error of `run`."""
        check(re.search(pattern, self.ran.stderr.decode(), re.MULTILINE),
              f"no such line on standard error:\n{self.ran.stderr.decode()}")

    def do_silent(self, _rest):
        """No standard output of `run`."""
        check(not self.ran.stdout, f"on standard output:\n{self.ran.stdout.decode()}")

    def do_log(self, pattern):
        """A line in the log."""
        self.server.log.expect(pattern)

    def do_nolog(self, pattern):
        """No such line in the log."""
        found = self.server.log.matches(pattern)
        check(not found, f"in the log: {found[:1]}")

    def do_stats(self, rest):
        """A counter."""
        name, sign, value = rest.split()
        hub.wait_for(lambda: COMPARE[sign](self.server.counter(name), int(value)), rest)

    def do_signal(self, name):
        """A signal to the hub."""
        self.server.signal(getattr(signal, "SIG" + name))

    def do_stop(self, status):
        """The polite end, with everything that a test's end checks."""
        self.server.ask_to_finish()
        for client in self.clients.values():
            client.expect_shutdown()
        self.clients.clear()
        self.server.wait_exit(int(status or 0))
        self.server = None

    def do_write(self, rest):
        """Makes a file."""
        path, _, text = rest.partition(" ")
        with open(path, "wb") as out:
            out.write(unescape(text))

    @staticmethod
    def do_copy(rest):
        """Copies a file."""
        shutil.copyfile(*shlex.split(rest))

    @staticmethod
    def do_exists(path):
        """There is such a path."""
        check(os.path.lexists(path), f"{path} does not exist")

    @staticmethod
    def do_missing(path):
        """There is no such path."""
        check(not os.path.lexists(path), f"{path} exists")


def play(setup, script, lines):
    """Runs the (number, text) lines of one test."""
    setup.require_backend()
    with hub.scratch() as scratch:
        talk = Conversation(setup, scratch)
        number, line = 0, ""
        try:
            for number, line in [*lines, (lines[-1][0], "end of the test")]:
                if line != "end of the test":
                    talk.perform(line)
                elif talk.server:
                    talk.do_stop("")
        except tap.Skip:
            raise
        except Exception as error:  # pylint: disable=broad-except
            what = error if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
            tail = f"\n{talk.server.log.tail()}" if talk.server else ""
            raise Failure(f"{script}:{number}: {line}\n{what}{tail}") from None
        finally:
            if talk.server:
                talk.server.kill()


def read_tests(path):
    """The tests of a script: pairs of a name and its numbered lines."""
    tests, preamble = [], []
    with open(path, encoding="utf-8") as script:
        for number, line in enumerate(script, 1):
            line = line.rstrip("\n")
            if line.startswith("test "):
                tests.append((line[len("test "):], list(preamble)))
            elif line.strip() and not line.startswith("#"):
                (tests[-1][1] if tests else preamble).append((number, line))
    return tests


def main():
    """The tests of one script."""
    setup, path = hub.Setup.from_arguments("script")
    name = os.path.basename(path)
    tap.run((title, lambda lines=lines: play(setup, name, lines))
            for title, lines in read_tests(path))


if __name__ == "__main__":
    sys.exit(main())
