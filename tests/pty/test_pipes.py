"""chatroom_client in pipes: what it shows, what it sends, and how it ends when the hub does."""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading

import driver
from driver import LINE, FakeHub, Program
from hub import show, wait_for
from tap import Skip, check, run

MIB = 1 << 20
FLAT = 3 * MIB  # what either process may grow by, whatever comes: buffers, a sanitizer's share
LINES = b"".join(b"%d\n" % n for n in range(1, 20001))


def shows_messages(client):
    """what the hub sends is on standard output, nothing else is"""
    text = "* Welcome\nann: hello\n#röm bob: grüße 你好 👋\n\ttabbed\n".encode()
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        for i in range(len(text)):
            peer.send(text[i:i + 1])
        program.expect(b"tabbed\n")
        program.end_input()
        peer.expect_end()
        peer.close()
        check(program.expect_exit(0) == text, "not as it was sent")


def sends_lines(client):
    """typed lines reach the hub in order, the last one also without its newline"""
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        program.type(b"one\n")
        peer.expect(b"one\n")
        program.type("zwei\n\ndrei\nund 四".encode())
        peer.expect("zwei\n\ndrei\n".encode())
        program.end_input()
        check(peer.read_to_end() == "und 四".encode(), "the last line is not what was typed")
        peer.close()
        program.expect_exit(0)


def holds_half_lines(client):
    """half a line of a slow program is held until it is whole"""
    def unread(fd):
        return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0]
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        for part in (b"h", b"el", b"lo\nwor"):
            program.type(part)
            wait_for(lambda: unread(program.input) == 0, "the client to read")
        check(peer.sock.recv(100) == b"hello\n", "not a whole line, or more")
        program.type(b"ld\n")
        check(peer.sock.recv(100) == b"world\n", "not a whole line")


def sends_nick_first(client):
    """--nick is said before anything typed"""
    hub = FakeHub()
    with Program([client, "-N", "ann", hub.address], stdin=subprocess.DEVNULL) as program:
        peer = hub.accept()
        check(peer.read_to_end() == b"/nick ann\n", "no /nick")
        peer.close()
        program.expect_exit(0)


def drains_answers(client):
    """end of input: all is sent, the connection is half closed, answers are still shown"""
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        program.type(b"/who\n")
        program.end_input()
        check(peer.read_to_end() == b"/who\n", "the question is missing")
        for number in range(1000):
            peer.send(b"answer %d\n" % number)
        peer.close()
        shown = program.expect_exit(0)
        check(shown == b"".join(b"answer %d\n" % n for n in range(1000)), "answers are missing")


def loses_nothing(client):
    """seq 1 20000 into a hub that reads slowly: nothing is lost"""
    hub = FakeHub(buffer=2048)
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        feeder = threading.Thread(target=lambda: (program.type(LINES), program.end_input()))
        feeder.start()
        got = peer.read_to_end(block=97)
        feeder.join()
        peer.close()
        check(got == LINES, f"{len(LINES)} bytes typed, {len(got)} came")
        program.expect_exit(0)


