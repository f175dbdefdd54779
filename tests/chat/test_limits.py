"""Limits: descriptors used up, --max-clients, and that nothing is left over from many who came
and went."""

import os
import re
import select
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import hub  # noqa: E402
import tap  # noqa: E402
from tap import check  # noqa: E402

MIB = 1 << 20
WELCOME = re.compile(r"\* Welcome .*")
PAUSED = r"warn: accepting new connections is paused: Too many open files"
FORTY_DESCRIPTORS = ["sh", "-c", 'ulimit -n 40 && exec "$@"', "sh"]


def silent_for(client, seconds):
    """True if nothing comes from the hub in that time."""
    return not client.pending and not select.select([client.sock], [], [], seconds)[0]


def members(client):
    """How many are in the lobby, by /who."""
    client.send("/who")
    return int(client.expect(re.compile(r"\* \d+ in #lobby: .*")).split()[1])


def descriptors_used_up(setup):
    """descriptors used up: accepting pauses and resumes, no busy loop, others unaffected"""
    with setup.hub("--presence-max", "0", "--max-clients", "100",
                   wrapper=FORTY_DESCRIPTORS) as server:
        a, b = server.guest(), server.guest()
        crowd = [server.client() for _ in range(60)]
        server.log.expect(PAUSED)
        served = members(a) - 2
        check(0 < served < 40, f"{served} of 60 were accepted")

        before = server.cpu()
        check(silent_for(crowd[served], 1.5), "a connection was accepted without a descriptor")
        check(server.cpu() - before < 0.4, f"busy loop: {server.cpu() - before:.2f} s of CPU")
        check(len(server.log.matches(PAUSED)) < 10, "the log repeats itself")
        a.send("business as usual")
        b.expect("client-1: business as usual")

        while crowd:  # whoever leaves makes room for one who waits
            crowd[0].expect(WELCOME)
            crowd.pop(0).close()
        a.expect_quiet()
        hub.wait_for(lambda: members(a) == 2, "the crowd to be gone")


def max_clients(setup):
    """--max-clients: one too many is told so and closed; the next finds room again"""
    with setup.hub("--max-clients", "3") as server:
        a, b, c = server.guest(), server.guest(), server.guest()
        a.expect("* client-2 joined")
        a.expect("* client-3 joined")
        b.expect("* client-3 joined")
        for _ in range(3):
            late = server.client()
            late.expect("! The hub is full. Try again later.")
            late.expect_eof()
        for one in (a, b, c):
            one.expect_quiet()
        c.close()
        a.expect("* client-3 left")
        d = server.guest()
        a.expect(f"* {d.nick} joined")


def rooms_of_one(setup):
    """one connection may be in 64 rooms"""
    with setup.hub() as server:
        a = server.guest()
        for n in range(1, 64):
            a.send(f"/join #r{n}")
            a.expect(f"* You joined #r{n}. You are the first here.")
        a.send("/join #one-more")
        a.expect("! You are in 64 rooms: /part one first.")
        a.send("/rooms")
        a.expect(re.compile(r"\* 64 rooms: #lobby 1, .*#r63 1.*"))
        a.send("/part #r1")
        a.expect("* You left #r1. Your current room is #r63.")
        a.send("/join #one-more")
        a.expect("* You joined #one-more. You are the first here.")


def wave(server, number):
    """A hundred connections that come, talk and go, in four ways."""
    crowd = [server.client() for _ in range(100)]
    for n, one in enumerate(crowd):
        one.expect(WELCOME)
        one.send(f"/join #room-{n % 10}")
        one.send("hello" if n % 2 else "/nick someone-%d-%d" % (number, n))
    for n, one in enumerate(crowd):
        (one.close, one.rst, one.shutdown, lambda one=one: one.send("/quit"))[n % 4]()
    for n, one in enumerate(crowd):
        while n % 4 > 1 and not one.ended:
            one.receive()
        one.close()
    server.clients.clear()


def nothing_is_left(setup):
    """2000 connections come and go: descriptors and memory are as before"""
    with setup.hub("--presence-max", "0", "--history", "0") as server:
        descriptors = server.descriptors()
        wave(server, 0)  # its memory is kept for the next
        hub.wait_for(lambda: server.descriptors() == descriptors, "the first wave to be gone")
        memory = server.rss()
        for number in range(1, 20):
            wave(server, number)
        hub.wait_for(lambda: server.descriptors() == descriptors, "all descriptors to be closed")
        check(server.rss() < memory + 6 * MIB,
              f"memory grew from {memory} to {server.rss()} bytes")
        a = server.guest()
        a.send("/rooms")
        a.expect("* 1 room: #lobby 1")
        check(members(a) == 1, "someone is left over")


def broken(setup):
    """connections that an error ended are counted, those that ended by themselves are not"""
    with setup.hub("--presence-max", "0") as server:
        for _ in range(3):
            one, other = server.guest(), server.guest()
            one.rst()
            other.close()
        hub.wait_for(lambda: server.counter("clients") == 0, "all to be gone")
        check(server.counter("broken") == 3, f"broken: {server.counter('broken')}")


if __name__ == "__main__":
    hub.use_all_descriptors()
    tap.run(hub.Setup.from_arguments().cases(
        descriptors_used_up, max_clients, rooms_of_one, nothing_is_left, broken))
