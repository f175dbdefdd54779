#!/usr/bin/env python3
"""Attacks on a hub, and what they cost those who have no part in them.

    tests/hostile/hostile.py -s build/chatroom_server -b uring      everything, in full size
    tests/hostile/hostile.py -s ... -b epoll --only chorus --seconds 5
    tests/hostile/hostile.py -s ... -b epoll --small                in miniature, as TAP: a test

In full size it prints a table (in Markdown, so it can be pasted) of what two bystanders in a room of
their own notice, there and back, and of the hub's memory beside the bound that follows from its
documented limits; --json prints the same for programs. It takes six minutes, four of them until
half-open peers are noticed, and wants a release build, two processors and 20000 descriptors.

The exit status is 1 if a figure is not what it must be.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import Callable

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import attacks  # noqa: E402
import hub  # noqa: E402
import measure  # noqa: E402
import tap  # noqa: E402
from tap import Failure, check  # noqa: E402

KIB, MIB = 1 << 10, 1 << 20

# What the hub may use, from its documentation: chatroom_server(8), core/ARCHITECTURE.md.
CONNECTION = 512  # about 250 bytes each when idle; tables grow by doubling
LINE = 16 * KIB  # the longest line is 8192 bytes; its buffer grows by doubling
BUSY = 256 * KIB  # answers up to 64 KiB and the last of them, 64 KiB of input held; and doubling
ROOM = 2 * KIB  # a small one: itself, and the first 256 bytes of each of its logs
LAGGING = 8 * MIB  # a room some of whose members do not read: --lag-limit
HUB = 8 * MIB  # spare segments (4 MiB and 1 MiB), and the allocator's

SMALL_SECONDS = 0.5
SMALL_P99_MS = 2000.0  # any machine, and whatever else it does
SMALL_MEMORY = 3  # times the bound: sanitizers take some
P99_MS = 25.0
GONE_SECONDS = 260.0  # half-open peers are noticed within four minutes


@dataclass
class Trial:
    """An attack, how large it is, and what the hub may use meanwhile beyond what it used before."""
    name: str
    text: str
    run: Callable
    size: int
    small: int
    bound: Callable[[int], int]
    unit: str  # of what is counted; "/s": a second
    counter: str = None  # of the hub; without: the attack counts
    seconds: float = 8.0
    vanish: bool = False  # all but one of the attackers are gone in the end, by themselves


def connections(each, rooms=0):
    """The bound with so much for each connection, beside so many rooms with laggards."""
    return lambda size: HUB + size * (CONNECTION + each) + rooms * LAGGING


def small_rooms(size):
    """The bound with so many rooms, sixty for each busy connection."""
    return HUB + size * ROOM + (size // 60 + 1) * (CONNECTION + BUSY)


TRIALS = (
    Trial("nothing", "nobody attacks", attacks.idle, 0, 0, connections(0), "connections"),
    Trial("idle", "connections that say nothing", attacks.idle, 19000, 400, connections(0),
          "connections"),
    Trial("vanish", "connect and are gone, so many a second", attacks.vanish, 5000, 200,
          lambda size: connections(0)(4 * size), "connections/s"),
    Trial("loris", "lines that never end, byte by byte", attacks.loris, 1000, 50, connections(LINE),
          "bytes/s"),
    Trial("deaf", "never read, in a room where one talks without end", attacks.deaf, 1000, 30,
          connections(KIB, 1), "messages/s", "messages"),
    Trial("drip", "reads a byte a second in such a room", attacks.drip, 1, 1, connections(BUSY, 1),
          "messages/s", "messages"),
    Trial("half-open", "peers gone without a word, half of them sent to", attacks.half_open, 500, 20,
          connections(KIB, 1), "peers", None, GONE_SECONDS, True),
    Trial("chorus", "talk into one room at full speed", attacks.chorus, 100, 10,
          connections(BUSY, 1), "messages/s", "messages"),
    Trial("nicks", "change their nicks without end", attacks.nicks, 100, 10, connections(BUSY, 1),
          "commands/s", "commands"),
    Trial("commands", "ask for long answers without end", attacks.commands, 600, 10,
          connections(BUSY), "commands/s", "commands"),
    Trial("rooms", "rooms that are joined, talked in and parted", attacks.rooms, 10000, 120,
          small_rooms, "commands/s", "commands"),
    Trial("hangups", "a second ask for long answers, and end by RST", attacks.hangups, 500, 20,
          connections(BUSY), "connections/s"),
    Trial("resets", "end by RST in a busy room, and come again", attacks.resets, 100, 10,
          connections(BUSY, 1), "connections/s"),
)


@dataclass
class Row:
    """What came of a trial."""
    attack: str
    size: int
    text: str
    count: int
    unit: str
    seconds: float
    median_ms: float
    p99_ms: float
    worst_ms: float
    before_mib: float
    peak_mib: float
    after_mib: float
    bound_mib: float
    no_processor_percent: float  # the machine was too busy to say much, if this is much
    faults: list


def gone(server):
    """Faults if half-open peers are still there: all but the bystanders and the one who talks."""
    left = server.counter("clients") - 3
    return [f"{left} half-open peers are still connected"] if left > 0 else []


def try_out(setup, trial, seconds):
    """One attack on a hub of its own, in full size."""
    seconds = seconds or trial.seconds
    wait = trial.vanish and seconds >= trial.seconds
    with setup.hub() as server:
        measure.settle_processors(server)
        result = measure.measure(server, trial.run, trial.size, seconds, trial.counter,
                                 (lambda: gone(server)) if wait else list)
    bound = result.before + trial.bound(trial.size)
    p99_ms = result.milliseconds(0.99)
    if p99_ms > P99_MS:
        result.faults.append(f"p99 is above {P99_MS:g} ms")
    if result.peak > bound:
        result.faults.append("memory is above the bound")
    return Row(trial.name, trial.size, trial.text, result.count, trial.unit, result.seconds,
               result.milliseconds(0.5), p99_ms, result.milliseconds(1), result.before / MIB,
               result.peak / MIB, result.after / MIB, bound / MIB, result.waiting * 100,
               result.faults)


def amount(row):
    """How much of it there was."""
    if not row.size:
        return ""
    return f"{row.count / row.seconds if row.unit.endswith('/s') else row.count:.0f} {row.unit}"


HEAD = ("attack", "how much of it", "median ms", "p99 ms", "worst ms", "MiB before", "peak", "after",
        "bound", "no CPU", "holds")


def cells(row):
    """A row of the table."""
    return (f"{row.attack}: {row.size} {row.text}" if row.size else row.text,
            amount(row),
            f"{row.median_ms:.2f}", f"{row.p99_ms:.2f}", f"{row.worst_ms:.2f}",
            f"{row.before_mib:.1f}", f"{row.peak_mib:.1f}", f"{row.after_mib:.1f}",
            f"{row.bound_mib:.1f}", f"{row.no_processor_percent:.0f} %",
            "; ".join(row.faults) or "yes")


def show(columns):
    """A line of the table, as soon as it is known."""
    print("| " + " | ".join(columns) + " |", flush=True)


def full(setup, trials, options):
    """All in full size: a table, or JSON."""
    setup.require_backend()
    rows = []
    if not options.json:
        show(HEAD)
        show(("---", "---", *["---:"] * 8, "---"))
    for trial in trials:
        rows.append(try_out(setup, trial, options.seconds))
        if not options.json:
            show(cells(rows[-1]))
    if options.json:
        print(json.dumps({"backend": setup.backend, "p99_limit_ms": P99_MS,
                          "attacks": [asdict(row) for row in rows]}, indent=1))
    return 1 if any(row.faults for row in rows) else 0


def in_small(setup, trial):
    """One attack in miniature, as a case for tap.run()."""
    def case():
        setup.require_backend()
        with setup.hub() as server:
            result = measure.measure(server, trial.run, trial.small, SMALL_SECONDS, trial.counter)
        p99_ms = result.milliseconds(0.99)
        check(p99_ms < SMALL_P99_MS, f"the bystanders' p99 is {p99_ms:.0f} ms")
        growth, bound = result.peak - result.before, SMALL_MEMORY * trial.bound(trial.small)
        check(growth < bound, f"memory grew by {growth} bytes, more than {bound}")
        check(result.count > 0 or not trial.small, "there was no attack")
    return f"{trial.name}: {trial.text}", case


def main():
    """Does what was asked for."""
    parser = argparse.ArgumentParser(description="Attacks on a hub, and what they cost others.")
    parser.add_argument("-s", "--server", default="build/chatroom_server")
    parser.add_argument("-b", "--backend", default="epoll", choices=("epoll", "uring"))
    parser.add_argument("--small", action="store_true", help="in miniature, as TAP")
    parser.add_argument("--only", action="append", choices=[trial.name for trial in TRIALS])
    parser.add_argument("--seconds", type=float, help="how long each attack lasts")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    setup = hub.Setup(options.server, options.backend)
    trials = [trial for trial in TRIALS if not options.only or trial.name in options.only]
    hub.use_all_descriptors()
    if options.small:
        tap.run([in_small(setup, trial) for trial in trials])
    try:
        sys.exit(full(setup, trials, options))
    except (Failure, tap.Skip) as reason:
        sys.exit(f"hostile: {reason}")


if __name__ == "__main__":
    main()
