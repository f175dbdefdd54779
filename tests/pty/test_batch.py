"""chatroom_client as a tool in pipes, against the real hub: what is lost (nothing), what it counts,
how it looks, when it ends and with which status."""

import json
import os
import re
import subprocess
import tempfile
import time

from driver import ENVIRONMENT, GREETING, FakeHub, Program
from hall import cases
from hub import DEADLINE, show, wait_for
from tap import check, run

MIB = 1 << 20
FLAT = 3 * MIB  # what 100,000 lines may cost more than 1,000: buffers, a sanitizer's share
MANY = 100_000
WIDE = ("--lag-limit", "64M")  # a sanitized listener is slow, and the hub is not what is tested
STAMP = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def shell(hall, server, script, deadline=DEADLINE, **variables):
    """Runs a script of sh in which `client` is the client and $CHATROOM_HUB the hub; returns what
    it wrote, what it complained of, its status."""
    environment = {**ENVIRONMENT, "CHATROOM_HUB": server.addresses[0], "CLIENT": hall.client,
                   **variables}
    done = subprocess.run(["sh", "-c", 'client() { "$CLIENT" "$@"; }\n' + script],
                          env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=deadline, check=False)
    return done.stdout, done.stderr, done.returncode


def expect_shell(hall, server, script, wanted, status=0, said=b""):
    """The same; checks all three. `said` must be in the complaints, and without it there are
    none."""
    out, err, code = shell(hall, server, script)
    check(out == wanted and code == status and (said in err if said else not err),
          f"status {code}\nwanted {show(wanted)}\n   got {show(out)}\n  said {show(err)}")


def wait_for_members(hall, server, wanted):
    """Waits until /rooms says so: "#lobby 2", with the one who asks."""
    wait_for(lambda: wanted.encode() in shell(hall, server, "client -q --send /rooms")[0], wanted)


