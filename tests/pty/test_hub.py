"""chatroom_client against the real chatroom_server: what people do with the two."""

import re
import signal
import subprocess

from driver import CTRL_C, CTRL_D  # first: it knows the way to tests/support
from hall import cases
from hub import DEADLINE, scratch
from tap import check, run

LINES = [b"%d" % n for n in range(1, 20001)]


def three_people(hall):
    """three people in a room, one at a terminal: welcome, joins, messages, a nick, a leave"""
    with hall.hub() as server, hall.sit(server, "-N", "ann", columns=100) as ann:
        ann.sees("Your chat ID is client-1. You are the first here.")
        ann.sees("You are now known as ann.")
        ann.reads("[#lobby] <ann>")
        with hall.join(server) as bob, hall.join(server) as cid:
            bob.expect_notice(b" here.\n")
            cid.expect_notice(b" here.\n")
            ann.sees(" joined")
            ann.types("grüß euch\r")
            bob.expect("ann: grüß euch\n".encode())
            cid.expect("ann: grüß euch\n".encode())
            bob.type(b"/nick bob\nhi ann\n")
            ann.sees(">bob: hi ann")
            cid.expect(b"bob: hi ann\n")
            bob.end_input()
            bob.expect_exit(0)
            ann.sees("bob left")
            cid.type(b"/quit so long\n")
            cid.expect_exit(0)
            ann.sees(" left: so long")
        ann.types("anyone?\r")
        ann.sees("Nobody else is here yet.")
        ann.types(CTRL_D)
        ann.expect_exit(0)


def nothing_lost(hall):
    """seq 1 20000 | chatroom_client: every line arrives, once and in order"""
    with hall.hub() as server:
        listener = server.guest("listener")
        with subprocess.Popen(["seq", "1", "20000"], stdout=subprocess.PIPE) as numbers:
            with hall.join(server, stdin=numbers.stdout) as program:
                listener.expect("* client-2 joined")
                for line in LINES:
                    listener.expect(b"client-2: " + line)
                listener.expect("* client-2 left")
                program.expect_exit(0)


def nothing_lost_between_clients(hall):
    """20000 lines from client to client"""
    with hall.hub() as server, hall.join(server) as listener:
        listener.expect_notice(b"You are the first here.\n")
        with subprocess.Popen(["seq", "1", "20000"], stdout=subprocess.PIPE) as numbers:
            with hall.join(server, stdin=numbers.stdout) as program:
                program.expect_exit(0)
        listener.expect_notice(b"* client-2 left\n")
        listener.end_input()
        said = re.findall(rb"^client-2: (\d+)$", listener.expect_exit(0), re.MULTILINE)
        check(said == LINES, f"{len(said)} lines arrived")


def answers_drained(hall):
    """end of input: answers to what was asked are still shown"""
    with hall.hub() as server, hall.join(server) as program:
        program.type(b"/who\n/rooms\n/ping last")
        program.end_input()
        shown = program.expect_exit(0).splitlines()
        check(shown == [b"* 1 in #lobby: client-1", b"* 1 room: #lobby 1", b"* pong last"],
              f"shown: {shown}")


def hub_stopped(hall):
    """the hub is stopped: its notice is shown, status 69, in a terminal as in pipes"""
    for terminal in (False, True):
        with hall.hub() as server, hall.join(server, terminal=terminal) as program:
            program.expect_notice(b" here.")
            program.type(b"half a l")
            server.signal(signal.SIGTERM)
            program.expect_notice(b"The hub is shutting down.")
            program.expect_exit(69, b"chatroom_client: error: the ")
            server.wait_exit()


def hub_killed(hall):
    """the hub is killed: status 69, in a terminal as in pipes"""
    for terminal in (False, True):
        with hall.hub() as server, hall.join(server, terminal=terminal) as program:
            program.expect_notice(b" here.")
            program.keyboard()
            server.signal(signal.SIGKILL)
            program.expect_exit(69, b"chatroom_client: error: the ")
            server.wait_exit(-signal.SIGKILL)


def control_c(hall):
    """Ctrl-C twice: the others are told that this one left"""
    with hall.hub() as server:
        other = server.guest("other")
        with hall.sit(server) as program:
            other.expect("* client-2 joined")
            program.reads("[#lobby] <client-2>")
            program.types(b"unfinished" + CTRL_C + CTRL_C)
            other.expect("* client-2 left")
            program.expect_exit(130)
        other.expect_quiet()


def screen_killed(hall):
    """kill -9 of the client: the others are told, no process is left"""
    with hall.hub() as server:
        other = server.guest("other")
        with hall.sit(server) as program:
            other.expect("* client-2 joined")
            program.reads("[#lobby] <client-2>")
            keyboard = program.keyboard()
            program.screen.kill()
            keyboard.wait_end("the keyboard process")
            other.expect(re.compile(r"\* client-2 left.*"))
            check(program.process.wait(DEADLINE) == -signal.SIGKILL, "not killed")


def over_unix_socket(hall):
    """the same over a unix socket"""
    with scratch() as folder, hall.hub("-l", f"unix:{folder}/hub") as server:
        with hall.join(server, "-N", "ann", stdin=subprocess.DEVNULL) as program:
            program.expect_notice(b"* You are now known as ann.\n")
            program.expect_exit(0)


def nick_refused(hall):
    """a nick that is taken: the hub's answer is shown, and the chat goes on"""
    with hall.hub() as server, hall.join(server, "-N", "ann") as first:
        first.expect_notice(b"* You are now known as ann.\n")
        with hall.join(server, "-N", "Ann") as second:
            second.expect_notice(b"\n! ")
            second.type(b"still here\n")
            first.expect(b"client-2: still here\n")


if __name__ == "__main__":
    run(cases(
        three_people, nothing_lost, nothing_lost_between_clients, answers_drained, hub_stopped,
        hub_killed, control_c, screen_killed, over_unix_socket, nick_refused))
