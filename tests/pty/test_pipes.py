"""chatroom_client in pipes: what it shows, what it sends, and how it ends when the hub does."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import driver
from driver import LINE, FakeHub, Program
from hub import show, wait_for
from tap import Failure, check, run

MIB = 1 << 20
FLAT = 3 * MIB  # what either process may grow by, whatever comes: buffers, a sanitizer's share
LINES = b"".join(b"%d\n" % n for n in range(1, 20001))


def shows_messages(client):
    """messages are on standard output, the hub's notices and errors on standard error"""
    text = "ann: hello\n#röm bob: grüße 你好 👋\n\ttabbed\n".encode()
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        sent = b"* Welcome\n" + text + b"! Unknown command.\n"
        for i in range(len(sent)):
            peer.send(sent[i:i + 1])
        program.expect(b"tabbed\n")
        program.expect_notice(b"* Welcome\n! Unknown command.\n")
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
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        for part in (b"h", b"el", b"lo\nwor"):
            program.type(part)
            wait_for(lambda: driver.unread(program.input) == 0, "the client to read")
        check(peer.sock.recv(100) == b"hello\n", "not a whole line, or more")
        program.type(b"ld\n")
        check(peer.sock.recv(100) == b"world\n", "not a whole line")


def sends_endless_lines(client):
    """a line without end is passed on in parts, and lines behind it as lines"""
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        text = b"x" * 200000 + b"\nnext\n"
        program.type(text)
        peer.expect(text)
        program.end_input()
        peer.expect_end()
        peer.close()
        program.expect_exit(0)


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


def keyboard_ends_during_last_words(client):
    """the keyboard's end does not cut off what is still to be shown"""
    hub = FakeHub()
    with Program([client, hub.address], gather=False) as program:
        fcntl.fcntl(program.output, fcntl.F_SETPIPE_SZ, 4096)
        peer = hub.accept()
        program.type(LINE)
        peer.expect(LINE)
        keyboard = program.keyboard()
        program.screen.kill(signal.SIGSTOP)
        peer.send(LINE * 2500)
        peer.close()
        program.screen.kill(signal.SIGCONT)  # one turn brings it all, and the end
        driver.wait_readable(program.output, driver.DEADLINE, "the beginning")
        program.end_input()
        wait_for(lambda: not os.path.exists(f"/proc/{keyboard.pid}"), "the keyboard's end noticed")
        got = bytearray()
        while block := os.read(program.output, 5000):
            got += block
        check(bytes(got) == LINE * 2500, f"{len(LINE) * 2500} bytes sent, {len(got)} shown")
        program.expect_exit(69, b"the hub closed the connection")


def survives_hostile_text(client):
    """escape sequences, C1, NUL, CR and ill-formed bytes come out harmless"""
    hub = FakeHub()
    hostile = (b"\x1b[2J\x1b]0;title\x07red\x1b[31m\x00\x7f\r\n"
               b"\xc2\x9b31m csi\n\x9b31m raw\n"
               b"bad \xff\xfe \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80\n"
               b"tab\there\nhalf \xe2\x82\n\x80\n")
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
        check(shown == b"ann: half a li\n", f"shown: {show(shown)}")


def hub_ends_in_mid_piece(client):
    """the same for a line of just the size that is shown at once"""
    for size in (4095, 4096, 4097, 8192):
        hub = FakeHub()
        with Program([client, hub.address]) as program:
            peer = hub.accept()
            peer.send(b"x" * size)
            peer.close()
            shown = program.expect_exit(69, b"the hub closed the connection")
            check(shown == b"x" * size + b"\n", f"{size} bytes: shown are {len(shown)}")


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


