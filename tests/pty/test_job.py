"""chatroom_client as a job of a terminal: its modes, Ctrl-Z and fg, signals, and what is left when
either of its two processes, or the terminal, goes away at a bad moment."""

import os
import shlex
import signal
import sys
import time

from driver import DEADLINE, Process, cases, unread  # first: it knows the way to tests/support
from hub import wait_for
from person import ME, Person, path_of
from tap import check, run

MIB = 1 << 20


class Shell(Person):
    """The client as a job of a shell, which is what the terminal was made for."""

    def __init__(self, client, **how):
        super().__init__(client, meet=False, PS1="shell: ", **how,
                         command=["/bin/sh", "-c", "exec /bin/sh -i 2>&1"])
        self.waits_for(lambda screen: screen.bottom() == "shell:", "the shell's prompt")
        self.types(f"{shlex.quote(client)} {self.listener.address}\n")
        self.hub = self.listener.meet()
        self.reads(ME.rstrip())
        shell = self.screen
        self.screen = Process(self.child_of(shell.pid))
        self.keys = Process(self.child_of(self.screen.pid))
        self.shell = shell

    @staticmethod
    def child_of(pid):
        """The first child of a process."""
        def first():
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
                return children.read().split()
        return int(wait_for(first, f"a child of {pid}")[0])

    def state(self, process):
        """R, S, T ..."""
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0]

    def are_stopped(self):
        """Both processes."""
        return self.state(self.screen) == "T" and self.state(self.keys) == "T"

    def __exit__(self, kind, value, trace):
        for process in (self.screen, self.keys):
            process.kill()
        self.shell.kill()
        super().__exit__(kind, value, trace)
        self.shell.close()


def suspended(client):
    """Ctrl-Z, and fg: the draft is still there, and what came meanwhile is shown"""
    with Shell(client) as ann:
        ann.types("a draft")
        ann.reads(ME + "a draft")
        for number in range(2):
            ann.types("\x1a")
            ann.waits_for(lambda screen: screen.bottom() == "shell:", "the shell")
            check(ann.as_before(), "the terminal is not as it was")
            wait_for(ann.are_stopped, "both to stop")
            check(not ann.look.modes, f"{ann.look.modes}")
            ann.types("echo $((6 * 7))\n")
            ann.sees("42")
            ann.hub.say(number, f"meanwhile {number}")
            ann.types("fg\n")
            ann.sees(f"bob: meanwhile {number}")
            ann.reads(ME + "a draft")
            check(ann.raw(), "not in raw mode")
        ann.types("!\r")
        ann.hub.expect(b"a draft!\n")
        check(ann.look.modes == {2004, 1004}, f"{ann.look.modes}")


def stty_meanwhile(client):
    """modes that were changed while it was stopped are the ones that it leaves"""
    with Shell(client) as ann:
        ann.types("\x1a")
        ann.waits_for(lambda screen: screen.bottom() == "shell:", "the shell")
        ann.types("stty -echo; fg\n")
        ann.reads(ME.rstrip())
        ann.types("\x04")
        ann.hub.expect_end()
        ann.hub.close()
        ann.waits_for(lambda screen: screen.bottom() == "shell:", "the shell")
        ann.types("stty echo; echo do''ne\n")
        ann.sees("done")
        check(ann.as_before(), "the terminal is not as it was")


def stopped_from_outside(client):
    """kill -STOP and -CONT: the line is drawn anew"""
    with Shell(client) as ann:
        ann.types("a draft")
        ann.reads(ME + "a draft")
        os.killpg(os.getpgid(ann.screen.pid), signal.SIGSTOP)
        ann.waits_for(lambda screen: screen.bottom() == "shell:", "the shell")
        ann.types("fg\n")
        ann.reads(ME + "a draft")
        ann.types("!\r")
        ann.hub.expect(b"a draft!\n")


def resized_while_stopped(client):
    """the window has another size after fg"""
    with Shell(client) as ann:
        ann.types("\x1a")
        ann.waits_for(lambda screen: screen.bottom() == "shell:", "the shell")
        ann.resizes(10, 40)
        ann.types("fg\n")
        ann.hub.say(1, "as many words as are too long for a row of it")
        ann.sees("      long for a row of it")


def a_key_for_the_shell(client):
    """what is typed behind Ctrl-D is the shell's"""
    with Shell(client) as ann:
        ann.hub.close()
        ann.waits_for(lambda screen: screen.bottom() == "shell:", "the shell")
        check(ann.as_before(), "the terminal is not as it was")
        ann.types("echo $?\n")
        ann.sees("69")


def screen_killed(client):
    """kill -9 of the process with the screen: the other one puts the terminal right"""
    with Person(client) as ann:
        ann.types("a draft")
        ann.reads(ME + "a draft")
        keyboard = ann.keyboard()
        ann.screen.kill()
        keyboard.wait_end("the keyboard process")
        ann.hub.expect_end()
        ann.expect_exit(-signal.SIGKILL)  # looks at the terminal's modes
        ann.waits_for(lambda screen: not screen.modes, "the other modes to be off")


