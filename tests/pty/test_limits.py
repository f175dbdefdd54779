"""Time limits, hubs that do not want us or are none, and what too much does: exit status and words."""

import os
import re
import signal
import socket
import time

import driver
import hub
import tap
from driver import FakeHub, Program
from hub import wait_for
from json_hub import LOBBY, JsonHub
from tap import check

MIB = 1 << 20
FLAT = 5 * MIB  # two of the longest line, and a sanitizer's share
VERDICTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../chat/filters/verdicts.lua")
NO_JSON = b"the hub does not speak JSON: is it a chatroom_server?\n"


def fill_queue(fake):
    """Makes the hub one that does not answer; returns what to close at the end."""
    waiting = []
    fake.sock.listen(0)
    while not waiting or waiting[-1].connect_ex(("127.0.0.1", fake.port)) == 0:
        check(len(waiting) < 100, "the listener's queue does not fill")
        waiting.append(socket.socket())
        waiting[-1].settimeout(0.2)
    return waiting


# ---- time ----


def total_time(client):
    """-W: the end after so many seconds, however much is said; what was typed is sent; status 124"""
    here = FakeHub()
    start = time.monotonic()
    with Program([client, "-W", "3", here.address]) as program:
        peer = here.accept()
        program.type(b"last\nhalf a li")
        peer.expect(b"last\n")
        try:
            while time.monotonic() < start + hub.DEADLINE:
                peer.send(b"ann: text\n")
                if program.screen.ended(0.01):
                    break
        except OSError:
            pass
        peer.close()
        program.expect_exit(124)
        check(time.monotonic() - start > 2.9, "it ended too early")


def total_time_stuck(client):
    """-W while the hub takes nothing, and while nobody reads what is shown"""
    here = FakeHub(buffer=4096)
    with Program([client, "-W", "3", here.address]) as program:
        peer = here.accept()
        program.type_until_stuck(32 * MIB)
        program.expect_exit(124)
        peer.close()
    here = FakeHub()
    with Program([client, "-W", "3", here.address], gather=False) as program:
        peer = here.accept()
        peer.expect_stuck()
        program.expect_exit(124)
        peer.close()


def total_time_while_connecting(client):
    """-W while the hub does not answer: status 124, and why"""
    here = FakeHub()
    waiting = fill_queue(here)
    with Program([client, "-W", "3", here.address]) as program:
        program.expect_exit(124, b"chatroom_client: error: cannot connect in time\n")
    for sock in waiting:
        sock.close()


def idle_time(client):
    """--idle: the end when the hub has said nothing for so long; status 0"""
    here = FakeHub()
    with Program([client, "--idle", "2", here.address]) as program:
        peer = here.accept()
        for number in range(12):
            peer.send(b"ann: %d\n" % number)
            program.expect(b"ann: %d\n" % number)
            check(not program.screen.ended(0.2), "it did not wait for the hub")
        program.type(b"typing does not count\n")
        peer.expect(b"typing does not count\n")
        program.expect_exit(0)
        peer.expect_end()


# ---- hubs that do not want us, or are none ----


def turned_away(client):
    """the first and only line is an error: status 75, in all modes, with input and without"""
    for options in ([], ["--json"], ["--history", "3"]):
        for ended in (False, True):
            here = FakeHub()
            with Program([client, *options, here.address]) as program:
                peer = here.accept()
                if ended:
                    program.end_input()
                    peer.read_to_end()
                peer.send(b"! The hub is full. Try again later.\n")
                peer.close()
                program.expect_exit(75, b"the hub closed the connection: The hub is full. "
                                    b"Try again later.\n")


def errors_are_no_refusal(client):
    """an error is no refusal if the hub said something else before"""
    here = FakeHub()
    with Program([client, here.address]) as program:
        peer = here.accept()
        peer.send(b"* Welcome\n! Unknown command.\n")
        peer.close()
        program.expect_exit(69, b"the hub closed the connection\n")


