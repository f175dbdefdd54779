"""--reconnect: nick, rooms and what was missed come back; nothing is shown or sent twice; many
clients do not come at once; no process is left."""

import os
import re
import signal
import socket
import statistics
import threading
import time

import driver
import hub
import tap
from driver import Process, Program
from hub import wait_for
from json_hub import JsonHub, Wire
from tap import check

LOST = b"The connection to the hub was lost"
AGAIN = b"Connected again.\n"


def reconnecting(client, hub_, *options, **how):
    """A client that comes back."""
    return Program([client, "--reconnect", *options, hub_.address], **how)


def pids(parent):
    """The children of a process."""
    with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as children:
        return [int(pid) for pid in children.read().split()]


# ---- a hub made of a socket ----


def cut_in_mid_line(client):
    """the hub breaks off in mid-line: connected again, the half line is not shown, nothing twice"""
    here = JsonHub()
    with reconnecting(client, here) as program:
        peer = here.meet()
        peer.say(1, "first")
        peer.send(b'{"type":"message","room":"#lobby","from":"bob","id":50,"seq":2,"time":"2026-')
        peer.close()
        peer = here.accept()
        peer.welcome(8, "s1")
        peer.replay(1, 3)
        peer.settle()
        peer.say(4, "last")
        program.expect(b"bob: last\n")
        program.expect_notice(LOST + b". Connecting again.\n")
        program.expect_notice(AGAIN)
        program.end_input()
        peer.expect_end()
        peer.close()
        shown = program.expect_exit(0, AGAIN)
        check(shown == b"bob: first\nbob: text 2\nbob: text 3\nbob: last\n", hub.show(shown))


def hole_announced(client):
    """what the hub no longer keeps is announced, with its size and room"""
    here = JsonHub()
    with reconnecting(client, here) as program:
        peer = here.meet()
        peer.say(10, "seen")
        program.expect(b"bob: seen\n")
        peer.reset()
        peer = here.accept()
        peer.welcome(8, "s1")
        peer.replay(15, 16)
        peer.settle()
        program.expect(b"bob: text 15\nbob: text 16\n")
        program.expect_notice(LOST + b": Connection reset by peer. Connecting again.\n")
        program.expect_notice(b"Missed: 4 messages of #lobby. The hub does not keep that many.\n")


def restart_announced(client):
    """another start of the hub is told, and its numbers are new ones"""
    here = JsonHub()
    with reconnecting(client, here) as program:
        peer = here.meet()
        peer.say(10, "old")
        program.expect(b"bob: old\n")
        peer.close()
        peer = here.meet(server="s2")
        program.expect_notice(b"The hub was restarted: what was said in between is not known.\n")
        peer.say(1, "new")
        program.expect(b"bob: new\n")


def nick_and_rooms_asked_for(client):
    """nick and rooms are those that we had, the current room last"""
    here = JsonHub()
    first = b"/wire json\n/nick ann\n/join #a\n/part #lobby\n/ping settled\n"
    with reconnecting(client, here, "-N", "ann", "-r", "#a") as program:
        peer = here.meet(greeting=first)
        peer.tell("nick", id=7, **{"from": "client-7"}, nick="ann")
        peer.join("#a", 7)
        peer.tell("part", id=7, room="#lobby", to="#a")
        program.type(b"/join #b\n/nick eve\n/join #a\n")
        peer.expect(b"/join #b\n/nick eve\n/join #a\n")
        peer.join("#b", 7)
        peer.tell("nick", id=7, **{"from": "ann"}, nick="eve")
        peer.tell("notice", to="#a", text="Your current room is #a.")
        program.expect_notice(b"Your current room is #a.\n")
        peer.close()
        here.accept(b"/wire json\n/nick eve\n/join #b\n/join #a\n/part #lobby\n/ping settled\n")


def nothing_sent_twice(client):
    """what was sent is not sent again; what was typed meanwhile comes after the greeting"""
    here = JsonHub()
    with reconnecting(client, here) as program:
        peer = here.meet()
        program.type(b"one\n")
        peer.expect(b"one\n")
        here.close()
        peer.reset()
        program.expect_notice(b"What was said last may not have arrived.\n")
        program.type(b"two\nthree\n")
        wait_for(lambda: driver.unread(program.input) == 0, "the keyboard process to read")
        here = JsonHub(here.port)
        peer = here.accept()
        peer.welcome(8, "s1")
        peer.expect(b"two\nthree\n")
        program.end_input()
        peer.expect_end()


