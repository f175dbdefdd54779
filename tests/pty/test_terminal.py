"""chatroom_client --batch in a terminal, which leaves it to the terminal to edit lines: typed lines,
Ctrl-C, Ctrl-D, hang-up; its modes stay as they are (Program.expect_exit checks that at every end).
"""

import os
import signal
import sys

import driver
from driver import CTRL_C, CTRL_D, DEADLINE, FakeHub, Program
from tap import check, run

ANN = "ann: grüße 你好\n".encode()


def in_terminal(client, gather=True):
    """A hub, and a client of it in a terminal."""
    hub = FakeHub()
    return hub, Program([client, "--batch", hub.address], terminal=True, gather=gather)


def chat(client):
    """messages are shown, typed lines are sent, one by one"""
    hub, program = in_terminal(client)
    with program:
        peer = hub.accept()
        peer.send(b"* Welcome\n" + ANN)
        program.expect_notice(b"* Welcome")
        program.expect(ANN[:-1] + b"\r\n")
        for typed in ("hello", "grüße", "//slash"):
            program.type(f"{typed}\n".encode())
            peer.expect(f"{typed}\n".encode())
        program.type(CTRL_D)
        peer.expect_end()
        peer.close()
        program.expect_exit(0)


def rubout(client):
    """the terminal's own line editing works"""
    hub, program = in_terminal(client)
    with program:
        peer = hub.accept()
        program.type(b"helo\x7flo\nnonsense\x15sense\n")
        peer.expect(b"hello\nsense\n")


def control_c(client):
    """Ctrl-C: the hub sees an orderly end, status 130"""
    hub, program = in_terminal(client)
    with program:
        peer = hub.accept()
        peer.send(ANN)
        program.expect(ANN[:-1])
        program.type(b"half a line" + CTRL_C)
        peer.expect_end()
        peer.close()
        program.expect_exit(130)


def control_d(client):
    """Ctrl-D: all that was typed is sent, answers are shown, status 0"""
    hub, program = in_terminal(client)
    with program:
        peer = hub.accept()
        program.type(b"/who\nbye" + CTRL_D + CTRL_D)
        check(peer.read_to_end() == b"/who\nbye", "not what was typed")
        peer.send(b"* 1 in #lobby: client-1\n")
        peer.close()
        program.expect_notice(b"* 1 in #lobby: client-1")
        program.expect_exit(0)


def hub_gone(client):
    """the hub goes away in mid-line while a line is typed: status 69"""
    hub, program = in_terminal(client)
    with program:
        peer = hub.accept()
        program.type(b"not finis")
        program.keyboard()
        peer.send(b"ann: half")
        peer.close()
        program.expect(b"ann: half\r\n")
        program.expect_exit(69, b"the hub closed the connection")


def hang_up(client):
    """the terminal goes away: both processes end"""
    hub, program = in_terminal(client, gather=False)
    with program:
        peer = hub.accept()
        keyboard = program.keyboard()
        program.hang_up()
        peer.expect_end()
        peer.close()
        check(program.process.wait(DEADLINE) == 128 + signal.SIGHUP, "not ended by SIGHUP")
        keyboard.wait_end("the keyboard process")


def killed(client):
    """kill -9 of either process: the other one ends, the terminal is as it was"""
    for victim, status, said in (("screen", -9, b""), ("keyboard", 137, b"Killed")):
        hub, program = in_terminal(client)
        with program:
            peer = hub.accept()
            keyboard = program.keyboard()
            (program.screen if victim == "screen" else keyboard).kill()
            peer.expect_end()
            program.expect_exit(status, said)


def hostile_text(client):
    """nothing the hub sends controls the terminal, nor turns the direction of text"""
    hub, program = in_terminal(client)
    with program:
        peer = hub.accept()
        bidi = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        peer.send(b"\x1b[2J\x1b]52;c;aGk=\x07\x9b6n\xc2\x9b6n\x90q\x9c\x0e\x08\n" +
                  f"a{bidi}b\u2028\u200d\u2060c\n".encode() + os.urandom(100000) + b"\n#end\n")
        program.expect(b"[2J]52;c;aGk=\xef\xbf\xbd6n6n\xef\xbf\xbdq\xef\xbf\xbd\r\n")
        program.expect("ab\u2028\u200d\u2060c\r\n".encode())
        program.expect(b"#end\r\n")
        shown = bytes(program.out.data).decode("utf-8").replace("\r\n", "\n")
        bad = {c for c in shown if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160
               or c in bidi}
        check(not bad, f"{bad!r}")


def output_stopped(client):
    """Ctrl-S: the hub is held back; TERM and Ctrl-C still end it"""
    for end in ("term", "ctrl-c", "ctrl-q"):
        hub, program = in_terminal(client)
        with program:
            peer = hub.accept()
            program.type(b"\x13")
            peer.expect_stuck()
            if end == "term":
                program.screen.kill(signal.SIGTERM)
                program.expect_exit(143)
            elif end == "ctrl-c":
                program.type(CTRL_C)
                program.expect_exit(130)
            else:
                program.type(b"\x11")
                peer.send(b"\n#end\n")
                program.expect(b"#end\r\n")
            peer.close()


def output_unread(client):
    """a terminal that nobody reads, stuck in the middle of a write: TERM and kill -9 still work"""
    for number, status, said in ((signal.SIGTERM, 143, b""), (signal.SIGKILL, 137, b"Killed")):
        hub, program = in_terminal(client, gather=False)
        with program:
            peer = hub.accept()
            peer.expect_stuck()
            (program.keyboard() if said else program.screen).kill(number)
            program.expect_exit(status, said)
            peer.close()


if __name__ == "__main__":
    run(driver.cases(
        os.path.abspath(sys.argv[1]), chat, rubout, control_c, control_d, hub_gone, hang_up, killed,
        hostile_text, output_stopped, output_unread))