def screen_killed_under_a_shell(client):
    """the same where a shell waits: it has its terminal back"""
    with Shell(client) as ann:
        ann.screen.kill()
        ann.keys.wait_end("the keyboard process")
        ann.waits_for(lambda screen: screen.bottom() == "shell:", "the shell")
        wait_for(ann.as_before, "the terminal as it was")
        ann.types("echo sa''ne\n")
        ann.sees("sane")


def screen_killed_at_once(client):
    """the same before the other one has come to run"""
    with Person(client, meet=False, LD_PRELOAD=os.path.abspath(sys.argv[2]),
                ASAN_OPTIONS="verify_asan_link_order=0") as ann:
        wait_for(ann.raw, "raw mode")
        keyboard = ann.keyboard()
        ann.screen.kill()
        keyboard.wait_end("the keyboard process")
        ann.process.wait(DEADLINE)
        check(ann.as_before(), "the terminal is not as it was")
        ann.waits_for(lambda screen: not screen.modes, "the other modes to be off")


def keyboard_killed(client):
    """kill -9 of the process that reads the keyboard: the other one ends as it should"""
    with Person(client) as ann:
        ann.types("a draft")
        ann.reads(ME + "a draft")
        ann.keyboard().kill()
        ann.expect_exit(137, b"Killed")
        ann.reads("")
        check(not ann.look.modes, f"{ann.look.modes}")


def crashed(client):
    """SIGSEGV and SIGABRT of either: the terminal is as it was, nobody is left"""
    for number in (signal.SIGSEGV, signal.SIGABRT):
        for victim in ("screen", "keyboard"):
            with Person(client, ASAN_OPTIONS="handle_segv=0:handle_abort=0") as ann:
                keyboard = ann.keyboard()
                (ann.screen if victim == "screen" else keyboard).kill(number)
                keyboard.wait_end("the keyboard process")
                ann.process.wait(DEADLINE)
                check(ann.as_before(), f"signal {number} of the {victim}: other modes")


def terminated(client):
    """TERM, HUP and INT: an orderly end, also in the middle of a paste and of a line"""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        with Person(client) as ann:
            ann.types(b"half a line\x1b[200~half a pas")
            ann.waits_for(lambda screen: "half a line" in screen.bottom(), "the line")
            ann.screen.kill(number)
            ann.hub.expect_end()
            ann.hub.close()
            ann.expect_exit(128 + number)
            check(b"\x1b[?2004l" in ann.out.data, "bracketed paste stays on")


def hub_gone(client):
    """the hub goes away while a line is typed: status 69, after the terminal was put right"""
    with Person(client) as ann:
        ann.types("not finis")
        ann.reads(ME + "not finis")
        ann.hub.say(1, "last words")
        ann.hub.close()
        ann.expect_exit(69, b"the hub closed the connection")
        ann.sees("bob: last words")
        ann.reads("")


def hang_up(client):
    """the terminal goes away: both processes end"""
    with Person(client, meet=False) as ann:
        ann.hub = ann.listener.meet()
        keyboard = ann.keyboard()
        ann.screen.kill(signal.SIGCONT)  # no matter
        os.close(ann.other)
        ann.other = -1
        os.close(ann.terminal)
        os.close(ann.input)
        ann.terminal = ann.input = -1
        ann.screen.kill(signal.SIGHUP)  # the gathering thread keeps the terminal open
        ann.hub.expect_end()
        ann.hub.close()
        check(ann.process.wait(DEADLINE) == 128 + signal.SIGHUP, "not ended by SIGHUP")
        keyboard.wait_end("the keyboard process")


def not_read(client):
    """a terminal that takes nothing: the hub is read on, memory is flat, keys work, TERM works"""
    for end in (signal.SIGTERM, signal.SIGKILL):
        with Person(client, meet=False, gather=False) as ann:
            ann.hub = ann.listener.meet()
            ann.hub.expect(b"")
            wait_for(lambda: unread(ann.terminal) > 0, "something to be shown")
            ann.hub.say(1, "x" * 1000)
            peak = 0
            for seq in range(2, 20002):
                ann.hub.say(seq, "x" * 1000)
                if seq == 4000:
                    peak = ann.screen.peak()
            ann.types("still here\r")
            ann.hub.expect(b"still here\n")
            grown = ann.screen.peak() - peak
            check(grown < 4 * MIB, f"grew by {grown} bytes")
            start = time.monotonic()
            ann.screen.kill(end)
            if end == signal.SIGTERM:
                ann.hub.expect_end()
                ann.hub.close()
            ann.expect_exit(128 + end if end == signal.SIGTERM else -end)
            took = time.monotonic() - start
            check(took < 5, f"that took {took:.1f} s")


if __name__ == "__main__":
    run(cases(
        path_of(sys.argv[1]), suspended, stty_meanwhile, stopped_from_outside,
        resized_while_stopped, a_key_for_the_shell, screen_killed, screen_killed_under_a_shell,
        screen_killed_at_once, keyboard_killed, crashed, terminated, hub_gone, hang_up, not_read))
