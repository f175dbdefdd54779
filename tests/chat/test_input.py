"""Input that means no good: endless lines, nc(1) with and without a newline, resets."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import hub  # noqa: E402
import tap  # noqa: E402
from tap import check  # noqa: E402

MIB = 1 << 20


def netcat(server, text):
    """What nc -N prints that sends `text` and ends its input."""
    if not shutil.which("nc"):
        raise tap.Skip("there is no nc (netcat-openbsd)")
    host, port = server.addresses[0].rsplit(":", 1)
    done = subprocess.run(["nc", "-N", host, port], input=text, capture_output=True,
                          timeout=hub.DEADLINE, check=True)
    return done.stdout.decode()


def endless_line(setup):
    """100 MB without a newline: one answer, flat memory, nobody else hurt"""
    block = b"x" * MIB
    with setup.hub() as server:
        listener, talker = server.guest(), server.guest()
        listener.expect("* client-2 joined")
        before = server.rss()
        peak = before
        for _ in range(100):
            talker.send_bytes(block)
            peak = max(peak, server.rss())
        talker.send_bytes(b"\nafter it\n")
        talker.expect("! Your line was dropped: it is longer than 8192 bytes.")
        listener.expect("client-2: after it")
        check(max(peak, server.rss()) < before + 8 * MIB,
              f"memory grew from {before} to {peak} bytes")
        talker.expect_quiet()
        listener.expect_quiet()


def nc_without_newline(setup):
    """printf 'hi' | nc -N is delivered, then closed"""
    with setup.hub() as server:
        a = server.guest()
        printed = netcat(server, b"hi")
        check(re.fullmatch(r"\* Welcome .*client-2\. 1 other is here\.\n", printed), printed)
        a.expect("* client-2 joined")
        a.expect("client-2: hi")
        a.expect("* client-2 left")
        a.expect_quiet()


def nc_with_a_command(setup):
    """printf '/who\\n' | nc -N is answered, then closed"""
    with setup.hub() as server:
        a = server.guest()
        printed = netcat(server, b"/who\n")
        check(re.fullmatch(r"\* Welcome .*client-2\. 1 other is here\.\n"
                           r"\* 2 in #lobby: client-1, client-2\n", printed), printed)
        a.expect("* client-2 joined")
        a.expect("* client-2 left")
        a.expect_quiet()


def nc_with_much(setup):
    """a thousand lines and the end of input: every line is delivered, in order"""
    with setup.hub() as server:
        a = server.guest()
        netcat(server, b"".join(b"line %d\n" % n for n in range(1000)))
        a.expect("* client-2 joined")
        for n in range(1000):
            a.expect(f"client-2: line {n}")
        a.expect("* client-2 left")


def answers_after_the_end(setup):
    """all answers are sent, though they are many, the input has ended, and nobody reads at first"""
    with setup.hub() as server:
        a = server.guest(receive_buffer=4096, segment=536)
        a.send_bytes(b"".join(b"/help\n/ping %d\n" % n for n in range(2000)) + b"/ping last")
        a.shutdown()
        for n in range(2000):
            for _ in range(13):
                a.expect(re.compile(r"\* /[a-z]+.*: .*"))
            a.expect(f"* pong {n}")
        a.expect("* pong last")
        a.expect_eof()


def talks_on_after_quit(setup):
    """who quits and talks on still gets what was due: an end, not a reset"""
    with setup.hub() as server:
        a = server.guest(receive_buffer=4096, segment=536)
        a.send_bytes(b"/help\n" * 500 + b"/quit\n")
        for _ in range(500):
            a.send("nobody hears this")
            for _ in range(13):
                a.expect(re.compile(r"\* /[a-z]+.*: .*"))
        a.expect_eof()


def reset_in_a_line(setup):
    """a reset in mid-line: whole lines were delivered or not, half ones never"""
    with setup.hub() as server:
        a, b = server.guest(), server.guest()
        a.expect("* client-2 joined")
        b.send_bytes("a whole line\n")
        a.expect("client-2: a whole line")
        b.send_bytes("half a li")
        b.rst()
        a.expect("* client-2 left")
        server.log.expect(r"client-2 left: Connection reset by peer")
        a.expect_quiet()


def reset_with_answers_due(setup):
    """a reset while answers are on their way"""
    with setup.hub() as server:
        a = server.guest()
        for n in range(2, 52):
            b = server.guest()
            b.send_bytes(b"/help\n/who\n/ping\n" * 200)
            b.rst()
            a.expect(f"* client-{n} joined")
            a.expect(f"* client-{n} left")
        a.expect_quiet()


def reset_flood(setup):
    """500 connections reset at once, some before they were accepted"""
    with setup.hub("--presence-max", "0") as server:
        a = server.guest()
        a.expect_quiet()
        descriptors = server.descriptors()
        for _ in range(5):
            crowd = [server.client() for _ in range(100)]
            for n, one in enumerate(crowd):
                if n % 2:
                    one.send_bytes(b"half a line")
                one.rst()
            a.expect_quiet()
        hub.wait_for(lambda: server.descriptors() == descriptors, "the descriptors to be closed")
        a.expect_quiet()


if __name__ == "__main__":
    tap.run(hub.Setup.from_arguments().cases(
        endless_line, nc_without_newline, nc_with_a_command, nc_with_much, answers_after_the_end,
        talks_on_after_quit, reset_in_a_line, reset_with_answers_due, reset_flood))