def no_json_in_time(client):
    """--json with a hub that does not speak it: status 76, once --connect-timeout is over"""
    for said in (b"", b"* Welcome\nann: {\"type\":\"welcome\"}\n",
                 b"{\"type\": \"welcome\", ann: hi\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"half"):
        here = FakeHub()
        with Program([client, "--json", "--connect-timeout", "200", here.address]) as program:
            peer = here.accept(LOBBY)
            peer.send(said)
            check(program.expect_exit(76, NO_JSON) == b"", "it shows what is no JSON")
            peer.close()


def raw_before_json(client):
    """--json with a hub that takes its time: a thousand lines before its JSON are passed over"""
    here = JsonHub()
    with Program([client, "--json", here.address]) as program:
        peer = here.accept()
        peer.send(b"ann: old message\n" * 1000)
        peer.welcome(7, "s1")
        peer.settle()
        peer.say(1, "new")
        program.expect(b'"text":"new"}\n')
        program.end_input()
        peer.expect_end()
        peer.close()
        shown = program.expect_exit(0)
        check(b"old" not in shown and shown.count(b"\n") == 2, hub.show(shown))


def garbage_after_json(client):
    """--json and a line that is none of the protocol: status 76, and what is wrong with it"""
    for line, fault in ((b"garbage\n", b"is no JSON"), (b"{\n", b"is no JSON"), (b"\n", b"is no"),
                        (b"[]\n", b"is no event"), (b"\xff\xfe\n", b"is no JSON"),
                        (b'{"type":"message","seq":-1}\n', b'has a "seq" that is no count')):
        here = JsonHub()
        with Program([client, "--json", here.address]) as program:
            peer = here.meet()
            peer.send(line)
            program.expect_exit(76, b"the hub sent a line that " + fault)
            peer.close()


def unknown_types(client):
    """types that are not known yet are passed on with --json, and passed over without"""
    for options in (["--json"], []):
        here = JsonHub()
        with Program([client, *options, here.address]) as program:
            peer = here.meet(greeting=LOBBY if options else driver.GREETING)
            peer.tell("poll", room="#lobby", text="tea or coffee?")
            peer.say(1, "coffee")
            program.expect(b"coffee")
            program.end_input()
            peer.expect_end()
            peer.close()
            shown = program.expect_exit(0)
            check((b"tea" in shown) == bool(options), hub.show(shown))


def text_again(client):
    """a plain client that asks for the text encoding gets it, and JSON again"""
    here = JsonHub()
    with Program([client, here.address]) as program:
        peer = here.meet(greeting=driver.GREETING)
        peer.say(1, "one")
        program.expect(b"bob: one\n")
        program.type(b"/wire line\n")
        peer.expect(b"/wire line\n")
        peer.send(b"bob: two\n! three\n")
        program.expect(b"bob: two\n")
        program.expect_notice(b"! three\n")
        peer.welcome(7, "s1")
        peer.say(2, "four")
        program.expect(b"bob: four\n")


# ---- too much ----


def long_json_lines(client):
    """objects of 10 MB are left out, which is told; memory stays flat; those behind are shown"""
    for options, shown in (([], b"bob: still here\n"), (["--json"], b'"text":"still here"}\n')):
        here = JsonHub()
        with Program([client, *options, here.address]) as program:
            peer = here.meet(greeting=LOBBY if options else driver.GREETING)
            peer.say(1, "x" * (MIB - 1000))
            program.expect(b"xxx" + (b'"}\n' if options else b"\n"))
            before = program.screen.peak()
            for seq in (2, 3):
                peer.say(seq, "x" * 10 * MIB)
            peer.say(4, "still here")
            program.expect(shown)
            grown = program.screen.peak() - before
            check(grown < FLAT, f"grew by {grown} bytes")
            program.end_input()
            peer.expect_end()
            peer.close()
            program.expect_exit(0, b"The hub sent a line of more than 1048576 bytes: it is left "
                                   b"out.\n")


def hostile_json(client):
    """what escapes in JSON hide is as harmless as what is plain"""
    here = JsonHub()
    with Program([client, here.address]) as program:
        peer = here.meet(greeting=driver.GREETING)
        peer.say(1, "\x1b[2J\x07red\x9b31m\nann: not ann\r\u2028 end")
        program.expect(b"bob: [2Jred31mann: not ann\xe2\x80\xa8 end\n")


# ---- the real one ----


def hub_full(setup, client):
    """a hub with no room for one more: status 75 and its words"""
    with setup.hub("--max-clients", "1") as server:
        server.guest("first")
        for options in ([], ["--json"]):
            with Program([client, *options, server.addresses[0]]) as program:
                program.expect_exit(75, b"the hub closed the connection: The hub is full.")


def kicked(setup, client):
    """a kick by a filter: status 75 and the reason"""
    with setup.hub("-f", VERDICTS) as server, Program([client, server.addresses[0]]) as program:
        program.expect_notice(b"Welcome")
        program.type(b"kick me\n")
        program.expect_exit(75, b"the hub closed the connection: You were disconnected: "
                                b"as you wish\n")


def rooms_and_history(setup, client):
    """-r goes there instead of the lobby, --history limits what is replayed"""
    with setup.hub() as server:
        other = server.guest("other")
        other.send("/join #a")
        other.expect("* You joined #a. You are the first here.")
        other.send_bytes(b"".join(b"text %d\n" % n for n in range(1, 8)))
        for _ in range(7):
            other.expect("* Nobody else is here yet.")
        with Program([client, "-r", "#a", "--history", "2", server.addresses[0]]) as program:
            program.type(b"hello\n")
            other.expect("* client-2 joined")
            other.expect("* client-2 joined #a")
            other.expect("* client-2 left")
            other.expect("#a client-2: hello")
            other.send("/who #lobby")
            other.expect("* 1 in #lobby: client-1")
            program.end_input()
            shown = program.expect_exit(0)
        check(shown == b"#a client-1: text 6\n#a client-1: text 7\n", hub.show(shown))


def flood(setup, client):
    """a client that is stopped for a while: a gap is announced, the rest is in order, none twice"""
    count = 60000
    with setup.hub("--lag-limit", "65536") as server:
        other = server.guest("other")
        with Program([client, "--json", server.addresses[0]]) as program:
            other.expect("* client-2 joined")
            program.expect(b'"type":"welcome"')
            program.screen.kill(signal.SIGSTOP)
            for start in range(0, count, 1000):
                other.send_bytes(b"".join(b"%d %s\n" % (n, b"x" * 200)
                                          for n in range(start, start + 1000)))
            other.expect_quiet()
            program.screen.kill(signal.SIGCONT)

            def delivered():
                other.send("/msg client-2 the end")  # refused as long as the hub is not read
                return b'"text":"the end"' in program.out.data
            wait_for(delivered, "the end")
            program.end_input()
            shown = program.expect_exit(0)
        seen = [int(seq) for seq in re.findall(rb'"type":"message".*"seq":(\d+),', shown)]
        check(seen == sorted(set(seen)), "not in order, or twice")
        check(b'"type":"gap"' in shown and 0 < len(seen) < count, f"{len(seen)} messages, no gap")


def slow_reader(setup, client):
    """a full pipe with nobody reading: TERM ends it, what was typed is sent"""
    with setup.hub() as server:
        other = server.guest("other")
        with Program([client, server.addresses[0]], gather=False) as program:
            other.expect("* client-2 joined")
            for _ in range(30):
                other.send_bytes(b"x" * 999 + b"\n" + b"y" * 7999 + b"\n")
            wait_for(lambda: driver.unread(program.output) > 60000, "the pipe to fill")
            program.screen.kill(signal.SIGTERM)
            program.expect_exit(143)
            other.expect("* client-2 left")


def cases(setup, client):
    """Cases for tap.run()."""
    alone = [total_time, total_time_stuck, total_time_while_connecting, idle_time, turned_away,
             errors_are_no_refusal, no_json_in_time, raw_before_json, garbage_after_json,
             unknown_types, text_again, long_json_lines, hostile_json]
    real = [hub_full, kicked, rooms_and_history, flood, slow_reader]

    def case(function):
        return function.__doc__, lambda: function(setup, client)
    return driver.cases(client, *alone) + [case(function) for function in real]


if __name__ == "__main__":
    the_setup, the_client = hub.Setup.from_arguments("client")
    tap.run(cases(the_setup, os.path.abspath(the_client)))