def sends_flat(client):
    """a hub that does not read holds standard input back: memory flat, nothing lost"""
    hub = FakeHub(buffer=1 << 17)
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        program.type(LINE)
        peer.expect(LINE)
        processes = program.screen, program.keyboard()
        before = [process.peak() for process in processes]
        typed = program.type_until_stuck(32 * MIB)
        grown = [process.peak() - peak for process, peak in zip(processes, before)]
        check(max(grown) < FLAT, f"grew by {grown} bytes")
        program.end_input()
        got = peer.read_to_end()
        check(len(got) == typed and got == (LINE * (typed // 16 + 1))[:typed],
              f"{typed} bytes typed, {len(got)} came")
        peer.close()
        program.expect_exit(0)


def shows_flat(client):
    """a slow reader of standard output holds the hub back: memory flat, nothing lost"""
    hub = FakeHub(buffer=1 << 17)
    with Program([client, hub.address], gather=False) as program:
        peer = hub.accept()
        keyboard = program.keyboard()
        before = program.screen.peak()
        sent = peer.expect_stuck()
        check(program.screen.peak() - before < FLAT, "grew while the reader slept")
        program.type(b"still here\n")
        got = bytearray()
        while len(got) < sent:
            got += os.read(program.output, MIB)
        check(bytes(got) == (LINE * (sent // 16 + 1))[:sent], "not as sent")
        peer.expect(b"still here\n")
        peer.send(b"\n" * (-sent % 16))
        program.end_input()
        peer.expect_end()
        keyboard.wait_end("the keyboard process")
        peer.close()
        program.expect_exit(0)


def waits_for_last_words(client):
    """the hub is gone while the reader is slow: what it said is still shown"""
    hub = FakeHub()
    with Program([client, hub.address], gather=False) as program:
        peer = hub.accept()
        sent = peer.expect_stuck()
        peer.close()
        got = bytearray()
        while block := os.read(program.output, 5000):
            got += block
        check(len(got) - sent in (0, 1), f"{sent} bytes sent, {len(got)} shown")
        program.expect_exit(69, b"the hub closed the connection")


def survives_hostile_text(client):
    """escape sequences, C1, NUL, CR and ill-formed bytes come out harmless"""
    hub = FakeHub()
    hostile = (b"\x1b[2J\x1b]0;title\x07red\x1b[31m\x00\x7f\r\n" b"\xc2\x9b31m csi\n" b"\x9b31m raw\n"
               b"bad \xff\xfe \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80\n" b"tab\there\n"
               b"half \xe2\x82\n" b"\x80\n")
    with Program([client, hub.address], stdin=subprocess.DEVNULL) as program:
        peer = hub.accept()
        peer.send(hostile)
        peer.expect_end()
        peer.close()
        shown = program.expect_exit(0).decode("utf-8")
        lines = shown.split("\n")
        check(lines[0] == "[2J]0;titlered[31m", f"line 1 is {lines[0]!r}")
        check(lines[1] == "31m csi" and lines[2] == "\ufffd31m raw", f"C1: {lines[1:3]!r}")
        check(lines[4] == "tab\there" and lines[5] == "half \ufffd", f"rest: {lines[4:]!r}")
        bad = [c for c in shown if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]
        check(not bad, f"control characters: {bad!r}")


def survives_garbage(client):
    """a megabyte of random bytes: valid UTF-8 without control characters comes out"""
    hub = FakeHub()
    with Program([client, hub.address], stdin=subprocess.DEVNULL) as program:
        peer = hub.accept()
        peer.send(os.urandom(MIB))
        peer.expect_end()
        peer.close()
        shown = program.expect_exit(0).decode("utf-8")
        bad = {c for c in shown if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160}
        check(not bad, f"control characters: {bad!r}")


def survives_endless_line(client):
    """a line of 10 MB without newline: whole characters, flat memory"""
    text = "é漢👋x".encode()
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        program.keyboard()
        before = program.screen.peak()
        total = 0
        while total < 10 * MIB:
            peer.send(text * 10000)
            total += len(text) * 10000
        program.type(b"alive\n")
        peer.expect(b"alive\n")
        wait_for(lambda: len(program.out.data) > total - 8192, "the line to be shown")
        check(program.screen.peak() - before < FLAT, "grew with the line")
        peer.send(b"\nnext\n")
        program.expect(b"\nnext\n")
        program.end_input()
        peer.expect_end()
        peer.close()
        shown = program.expect_exit(0)
        check(shown == text * (total // len(text)) + b"\nnext\n", "the line has changed")


def hub_ends_in_mid_line(client):
    """the hub ends in mid-line: the half line is shown, the reason said, status 69"""
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        peer.send(b"* Welcome\nann: half a li")
        peer.close()
        shown = program.expect_exit(69, b"chatroom_client: error: the hub closed the connection\n")
        check(shown == b"* Welcome\nann: half a li\n", f"shown: {show(shown)}")


def hub_resets(client):
    """the hub resets the connection: reason, status 69"""
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        program.keyboard()
        peer.reset()
        program.expect_exit(69, b"the connection to the hub was lost: Connection reset by peer")


def hub_leaves_too_early(client):
    """a hub that ends before all was read is a failure, not a success"""
    hub = FakeHub(buffer=2048)
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        feeder = threading.Thread(target=lambda: (program.type(LINES * 3), program.end_input()))
        feeder.start()
        peer.expect(b"1\n2\n3\n")
        feeder.join()
        peer.close()
        program.expect_exit(69, b"chatroom_client: error: the ")


def hub_never_closes(client):
    """a hub that does not close after the end of input is left after --linger"""
    hub = FakeHub()
    with Program([client, "--linger", "50", hub.address]) as program:
        peer = hub.accept()
        program.type(b"bye\n")
        program.end_input()
        check(peer.read_to_end() == b"bye\n", "the line is missing")
        program.expect_exit(0, b"warn: the hub has nothing more to say")
        peer.close()


def quits(client):
    """/quit is no loss of the hub: status 0; /quitter is"""
    for typed, status, said in ((b"/quit bye\n", 0, b""), (b"hi\n/quit\n", 0, b""),
                                (b"/quitter\n", 69, b"closed"), (b"say /quit\n", 69, b"closed")):
        hub = FakeHub()
        with Program([client, hub.address]) as program:
            peer = hub.accept()
            program.type(typed)
            peer.expect(typed)
            peer.close()
            program.expect_exit(status, said)


def refused(client):
    """nobody listens: status 69 and the address"""
    hub = FakeHub()
    hub.close()
    with Program([client, hub.address]) as program:
        program.expect_exit(69, f"cannot connect to {hub.address}: Connection refused\n".encode())
    with Program([client, "unix:/nowhere/hub"]) as program:
        program.expect_exit(69, b"cannot connect to unix:/nowhere/hub: No such file or directory\n")


def unknown_host(client):
    """a host that cannot be resolved: status 68"""
    with Program([client, "no-such-host.invalid:8888"]) as program:
        program.expect_exit(68, b"cannot connect to no-such-host.invalid: ", deadline=60)


def connect_times_out(client):
    """a hub that does not answer: status 69 after --connect-timeout"""
    hub = FakeHub()
    hub.sock.listen(0)
    waiting = []
    while not waiting or waiting[-1].connect_ex(("127.0.0.1", hub.port)) == 0:
        check(len(waiting) < 100, "the listener's queue does not fill")
        waiting.append(socket.socket())
        waiting[-1].settimeout(0.2)
    with Program([client, "--connect-timeout", "50", hub.address]) as program:
        program.expect_exit(69, f"cannot connect to {hub.address}: Connection timed out".encode())
    for sock in waiting:
        sock.close()


def other_addresses(client):
    """localhost, [::1]:PORT, :PORT and unix:PATH lead to a hub"""
    v4 = FakeHub()
    addresses = [(v4, f"localhost:{v4.port}"), (v4, f":{v4.port}")]
    if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6"):
        v6 = FakeHub(socket.AF_INET6, ("::1", 0))
        addresses.append((v6, f"[::1]:{v6.port}"))
    with tempfile.TemporaryDirectory() as folder:
        local = FakeHub(socket.AF_UNIX, f"{folder}/hub")
        addresses.append((local, local.address))
        for hub, address in addresses:
            with Program([client, address], stdin=subprocess.DEVNULL) as program:
                peer = hub.accept()
                peer.send(b"* Welcome\n")
                peer.expect_end()
                peer.close()
                check(program.expect_exit(0) == b"* Welcome\n", f"{address}: no welcome")


def ipv6(client):
    """an IPv6 hub is found among several addresses"""
    try:
        hub = FakeHub(socket.AF_INET6, ("::1", 0))
    except OSError as error:
        raise Skip(f"no IPv6 here: {error}") from None
    with Program([client, f"[::1]:{hub.port}"], stdin=subprocess.DEVNULL) as program:
        peer = hub.accept()
        peer.expect_end()
        peer.close()
        program.expect_exit(0)


def wrong_usage(client):
    """wrong usage: status 64, what is wrong, and where to look"""
    for words, said in (
            (["--no-such"], b"--no-such"), (["-N"], b"requires an argument"),
            (["a", "b"], b"\"b\" is too many"), (["localhost:0"], b"port number"),
            (["localhost:65536"], b"port number"), (["localhost:"], b"port number"),
            (["localhost:http"], b"port number"), (["[::1"], b"is no HOST"),
            (["[::1]8888"], b"is no HOST"), (["unix:"], b"no path"), (["x" * 300], b"is no HOST"),
            (["-N", ""], b"is empty"), (["-N", "a b"], b"spaces"), (["-N", "a\nb"], b"control"),
            (["-N", "x" * 33], b"longer"), (["--linger", "x"], b"--linger"),
            (["--linger", "0"], b"--linger"), (["--connect-timeout", "-1"], b"--connect-timeout")):
        with Program([client, *words]) as program:
            check(program.expect_exit(64, said) == b"", "standard output is not empty")
            check(b"chatroom_client --help" in program.err.rest(), "no hint")


def help_and_version(client):
    """--help fits a screen, --version is one line"""
    with Program([client, "--help"]) as program:
        lines = program.expect_exit(0).decode().splitlines()
        check(len(lines) <= 24 and max(map(len, lines)) <= 100, "it is larger than a screen")
        check("chatroom_client [OPTIONS] [HOST[:PORT] | unix:PATH]" in lines[0], lines[0])
    with Program([client, "--version"]) as program:
        check(program.expect_exit(0).startswith(b"chatroom_client 0."), "no version")
    with open("/dev/full", "wb") as full, Program([client, "--help"], stdout=full) as program:
        program.expect_exit(1)


def standard_input_closed(client):
    """standard input closed from the start, or /dev/null: an end of input like any other"""
    hub = FakeHub()
    for command in (["sh", "-c", "exec \"$@\" <&-", "-", client, hub.address],
                    ["sh", "-c", "exec \"$@\" </dev/null", "-", client, hub.address],
                    ["sh", "-c", "exec \"$@\" <&- 2>&-", "-", client, hub.address]):
        with Program(command) as program:
            peer = hub.accept()
            peer.expect_end()
            peer.send(b"* Bye\n")
            peer.close()
            check(program.expect_exit(0) == b"* Bye\n", "the answer is missing")


def standard_output_closed(client):
    """standard output closed from the start: what is typed is still sent"""
    hub = FakeHub()
    with Program(["sh", "-c", "exec \"$@\" >&-", "-", client, hub.address]) as program:
        peer = hub.accept()
        peer.send(b"* Welcome\n")
        program.type(b"hello\n")
        peer.expect(b"hello\n")
        program.end_input()
        peer.expect_end()
        peer.close()
        program.expect_exit(0)


def input_from_file(client):
    """standard input is a regular file"""
    hub = FakeHub()
    with tempfile.TemporaryFile() as file:
        file.write(b"first\nsecond\n")
        file.seek(0)
        with Program([client, hub.address], stdin=file) as program:
            peer = hub.accept()
            check(peer.read_to_end() == b"first\nsecond\n", "not what is in the file")
            peer.close()
            program.expect_exit(0)


def input_unreadable(client):
    """standard input is a folder: reason, status 1"""
    hub = FakeHub()
    with Program(["sh", "-c", "exec \"$@\" </", "-", client, hub.address]) as program:
        peer = hub.accept()
        peer.expect_end()
        peer.close()
        program.expect_exit(1, b"error: cannot read standard input: Is a directory")


def reader_leaves(client):
    """the reader of standard output leaves (head -1): a quiet end, also with a silent hub"""
    hub = FakeHub()
    with Program([client, hub.address], gather=False) as program:
        peer = hub.accept()
        program.keyboard()
        peer.send(b"* Welcome\n")
        check(os.read(program.output, 100) == b"* Welcome\n", "no welcome")
        program.close_output()
        peer.expect_end()
        peer.close()
        program.expect_exit(0)


def reader_leaves_a_loud_hub(client):
    """the reader leaves while the hub goes on talking and input never ends: a quiet end"""
    hub = FakeHub()
    command = ["sh", "-c", "yes hello | \"$@\" | head -1; exit 0", "-", client, hub.address]
    with Program(command) as program:
        peer = hub.accept()
        stop = threading.Event()

        def talk():
            try:
                while not stop.is_set():
                    peer.send(b"* Welcome\n" * 1000)
            except OSError:
                pass
        talker = threading.Thread(target=talk)
        talker.start()
        try:
            while peer.sock.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        stop.set()
        talker.join()
        peer.close()
        check(program.expect_exit(0) == b"* Welcome\n", "not one line")


def disk_full(client):
    """standard output cannot be written: reason, status 1"""
    hub = FakeHub()
    with open("/dev/full", "wb") as full, Program([client, hub.address], stdout=full) as program:
        peer = hub.accept()
        peer.send(b"* Welcome\n")
        program.expect_exit(1, b"cannot write to standard output: No space left on device")


if __name__ == "__main__":
    run(driver.cases(
        os.path.abspath(sys.argv[1]), shows_messages, sends_lines, holds_half_lines,
        sends_nick_first, drains_answers, loses_nothing, sends_flat, shows_flat,
        waits_for_last_words, survives_hostile_text, survives_garbage, survives_endless_line,
        hub_ends_in_mid_line, hub_resets, hub_leaves_too_early, hub_never_closes, quits, refused,
        unknown_host, connect_times_out, other_addresses, ipv6, wrong_usage, help_and_version,
        standard_input_closed, standard_output_closed, input_from_file, input_unreadable,
        reader_leaves, reader_leaves_a_loud_hub, disk_full))