def cut_line_is_left_out(client):
    """a line that was sent in part is told and left out; whole ones behind it are sent, once"""
    lines = [b"%05d%s\n" % (n, b"x" * 995) for n in range(5000)]
    here = JsonHub()
    here.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with reconnecting(client, here) as program:
        peer = here.meet()
        feeder = threading.Thread(target=lambda: (program.type(b"".join(lines)),
                                                  program.end_input()))
        feeder.start()
        wait_for(lambda: driver.unread(peer.sock) > 1000, "some lines")
        peer.reset()
        peer = here.accept()
        peer.welcome(8, "s1")
        rest = peer.read_to_end().splitlines(True)
        feeder.join()
        peer.close()
        program.expect_exit(0, b"What was said last may not have arrived.\n")
        check(0 < len(rest) < len(lines), f"{len(rest)} lines came the second time")
        check(rest == lines[-len(rest):], "not whole lines, or not in their order")


def typed_ahead_is_told(client):
    """how many lines wait for the next connection is told"""
    here = JsonHub()
    here.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with reconnecting(client, here) as program:
        peer = here.meet()
        program.type_until_stuck(64 << 20)
        peer.reset()
        program.expect_notice(b" lines to be sent when it is back.\n")


def gives_up(client):
    """--reconnect=3: three attempts that fail, and status 69 with the reason"""
    here = JsonHub()
    with Program([client, "--reconnect=3", here.address]) as program:
        peer = here.meet()
        here.close()
        peer.close()
        program.expect_exit(69, b"cannot connect to " + here.address.encode() +
                            b": Connection refused\n", deadline=30)


def first_attempt_counts(client):
    """a hub that is not there at the start is not waited for"""
    here = JsonHub()
    here.close()
    with reconnecting(client, here) as program:
        program.expect_exit(69, b"cannot connect to ")


def not_after_a_kick(client):
    """a hub that does not want us is left alone: status 75 and its reason"""
    here = JsonHub()
    with reconnecting(client, here) as program:
        peer = here.meet()
        peer.tell("error", text="You were disconnected: enough", final=True)
        peer.close()
        program.expect_exit(75, b"the hub closed the connection: You were disconnected: enough\n")
    with reconnecting(client, here) as program:
        peer = here.accept()
        peer.send(b"! The hub is full. Try again later.\n")
        peer.close()
        program.expect_exit(75, b"the hub closed the connection: The hub is full. Try again later.")


def not_after_quit(client):
    """/quit is the end"""
    here = JsonHub()
    with reconnecting(client, here) as program:
        peer = here.meet()
        program.type(b"/quit bye\n")
        peer.expect(b"/quit bye\n")
        peer.close()
        program.expect_exit(0)


def ends_while_waiting(client):
    """signals, -W and the end of either process while there is no connection"""
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
        here, program = lonely(client)
        with program:
            program.screen.kill(number)
            program.expect_exit(status, LOST)
    here, program = lonely(client, "-W", "3")
    with program:
        program.expect_exit(124, LOST)
    here, program = lonely(client)
    with program:
        program.keyboard().kill()
        program.expect_exit(137, b"the process that reads the keyboard was ended: Killed\n")
    here.close()


def lonely(client, *options):
    """A client whose hub is gone, and nobody listens there any more."""
    here = JsonHub()
    program = reconnecting(client, here, *options)
    peer = here.meet()
    program.keyboard()
    here.close()
    peer.close()
    program.expect_notice(LOST)
    return here, program


def no_dialer_left(client):
    """killed while it dials a hub that does not answer: no process is left"""
    for victim in ("screen", "keyboard", "term"):
        here = JsonHub()
        waiting = []
        with reconnecting(client, here) as program:
            peer = here.meet()
            keyboard = program.keyboard()
            program.screen.kill(signal.SIGSTOP)
            here.sock.listen(0)
            while not waiting or waiting[-1].connect_ex(("127.0.0.1", here.port)) == 0:
                waiting.append(socket.socket())
                waiting[-1].settimeout(0.2)
            peer.close()
            program.screen.kill(signal.SIGCONT)
            dialer = wait_for(lambda pid=program.screen.pid: another(pid, keyboard.pid),
                              "the process that dials")
            if victim == "keyboard":
                keyboard.kill()
            else:
                program.screen.kill(signal.SIGTERM if victim == "term" else signal.SIGKILL)
            dialer.wait_end("the end of the process that dials")
            program.expect_exit({"screen": -9, "keyboard": 137, "term": 143}[victim], LOST)
            reap(dialer.pid)
            dialer.close()
        for sock in waiting:
            sock.close()


def another(parent, but):
    """A child of the process that is not this one, once there is one."""
    found = [pid for pid in pids(parent) if pid != but]
    return Process(found[0]) if found else None


def reap(pid):
    """An orphan is our child now."""
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass


def no_descriptor_left(client):
    """some connections later it has the same descriptors, and no zombie"""
    here = JsonHub()
    with reconnecting(client, here) as program:
        peer = here.meet()
        peer.say(1, "text 1")
        program.expect(b"bob: text 1\n")
        before = kinds(program.screen)
        for seq in range(2, 5):
            peer.close()
            peer = here.meet(number=5 + seq)
            peer.say(seq, f"text {seq}")
            program.expect(b"bob: text %d\n" % seq)
        check(kinds(program.screen) == before, f"{before} became {kinds(program.screen)}")
        check(len(pids(program.screen.pid)) == 1, "a process is left")


