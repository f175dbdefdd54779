"""Signals, and the death of either process: nothing hangs, no process and no zombie is left."""

import os
import signal
import subprocess
import sys

import driver
from driver import DEADLINE, FakeHub, Program
from hub import wait_for
from tap import check, run

UNHEARD = 3  # the keyboard process's status when nobody reads its pipe
POLITE = ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129))


def signals_end_politely(client):
    """INT, TERM, HUP: what was typed is sent, the connection ends in order, status 128 + N"""
    for number, status in POLITE:
        hub = FakeHub()
        with Program([client, hub.address]) as program:
            peer = hub.accept()
            program.type(b"last words\nhalf a l")
            peer.expect(b"last words\n")
            peer.send(b"unread\n")
            program.screen.kill(number)
            peer.expect_end()
            peer.close()
            program.expect_exit(status)


def signal_and_a_deaf_hub(client):
    """a hub that does not react delays the end by a signal only a little"""
    for stuck in (False, True):
        hub = FakeHub(buffer=4096)
        with Program([client, hub.address]) as program:
            peer = hub.accept()
            program.keyboard()
            if stuck:
                program.type_until_stuck(32 << 20)
            program.screen.kill(signal.SIGINT)
            program.expect_exit(130, deadline=5)
            peer.close()


def second_signal(client):
    """the second Ctrl-C ends it at once"""
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        program.keyboard()
        program.screen.kill(signal.SIGINT)
        peer.expect_end()
        program.screen.kill(signal.SIGTERM)
        program.expect_exit(143)  # the end without it would be 130


def ignored_signals(client):
    """a signal ignored from the start stays ignored, as nohup wants it"""
    hub = FakeHub()
    command = ["sh", "-c", "trap '' HUP; exec \"$@\"", "-", client, hub.address]
    with Program(command) as program:
        peer = hub.accept()
        keyboard = program.keyboard()
        for process in (program.screen, keyboard):
            process.kill(signal.SIGHUP)
        program.type(b"still here\n")
        peer.expect(b"still here\n")
        program.end_input()
        peer.expect_end()
        peer.close()
        program.expect_exit(0)


def children_ignored(client):
    """SIGCHLD ignored by whoever started it does no harm"""
    hub = FakeHub()
    command = [sys.executable, "-c", "import os, signal, sys\n"
               "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
               "os.execv(sys.argv[1], sys.argv[1:])", client, hub.address]
    with Program(command, stdin=subprocess.DEVNULL) as program:
        peer = hub.accept()
        peer.expect_end()
        peer.close()
        program.expect_exit(0)


def screen_killed(client):
    """kill -9 of the process with the socket: the keyboard process ends by itself"""
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        program.type(b"started\n")
        peer.expect(b"started\n")
        keyboard = program.keyboard()
        program.screen.kill()
        keyboard.wait_end("the keyboard process")
        check(program.process.wait(DEADLINE) == -signal.SIGKILL, "not killed")
        peer.expect_end()
        _, status = os.waitpid(keyboard.pid, 0)
        check(status in (int(signal.SIGKILL), UNHEARD << 8),
              f"the keyboard process ended otherwise than by its parent's death: {status}")
        check(program.out.rest() == b"" and program.err.rest() == b"", "last words")


def screen_killed_at_start(client):
    """kill -9 just after the fork, twenty times: no keyboard process is left"""
    for _ in range(20):
        hub = FakeHub()
        with Program([client, hub.address]) as program:
            keyboard = program.keyboard()
            program.screen.kill()
            keyboard.wait_end("the keyboard process")
            check(driver.GREETING.startswith(hub.accept(b"").read_to_end()), "it said more")


def keyboard_killed(client):
    """kill -9 of the keyboard process: the other one ends at once and says so"""
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        program.keyboard().kill()
        program.expect_exit(137, b"the process that reads the keyboard was ended: Killed\n")
        peer.expect_end()


def keyboard_killed_while_stuck(client):
    """kill -9 of the keyboard process, or TERM, while standard output is not read"""
    for number, status, said in ((signal.SIGKILL, 137, b"Killed"), (signal.SIGTERM, 143, b"")):
        hub = FakeHub()
        with Program([client, hub.address], gather=False) as program:
            peer = hub.accept()
            peer.expect_stuck()
            (program.keyboard() if said else program.screen).kill(number)
            program.expect_exit(status, said)
            peer.close()


def keyboard_killed_while_hub_stuck(client):
    """kill -9 of the keyboard process while the hub reads nothing"""
    hub = FakeHub(buffer=4096)
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        keyboard = program.keyboard()
        program.type_until_stuck(32 << 20)
        keyboard.kill()
        program.expect_exit(137, b"Killed")
        peer.close()


def no_zombie(client):
    """after the end of input the keyboard process is waited for at once"""
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        keyboard = program.keyboard()
        program.end_input()
        peer.expect_end()
        wait_for(lambda: not os.path.exists(f"/proc/{keyboard.pid}"), "no zombie")
        check(program.process.poll() is None, "the other process does not wait for the hub")
        peer.send(b"ann: bye\n")
        program.expect(b"ann: bye\n")
        peer.close()
        program.expect_exit(0)


def each_closes_by_role(client):
    """the keyboard process holds no socket and no poller, the other one no write end"""
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        program.type(b"started\n")
        peer.expect(b"started\n")
        keyboard = program.keyboard().descriptors()
        screen = program.screen.descriptors()
        for kind in ("socket:", "anon_inode:"):
            check(not any(name.startswith(kind) for name in keyboard.values()), str(keyboard))
        shared = {name for fd, name in keyboard.items() if fd > 2} & set(screen.values())
        ends = [fd for fd, name in screen.items() if fd > 2 and name in shared]
        outputs = [fd for fd, name in screen.items() if fd > 2 and name in (screen[1], screen[2])]
        check(len(set(ends) - set(outputs)) == 1, f"keyboard {keyboard}, screen {screen}")
        check(sum(name.startswith("socket:") for name in screen.values()) == 1, str(screen))


def hub_gone_while_typing(client):
    """the hub goes away: both processes end although standard input stays open"""
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        program.type(b"not finis")
        program.keyboard()
        peer.close()
        program.expect_exit(69, b"the hub closed the connection")


def stopped_and_continued(client):
    """both processes stopped and continued: the chat goes on"""
    hub = FakeHub()
    with Program([client, hub.address]) as program:
        peer = hub.accept()
        both = program.screen, program.keyboard()
        for process in both:
            process.kill(signal.SIGSTOP)
        peer.send(b"ann: while you slept\n")
        program.type(b"good morning\n")
        for process in both:
            process.kill(signal.SIGCONT)
        program.expect(b"ann: while you slept\n")
        peer.expect(b"good morning\n")


if __name__ == "__main__":
    run(driver.cases(
        os.path.abspath(sys.argv[1]), signals_end_politely, signal_and_a_deaf_hub, second_signal,
        ignored_signals, children_ignored, screen_killed, screen_killed_at_start,
        keyboard_killed, keyboard_killed_while_stuck, keyboard_killed_while_hub_stuck, no_zombie,
        each_closes_by_role, hub_gone_while_typing, stopped_and_continued))