def hub_leaves_before_the_rest(client):
    """a hub that ends in order, but before it took the rest, is a failure, too"""
    block = LINE * 256

    def fill(program, peer, blocks):
        """Types so many blocks, or as many as the connection takes; returns how many it took."""
        for number in range(blocks):
            program.type(block)
            wanted = (number + 1) * len(block)
            try:
                wait_for(lambda: driver.unread(peer.sock) == wanted, "a block", 1)
            except Failure:
                return number
        return blocks

    with tempfile.TemporaryDirectory() as folder:
        hub = FakeHub(socket.AF_UNIX, f"{folder}/hub")
        with Program([client, hub.address]) as program:
            room = fill(program, hub.accept(), 1000)
        with Program([client, hub.address]) as program:
            peer = hub.accept()
            keyboard = program.keyboard()
            check(fill(program, peer, room) == room, "the connection takes less than the last one")
            program.screen.kill(signal.SIGSTOP)
            program.type(block * 15)
            program.end_input()
            keyboard.wait_end("the keyboard process")
            program.screen.kill(signal.SIGCONT)  # one turn brings the rest, and the end of input
            wait_for(lambda: not os.path.exists(f"/proc/{keyboard.pid}"), "the end of input")
            peer.sock.shutdown(socket.SHUT_WR)
            program.expect_exit(69, b"the hub closed the connection before all was sent")


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


def slow_hub_is_waited_for(client):
    """a hub that has not taken all that was typed is waited for longer than --linger"""
    text = LINE * 4096
    with tempfile.TemporaryDirectory() as folder:
        hub = FakeHub(socket.AF_UNIX, f"{folder}/hub")
        with Program([client, "--linger", "300", hub.address]) as program:
            peer = hub.accept()
            program.type(text)
            program.end_input()
            wait_for(lambda: driver.unread(peer.sock) == len(text), "all to be sent")
            check(not program.screen.ended(0.7), "the hub was not waited for")
            check(peer.read_to_end() == text, "something is missing")
            peer.close()
            program.expect_exit(0)


def talking_hub_is_waited_for(client):
    """a hub that still answers is waited for longer than --linger"""
    hub = FakeHub()
    with Program([client, "--linger", "300", hub.address], stdin=subprocess.DEVNULL) as program:
        peer = hub.accept()
        peer.expect_end()
        start = time.monotonic()
        while time.monotonic() < start + 0.7:
            peer.send(LINE)
            program.expect(LINE)
        peer.close()
        program.expect_exit(0)


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


def standard_input_closed(client):
    """standard input closed from the start, or /dev/null: an end of input like any other"""
    hub = FakeHub()
    for command in (["sh", "-c", "exec \"$@\" <&-", "-", client, hub.address],
                    ["sh", "-c", "exec \"$@\" </dev/null", "-", client, hub.address],
                    ["sh", "-c", "exec \"$@\" <&- 2>&-", "-", client, hub.address]):
        with Program(command) as program:
            peer = hub.accept()
            peer.expect_end()
            peer.send(b"ann: bye\n")
            peer.close()
            check(program.expect_exit(0) == b"ann: bye\n", "the answer is missing")


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
        peer.send(b"ann: hi\n")
        check(os.read(program.output, 100) == b"ann: hi\n", "no message")
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
                    peer.send(b"ann: hi\n" * 1000)
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
        check(program.expect_exit(0) == b"ann: hi\n", "not one line")


def disk_full(client):
    """standard output cannot be written: reason, status 1"""
    hub = FakeHub()
    with open("/dev/full", "wb") as full, Program([client, hub.address], stdout=full) as program:
        peer = hub.accept()
        peer.send(b"ann: hi\n")
        program.expect_exit(1, b"cannot write to standard output: No space left on device")


if __name__ == "__main__":
    run(driver.cases(
        os.path.abspath(sys.argv[1]), shows_messages, sends_lines, holds_half_lines,
        sends_endless_lines, sends_nick_first, drains_answers, loses_nothing, sends_flat,
        shows_flat, waits_for_last_words, keyboard_ends_during_last_words, survives_hostile_text,
        survives_garbage, survives_endless_line, hub_ends_in_mid_line, hub_ends_in_mid_piece,
        hub_resets, hub_leaves_too_early, hub_leaves_before_the_rest, hub_never_closes,
        slow_hub_is_waited_for, talking_hub_is_waited_for, quits, standard_input_closed,
        standard_output_closed, input_from_file, input_unreadable, reader_leaves,
        reader_leaves_a_loud_hub, disk_full))