def kinds(process):
    """What its descriptors are, without their numbers."""
    return sorted(name.split("[")[0] for name in process.descriptors().values())


# ---- the real one ----


def gap_filled(setup, client):
    """the wire is cut: what was said meanwhile is shown once, with what was missed"""
    with setup.hub("--history", "5") as server:
        wire = Wire(server.addresses[0])
        other = server.guest("other")
        with Program([client, "-N", "ann", "--reconnect", "-r", "#a", "-r", "#lobby",
                      wire.address]) as program:
            other.expect("* client-2 joined")
            other.expect("* client-2 is now known as ann")
            other.send("in the lobby")
            program.expect(b"client-1: in the lobby\n")
            other.send("/join #a")
            other.expect("* You joined #a. 1 other is here.")
            other.send("before")
            program.expect(b"#a client-1: before\n")
            wire.cut()
            other.expect(re.compile(r"\* ann left.*"))
            other.expect(re.compile(r"\* ann left #a.*"))
            other.send_bytes(b"".join(b"while away %d\n" % n for n in range(1, 9)))
            other.send("/me waves")
            for _ in range(9):
                other.expect("* Nobody else is here yet.")
            other.expect_quiet()
            wire.open()
            other.expect("* client-3 joined")
            program.expect_notice(AGAIN)
            program.expect_notice(b"Missed: 4 messages of #a. The hub does not keep that many.\n")
            other.expect("* client-3 is now known as ann")
            other.expect("* ann joined #a")
            other.send("after")
            program.expect(b"after\n")
            program.type(b"back again\n")
            other.expect("ann: back again")
            program.end_input()
            shown = program.expect_exit(0, AGAIN)
        away = b"".join(b"#a client-1: while away %d\n" % n for n in range(5, 9))
        check(shown == b"client-1: in the lobby\n#a client-1: before\n" + away +
              b"#a client-1 * waves\n#a client-1: after\n", hub.show(shown))
        wire.cut()


def hub_restarted(setup, client):
    """the hub is killed and started again: nick and rooms are the same"""
    first = setup.hub()
    address = first.addresses[0]
    with Program([client, "-N", "ann", "--reconnect", "-r", "#a", "-r", "#b",
                  address]) as program:
        program.expect_notice(b"You left #lobby.")
        with first:
            first.signal(signal.SIGKILL)
            first.wait_exit(-signal.SIGKILL)
        program.expect_notice(LOST)
        with setup.hub("-l", address) as second:
            program.expect_notice(b"The hub was restarted", deadline=60)
            program.type(b"/who #a\nhello\n")
            program.expect(b"* 1 in #a: ann\n")
            with Program([client, "-r", "#b", second.addresses[0]]) as other:
                other.expect(b"#b ann: hello\n")
            program.end_input()
            program.expect_exit(0, AGAIN)


def crowd_spreads(setup, client):
    """a hundred clients of a hub that restarts come back spread out, not all at once"""
    crowd = 100
    here = JsonHub()
    here.sock.listen(2 * crowd)
    silent, never = os.pipe()
    programs = [Program([client, "--reconnect", here.address], stdin=silent, gather=False)
                for _ in range(crowd)]
    try:
        peers = [here.meet(number=number) for number in range(1, crowd + 1)]
        for peer in peers:
            peer.close()
        times = []
        for _ in range(crowd):
            here.sock.accept()[0].close()
            times.append(time.monotonic())
    finally:
        for program in programs:
            program.__exit__(None, None, None)
        os.close(silent)
        os.close(never)
    spread = times[-1] - times[0]
    most = max(sum(t <= other < t + 0.1 for other in times) for t in times)
    print(f"# spread: {crowd} clients in {spread * 1000:.0f} ms, standard deviation "
          f"{statistics.pstdev(times) * 1000:.0f} ms, at most {most} in 100 ms", flush=True)
    check(spread > 0.3, f"all came within {spread * 1000:.0f} ms")
    check(most < crowd * 2 // 3, f"{most} came within 100 ms")


def cases(setup, client):
    """Cases for tap.run()."""
    alone = [cut_in_mid_line, hole_announced, restart_announced, nick_and_rooms_asked_for,
             nothing_sent_twice, cut_line_is_left_out, typed_ahead_is_told, gives_up,
             first_attempt_counts, not_after_a_kick, not_after_quit, ends_while_waiting,
             no_dialer_left, no_descriptor_left]
    real = [gap_filled, hub_restarted, crowd_spreads]

    def case(function):
        return function.__doc__, lambda: function(setup, client)
    return driver.cases(client, *alone) + [case(function) for function in real]


if __name__ == "__main__":
    the_setup, the_client = hub.Setup.from_arguments("client")
    tap.run(cases(the_setup, os.path.abspath(the_client)))