def weigh(hall, server, numbers):
    """seq 1 NUMBERS | chatroom_client; most memory that either of its processes had resident."""
    with subprocess.Popen(["seq", "1", str(numbers)], stdout=subprocess.PIPE) as feeder:
        # pylint: disable=consider-using-with
        client = subprocess.Popen([hall.client, "-q", "-r", "#load", server.addresses[0]],
                                  stdin=feeder.stdout, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        feeder.stdout.close()
        _, status, used = os.wait4(client.pid, 0)
        client.returncode = os.waitstatus_to_exitcode(status)
    check(client.returncode == 0, f"status {client.returncode}")
    return used.ru_maxrss * 1024


# ---- what is lost --------------------------------------------------------------------------------


def seq_loses_nothing(hall):
    """seq 1 100000 | chatroom_client -r '#load': -C 100000 elsewhere has all, in order; flat"""
    numbers = b"".join(b"%d\n" % n for n in range(1, MANY + 1))
    with hall.hub(*WIDE) as server:
        light = weigh(hall, server, 1000)
        with hall.join(server, "-q", "-r", "#load", "-C", str(MANY), "-F", "%m") as listener:
            wait_for_members(hall, server, "#load 1")
            before = listener.screen.peak()
            heavy = weigh(hall, server, MANY - 1)
            listener.expect(b"\n%d\n" % (MANY - 1), 4 * DEADLINE)
            grown = listener.screen.peak() - before
            expect_shell(hall, server, f"client -q -r '#load' --history 0 --send {MANY}", b"")
            got = listener.expect_exit(0)
        check(got == numbers, f"{got.count(10)} lines came: {show(got)}")
        check(heavy - light < FLAT, f"{light} bytes for 1000 lines, {heavy} for {MANY}")
        check(grown < FLAT, f"who hears {MANY} lines grows by {grown} bytes")


def count_gives_as_many_lines(hall):
    """yes | head -1000 | client; client -C 1000 --json | wc -l"""
    with hall.hub(*WIDE) as server, hall.join(server, "-C", "1000", "--json") as listener:
        wait_for_members(hall, server, "#lobby 2")
        expect_shell(hall, server, "yes | head -1000 | client -q", b"")
        lines = listener.expect_exit(0).splitlines()
        check(len(lines) == 1000, f"{len(lines)} lines")
        told = [json.loads(line) for line in lines]
        check([t["text"] for t in told] == ["y"] * 1000, "not what was said")
        check([t["seq"] for t in told] == list(range(1, 1001)), "not in order")


def count_leaves_what_was_typed(hall):
    """-C is reached while there is much to say: what was taken is said, status 0"""
    with hall.hub() as server, hall.join(server, "-N", "ann") as ann:
        ann.expect_notice(b"You are now known as ann.")
        with hall.join(server, "-q", "-C", "1") as counter:
            ann.expect_notice(b" joined")
            counter.type(b"one\n" * 100)
            for _ in range(100):
                ann.expect(b": one\n")
            ann.type(b"enough\n")
            check(counter.expect_exit(0) == b"ann: enough\n", "not the one message")


def replay_is_counted_or_not(hall):
    """--history N: so many old messages; 0: only what is said from now on"""
    with hall.hub() as server:
        expect_shell(hall, server, "seq 1 9 | client -q -N ann", b"")
        expect_shell(hall, server, "client -q", b"".join(b"ann: %d\n" % n for n in range(1, 10)))
        expect_shell(hall, server, "client -q --history 2", b"ann: 8\nann: 9\n")
        expect_shell(hall, server, "client -q --history 0", b"")
        expect_shell(hall, server, "client --history 2 --json | grep history",
                     b'{"type":"history","room":"#lobby","count":2}\n')
        expect_shell(hall, server, "client -q -C 3 -n", b"ann: 1\nann: 2\nann: 3\n")
        with hall.join(server, "-q", "--history", "0", "-C", "1") as live:
            wait_for_members(hall, server, "#lobby 2")
            expect_shell(hall, server, "client -q --history 0 -N bob --send live", b"")
            check(live.expect_exit(0) == b"bob: live\n", "not the new message")


# ---- looks ---------------------------------------------------------------------------------------


def messages_and_the_rest(hall):
    """messages and answers on standard output, the rest on standard error, -q: errors only"""
    with hall.hub() as server, hall.join(server, "-N", "ann") as ann:
        ann.expect_notice(b"You are now known as ann.")
        with hall.join(server, "-N", "bob") as bob:
            bob.type(b"/bogus\n/msg ann psst\n/who\n")
            bob.expect(b"* 2 in #lobby: ann, bob\n")
            ann.expect(b"@bob: psst\n")
            ann.type(b"/me waves\n")
            bob.expect(b"ann * waves\n")
            bob.end_input()
            bob.expect_exit(0, b"! Unknown command /bogus. Try /help.\n")
            check(bytes(bob.out.data) == b"* 2 in #lobby: ann, bob\nann * waves\n", "too much")
        ann.expect_notice(b"* bob left\n")
        check(bytes(ann.out.data) == b"@bob: psst\n", show(bytes(ann.out.data)))
        out, err, status = shell(hall, server, "printf '/bogus\\n/who\\n' | client -q -N cem")
        check((out, err, status) == (b"ann * waves\n* 2 in #lobby: ann, cem\n",
                                     b"! Unknown command /bogus. Try /help.\n", 0),
              f"{out} {err} {status}")


def formats(hall):
    """-F, -t, -0 and --json, of the same message"""
    with hall.hub() as server:
        expect_shell(hall, server, "client -q -N ann --send 'grüße  %n'", b"")
        text = "grüße  %n".encode()
        expect_shell(hall, server, "client -q -F '%k %s %r <%n> %m %%'",
                     b"message 1 #lobby <ann> " + text + b" %\n")
        expect_shell(hall, server, "client -q -0 -F '%m\\n'", text + b"\n\0")
        expect_shell(hall, server, "client -q -0", b"ann: " + text + b"\0")
        expect_shell(hall, server, "client -q --color always -F '\\e[1m%n'", b"\x1b[1mann\n")
        out, _, _ = shell(hall, server, "client -q -t")
        check(re.fullmatch(STAMP + rb" ann: " + text + rb"\n", out), show(out))
        out, _, _ = shell(hall, server, "client -F '%t %j'")
        stamp, line = out.split(b" ", 1)
        check(json.loads(line)["time"].encode() == stamp, show(out))
        out, _, _ = shell(hall, server, "client --json")
        types = [json.loads(line)["type"] for line in out.splitlines()]
        check(types == ["welcome", "history", "message"], str(types))
        out, _, _ = shell(hall, server, "client --json -0")
        check(out.count(b"\0") == 3 and b"\n" not in out, show(out))


def colours(hall):
    """--color and its variables: nothing in a pipe, unless it is asked for"""
    with hall.hub() as server:
        expect_shell(hall, server, "client -q -N ann --send hi", b"")
        for script, variables, coloured in (
                ("client -q", {}, False), ("client -q --color=always", {}, True),
                ("client -q", {"CLICOLOR_FORCE": "1"}, True),
                ("client -q", {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
                ("client -q --color=always", {"NO_COLOR": "1"}, True),
                ("client -q --color=never", {"CLICOLOR_FORCE": "1"}, False)):
            out, _, _ = shell(hall, server, script, **variables)
            plain = re.sub(rb"\x1b\[[0-9;]*m", b"", out)
            check(plain == b"ann: hi\n" and (plain != out) == coloured, f"{variables}: {out}")


# ---- ends ----------------------------------------------------------------------------------------


def head_ends_it_quietly(hall):
    """| head -1: a quiet end, also when the hub says nothing more, and with -n"""
    with hall.hub() as server:
        expect_shell(hall, server, "client -q -N ann --send one", b"")
        for options in ("", "-n", "--json", "-n --json", "-F '%m'"):
            out, err, status = shell(hall, server, f"client -q {options} | head -1")
            check(out.count(b"\n") == 1 and not err and status == 0, f"{options}: {out} {err}")
        with Program(["sh", "-c", '"$@" | head -1', "-", hall.client, "-n", "-q",
                      server.addresses[0]]) as program:  # standard input stays open
            check(program.expect_exit(0) == b"ann: one\n", "not the one line")


def grep_waits_for_a_word(hall):
    """client -n | grep -m 1 -q WORD: waits until it is said"""
    with hall.hub() as server:
        script = '"$1" -n -q -F %m "$2" </dev/null | grep -m 1 green'
        with Program(["sh", "-c", script, "-", hall.client, server.addresses[0]]) as waiting:
            wait_for_members(hall, server, "#lobby 2")
            expect_shell(hall, server, "client -q --send 'is red'", b"")
            check(waiting.process.poll() is None, "it did not wait")
            expect_shell(hall, server, "client -q --history 0 --send 'is green'", b"")
            check(waiting.expect_exit(0) == b"is green\n", "not the word")


def stays_after_the_end_of_input(hall):
    """-n: what is said after the end of input is shown; a signal ends it"""
    with hall.hub() as server, hall.join(server, "-n", "-q", "-N", "ann") as ann:
        ann.type(b"hello")
        ann.end_input()
        wait_for(lambda: b"ann: hello" in shell(hall, server, "client -q")[0], "the last line")
        expect_shell(hall, server, "client -q --history 0 -N bob --send 'still there?'", b"")
        ann.expect(b"bob: still there?\n")
        keyboard = ann.keyboard()
        ann.screen.kill(15)
        ann.expect_exit(143)
        keyboard.wait_end("the keyboard process")


def time_limits(hall):
    """-W: 124. --idle: 0, but 124 if -C was not reached"""
    with hall.hub() as server:
        for options, status in (("-W 0.2 -n", 124), ("-W 0.2 -n -C 1 --json", 124),
                                ("--idle 0.2 -n", 0), ("--idle 0.2 -n -C 1", 124),
                                ("-W 60 --idle 60", 0)):
            start = time.monotonic()
            expect_shell(hall, server, f"client -q {options}", b"", status)
            took = time.monotonic() - start
            check(took < 30 and (took > 0.2 or "60" in options), f"{options}: {took} s")


def one_shots(hall):
    """--send: in order, several lines, commands; standard input is left alone; refused: status 1"""
    with hall.hub() as server:
        expect_shell(hall, server, "echo mine | (client -q -N ann --send one --send 'two\nthree' "
                     "--send '/me leaves'; cat)", b"mine\n")
        expect_shell(hall, server, "client -q", b"ann: one\nann: two\nann: three\nann * leaves\n")
        expect_shell(hall, server, "client -q --history 0 -N bob --send /who",
                     b"* 1 in #lobby: bob\n")
        expect_shell(hall, server, "client -q --history 0 --send '/msg nobody hi'", b"", 1,
                     b"! ")
        expect_shell(hall, server, "client -q --history 0 --send hi -r '#a' -r '#b' --send /rooms",
                     b"* 3 rooms: #lobby 0, #a 1, #b 1\n")
        expect_shell(hall, server, "client -q --history 0 --send /quit --send more", b"")


def probes(hall):
    """--ping: as many answers as were asked for, sums for people or as JSON"""
    line = re.compile(rb"\S+: 3 of 3 pings answered, min (\S+) ms, avg (\S+) ms, p50 (\S+) ms, "
                      rb"p99 (\S+) ms, max (\S+) ms\n")
    with hall.hub() as server:
        out, err, status = shell(hall, server, "client --ping=3")
        match = line.fullmatch(out)
        check(match and not err and status == 0, f"{out} {err} {status}")
        low, average, half, most, high = map(float, match.groups())
        check(0 < low <= half <= most <= high and low <= average <= high, show(out))
        out, err, status = shell(hall, server, "client --ping --json -r '#a' -N ann")
        told = json.loads(out)
        check(told["sent"] == told["answered"] == 10 and told["hub"] == server.addresses[0] and
              told["min_ms"] <= told["p50_ms"] <= told["p99_ms"] <= told["max_ms"], show(out))
        check(not err and status == 0, f"{err} {status}")
    out, err, status = shell(hall, server, "client --ping")
    check(not out and b"Connection refused" in err and status == 69, f"{out} {err} {status}")


def probe_without_answer(hall):
    """--ping and a hub that does not answer: what was found, reason, status 69"""
    fake = FakeHub()
    with Program([hall.client, "--ping=3", "--connect-timeout", "2000", fake.address]) as program:
        peer = fake.accept(GREETING + b"/history\n/ping settled\n")
        peer.send(b'{"type":"welcome","id":1,"text":"hi","nick":"ann","server":"x","count":0}\n')
        peer.expect(b"/ping probe-1\n")
        peer.send(b'{"type":"pong","token":"probe-1"}\n')
        peer.expect(b"/ping probe-2\n")
        out = program.expect_exit(69, b"no answer to ping 2 within 2000 ms\n")
        check(out.startswith(f"{fake.address}: 1 of 2 pings answered, min ".encode()), show(out))


# ---- the other side of a pipe --------------------------------------------------------------------


def slow_reader_loses_nothing(hall):
    """a reader that stops for a while: the hub is held back, and all of it comes in the end"""
    with hall.hub(*WIDE) as server:
        with hall.join(server, "-q", "-n", "-C", "30000", "-F", "%m", gather=False) as listener:
            wait_for_members(hall, server, "#lobby 2")
            expect_shell(hall, server, "seq 1 30000 | client -q", b"")
            check(listener.process.poll() is None, "it did not wait for its reader")
            got = bytearray()
            while block := os.read(listener.output, 1000):
                got += block
            check(bytes(got) == b"".join(b"%d\n" % n for n in range(1, 30001)),
                  f"{got.count(10)} lines came")
            listener.expect_exit(0)


def output_faults(hall):
    """a full disk: reason, status 1, in every look; output closed from the start: no matter"""
    with hall.hub() as server:
        expect_shell(hall, server, "client -q -N ann --send one", b"")
        for options in ("", "--json", "-F %m", "-t", "-0", "-C 1", "-C 1 --json"):
            expect_shell(hall, server, f"client -q -n {options} >/dev/full", b"", 1,
                         b"cannot write to standard output: No space left on device\n")
            expect_shell(hall, server, f"client -q {options} >&-", b"")
            expect_shell(hall, server, f"client {options} >/dev/null 2>&-", b"")
            expect_shell(hall, server, f"client {options} >/dev/null 2>/dev/full", b"")


def input_closed(hall):
    """standard input closed from the start is an end of input"""
    with hall.hub() as server:
        expect_shell(hall, server, "client -q -N ann --send one", b"")
        expect_shell(hall, server, "client -q <&-", b"ann: one\n")
        expect_shell(hall, server, "client -q -C 1 -n <&-", b"ann: one\n")


def nobody_reads_errors(hall):
    """standard error that nobody reads: the hub is held back, and a signal still ends it"""
    fake = FakeHub()
    reader, writer = os.pipe()
    with subprocess.Popen([hall.client, "-n", fake.address], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=writer, env=ENVIRONMENT) as process:
        fake.accept().expect_stuck(b"* 9abcdefghijkl\n")
        check(process.poll() is None, "it did not wait")
        process.terminate()
        check(process.wait(DEADLINE) == 143, "not ended by SIGTERM")
    os.close(reader)
    os.close(writer)


# ---- settings ------------------------------------------------------------------------------------


def settings_file(hall):
    """the settings file is read, and the command line weighs more"""
    with hall.hub() as server, tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/chatroom")
        path = f"{folder}/chatroom/client.conf"
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"hub = {server.addresses[0]}\nnick = ann\nformat = \"%n: %m \"\nquiet\n")
        where = {"XDG_CONFIG_HOME": folder, "CHATROOM_HUB": ""}
        check(shell(hall, server, "client --send hi", **where) == (b"", b"", 0), "not so")
        check(shell(hall, server, "client -N bob", **where) == (b"ann: hi \n", b"", 0), "not so")
        check(shell(hall, server, "client -F %m", **where) == (b"hi\n", b"", 0), "not so")
        with open(path, "a", encoding="utf-8") as file:
            file.write("nonsense\n")
        out, err, status = shell(hall, server, "client", **where)
        check(not out and status == 64 and f"{path}:5: \"nonsense\" is no setting".encode() in err,
              f"{out} {err} {status}")


if __name__ == "__main__":
    run(cases(
        seq_loses_nothing, count_gives_as_many_lines, count_leaves_what_was_typed,
        replay_is_counted_or_not, messages_and_the_rest, formats, colours, head_ends_it_quietly,
        grep_waits_for_a_word, stays_after_the_end_of_input, time_limits, one_shots, probes,
        probe_without_answer, slow_reader_loses_nothing, output_faults, input_closed,
        nobody_reads_errors, settings_file))
