"""A room that is faster than any terminal, and than any eye: typing goes on, memory stays flat, and
what is not shown is counted. With --measure it only prints how long keys take to be seen."""

import re
import sys
import threading
import time

from driver import cases  # first: it knows the way to tests/support
from json_hub import BOB, TIME
from person import Person, path_of
from tap import check, run

LINES = 300000
KEYS = 40
MIB = 1 << 20
LEFT_OUT = re.compile(r"^\.\.\. ([0-9,]+) lines? not shown$")

# Nobody could type with half a second between key and letter. On a machine that does nothing else
# it is a few milliseconds: see --measure.
LATE_S = 0.5


def flood(lines):
    """What the hub sends."""
    head = f'{{"type":"message","room":"#lobby","from":"bob","id":{BOB},"seq":'
    tail = f',"time":"{TIME}","text":"one of very many lines"}}\n'
    return "".join(f"{head}{seq}{tail}" for seq in range(1, lines + 1)).encode()


def type_through(ann, keys, feeder):
    """Types letters one by one while the feeder runs; how long each took to be seen, in s."""
    took = []
    typed = b""
    while feeder.is_alive() and len(took) < keys:
        typed += b"%c" % (ord("a") + len(took) % 26)
        start = time.monotonic()
        ann.types(typed[-1:])
        ann.out.expect(b"\x1b[0m" + typed + b"\x1b[K")
        took.append(time.monotonic() - start)
    return sorted(took)


def run_flood(ann, lines):
    """Sends that many lines while somebody types. Returns the waits, and lines per second."""
    data = memoryview(flood(lines))
    feeder = threading.Thread(target=ann.hub.sock.sendall, args=(data,))
    ann.hub.sock.settimeout(120)
    start = time.monotonic()
    feeder.start()
    took = type_through(ann, KEYS, feeder)
    feeder.join()
    ann.hub.tell("notice", text="the end of it")
    ann.out.expect(b"the end of it", deadline=60)
    return took, lines / (time.monotonic() - start)


def typing_goes_on(client):
    """a flood of lines while somebody types: each key is seen, each line is shown or counted"""
    with Person(client) as ann:
        before = ann.screen.peak()
        took, _ = run_flood(ann, LINES)
        check(len(took) > 1, "the flood was too short to type in it")
        check(took[len(took) // 2] < LATE_S, f"keys took {took}")
        ann.sees("the end of it")
        shown = ann.shown()
        counted = [int(m.group(1).replace(",", "")) for m in map(LEFT_OUT.match, shown) if m]
        there = sum("one of very many lines" in line for line in shown)
        check(there + sum(counted) == LINES, f"{there} shown, {sum(counted)} counted")
        check(counted, "all was shown: that was no flood")
        grown = ann.screen.peak() - before
        check(grown < 8 * MIB, f"grew by {grown} bytes")
        ann.types("\r")
        ann.hub.expect(b"abcdefghijklmnopqrstuvwxyz"[:26])


def a_long_replay(client):
    """many lines at once, but no flood: all of them are shown"""
    with Person(client) as ann:
        ann.hub.replay(1, 500)
        ann.sees("bob: text 500")
        texts = [line for line in ann.shown() if "bob: text" in line]
        check(len(texts) == 500, f"{len(texts)} shown")


def measure(client):
    """For people: how long keys take to be seen while lines come in."""
    with Person(client) as ann:
        took, rate = run_flood(ann, 3 * 1000 * 1000)
        print(f"{rate:,.0f} lines/s; {len(took)} keys: median {took[len(took) // 2] * 1000:.1f} ms, "
              f"longest {took[-1] * 1000:.1f} ms; {len(ann.out.data):,} bytes to the terminal")


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        measure(path_of(sys.argv[2]))
    else:
        run(cases(path_of(sys.argv[1]), typing_goes_on, a_long_replay))
