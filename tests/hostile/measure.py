"""What an attack costs those who have no part in it: a pair of bystanders that talk in a room of
their own, and the hub's memory.

The attackers are processes of their own. Where there are two processors, the hub has the first and
everybody else the second, with the bystanders before the attackers: it is the hub that is measured,
not who gets a processor. (Attackers in earnest are on other machines.)
"""

import gc
import os
import select
import signal
import struct
import sys
import time
from dataclasses import dataclass

import hub
from tap import Failure, check

PACE = 0.002  # seconds from one question of the bystanders to the next
MEMORY_EVERY = 25  # questions from one look at the hub's memory to the next
PRECEDENCE = -15  # of the hub and the bystanders; the attackers have that of a background task
PATIENCE = 120.0  # seconds an attack may take to get going, or to end


def settle_processors(server):
    """Gives the hub a processor of its own, and it and this process precedence over whatever else
    runs, as far as that goes."""
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) > 1:
        os.sched_setaffinity(server.pid, processors[:1])
        os.sched_setaffinity(0, processors[1:2])
    try:
        os.setpriority(os.PRIO_PROCESS, server.pid, PRECEDENCE)
        os.setpriority(os.PRIO_PROCESS, 0, PRECEDENCE)
    except PermissionError:
        pass


def waited(server):
    """Seconds in which the hub was ready to run, and something else ran."""
    with open(f"/proc/{server.pid}/schedstat", encoding="ascii") as schedstat:
        return int(schedstat.read().split()[1]) / 1e9


class Attack:
    """An attack in a process of its own: `run(attack)` calls ready(), then goes on until over(); it may
    return how much of it there was."""

    def __init__(self, server, run, *arguments):
        self.address = server.addresses[0]
        self.ready_read, self.ready_write = os.pipe()
        self.stop_read, self.stop_write = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self.child(run, arguments)
        os.close(self.ready_write)
        os.close(self.stop_read)

    def child(self, run, arguments):
        """The attacker's process: never returns."""
        status = 1
        try:
            gc.disable()
            os.close(self.stop_write)
            os.setpriority(os.PRIO_PROCESS, 0, 10)  # never above the bystanders
            hub.use_all_descriptors()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            count = run(self, *arguments)
            os.write(self.ready_write, struct.pack("q", count or 0))
            status = 0
        except BaseException as error:  # pylint: disable=broad-except
            sys.stderr.write(f"# attack: {error!r}\n")
        finally:
            os._exit(status)

    # ---- in the attacker ----

    def ready(self):
        """It is under way."""
        os.write(self.ready_write, b"r")

    def over(self, seconds=0.0):
        """True once it is to end; waits so long for that."""
        return bool(select.select([self.stop_read], [], [], seconds)[0])

    # ---- in the test ----

    def wait_ready(self):
        """Until it is under way."""
        check(select.select([self.ready_read], [], [], PATIENCE)[0], "the attack did not begin")
        check(os.read(self.ready_read, 1) == b"r", "the attack broke down")

    def stop(self):
        """Ends it; returns what it returned."""
        os.close(self.stop_write)
        check(select.select([self.ready_read], [], [], PATIENCE)[0], "the attack does not end")
        report = os.read(self.ready_read, 8)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.ready_read)
        self.pid = 0
        check(status == 0, f"the attacker ended with status {status}")
        return struct.unpack("q", report)[0]

    def kill(self):
        """If something went wrong."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0


class Bystanders:
    """Two who talk in a room of their own."""

    def __init__(self, server):
        self.server = server
        self.pair = [server.guest(), server.guest()]
        for person in self.pair:
            person.send("/join #bystanders")
        for person in self.pair:
            person.send("/part #lobby")
        self.sockets = [person.sock for person in self.pair]
        self.quiet()
        self.asked = 0
        self.peak = 0

    def quiet(self):
        """Everything was read."""
        for person in self.pair:
            person.send("/ping quiet")
            while person.read_line() != b"* pong quiet":
                pass
            person.pending = b""

    @staticmethod
    def hear(sock, wanted):
        """Reads until `wanted` came."""
        got = b""
        sock.settimeout(hub.DEADLINE)
        while wanted not in got:
            more = sock.recv(65536)
            check(more, "a bystander was disconnected")
            got += more

    def round_trip(self):
        """There and back; seconds."""
        a, b = self.sockets
        self.asked += 1
        start = time.perf_counter()
        a.sendall(b"there %d\n" % self.asked)
        self.hear(b, b": there %d\n" % self.asked)
        b.sendall(b"back %d\n" % self.asked)
        self.hear(a, b": back %d\n" % self.asked)
        return time.perf_counter() - start

    def talk(self, seconds):
        """For so long; returns the times, sorted. Every message must come."""
        times = []
        end = time.perf_counter() + seconds
        due = time.perf_counter()
        while due < end or len(times) < 20:
            try:
                times.append(self.round_trip())
            except OSError as error:
                raise Failure(f"a bystander waited in vain: {error}") from None
            if self.asked % MEMORY_EVERY == 0:
                self.peak = max(self.peak, self.server.rss())
            due = max(due + PACE, time.perf_counter())
            time.sleep(max(0.0, due - time.perf_counter()))
        self.peak = max(self.peak, self.server.rss())
        return sorted(times)


@dataclass
class Result:  # pylint: disable=too-many-instance-attributes
    """What one attack did to the bystanders and to the hub."""
    times: list  # of the bystanders, in seconds, sorted
    before: int  # memory of the hub, bytes
    peak: int
    after: int
    seconds: float  # it took
    count: int  # how much of it there was
    waiting: float  # share of the time in which the hub was ready to run, and something else ran
    faults: list

    def milliseconds(self, share):
        """A percentile of the times."""
        return self.times[min(len(self.times) - 1, int(len(self.times) * share))] * 1000


def measure(server, run, size, seconds, counter=None, look=list):
    """Talks for so long while the attack goes on. How much of it there was says the hub's `counter`,
    or the attack itself; `look` returns what else is wrong at its end."""
    sys.setswitchinterval(0.0001)  # the thread that reads the log must not hold up this one
    bystanders = Bystanders(server)
    before = server.rss()
    attack = Attack(server, run, size)
    try:
        attack.wait_ready()
        counted = server.counter(counter) if counter else 0
        start, waited_before = time.monotonic(), waited(server)
        times = bystanders.talk(seconds)
        took, waiting = time.monotonic() - start, waited(server) - waited_before
        counted = server.counter(counter) - counted if counter else 0
        faults = look()
        count = attack.stop()
    finally:
        attack.kill()
    hub.wait_for(lambda: server.counter("clients") == 2, "the attackers to be gone", PATIENCE)
    bystanders.quiet()
    return Result(times, before, max(bystanders.peak, before), server.rss(), took,
                  counted or count, waiting / took, faults)
