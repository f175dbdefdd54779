"""Clients that read slowly or never, and clients that send without end: what they cost others."""

import json
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import hub  # noqa: E402
import tap  # noqa: E402
from tap import check  # noqa: E402

MIB = 1 << 20
NARROW = {"receive_buffer": 4096, "segment": 536}  # a socket with little room in the kernel
GAP = re.compile(r"\* (\d+) messages?(?: of (#\S+))? skipped: this connection reads too slowly\.")
MESSAGE = re.compile(r"(?:(#\S+) )?client-\d+: (\d+) .*")


def numbered(first, count, size):
    """`count` lines that start with their number, each of `size` bytes."""
    return b"".join(b"%08d %s\n" % (n, b"x" * (size - 10)) for n in range(first, first + count))


def parse(line):
    """(room, number) of a message, (room, None, skipped) of a gap; in either encoding."""
    text = line.decode()
    if not text.startswith("{"):
        gap, message = GAP.fullmatch(text), MESSAGE.fullmatch(text)
        check(gap or message, f"neither a message nor a gap: {hub.show(line)}")
        if gap:
            return gap.group(2) or "#lobby", None, int(gap.group(1))
        return message.group(1) or "#lobby", int(message.group(2)), 0
    told = json.loads(text)
    if told["type"] == "gap":
        check(list(told) == ["type", "room", "skipped"], f"a gap with other keys: {text}")
        return told["room"], None, told["skipped"]
    number = int(told["text"].split(" ", 1)[0])
    check(told["seq"] == number + 1, f"message {number} has seq {told['seq']}")
    return told["room"], number, 0


class Account:
    """Follows the numbers of the messages that one client reads: none may be missing that no gap
    notice has announced before, none may come twice."""

    def __init__(self):
        self.next = {}  # by room
        self.gaps = 0

    def take(self, line):
        """Checks one line."""
        room, number, skipped = parse(line)
        due = self.next.setdefault(room, 0)
        if number is None:
            self.gaps += 1
            self.next[room] += skipped
            return
        check(number == due, f"{room}: message {number} came where {due} was due")
        self.next[room] += 1

    def read_all(self, client):
        """Reads until the answer to a ping: until nothing is left."""
        client.send("/ping end")
        while True:
            line = client.read_line()
            if line == b"* pong end" or (b'"pong"' in line and b'"end"' in line):
                return
            self.take(line)

    def close(self, **messages):
        """In each room so many messages were read or announced as skipped, and some were."""
        wanted = {f"#{room}": count for room, count in messages.items()}
        check(self.next == wanted, f"accounted for {self.next}, not for {wanted}")
        check(self.gaps > 0, "no message was skipped")


def pour(server, sender, count, size, per_send=1000):
    """Sends `count` numbered messages; returns the most memory the hub was seen to use."""
    peak = 0
    for first in range(0, count, per_send):
        sender.send_bytes(numbered(first, per_send, size))
        peak = max(peak, server.rss())
    sender.send("/ping poured")
    while sender.read_line() != b"* pong poured":
        pass  # "Nobody else is here yet.", once the last of the others is closed
    return max(peak, server.rss())


def nobody_reads(setup):
    """1000 connections that never read while 40 MB go through the room"""
    messages, size = 40000, 1000
    with setup.hub("--presence-max", "0", "--lag-limit", str(MIB)) as server:
        crowd = [server.client(**NARROW) for _ in range(1000)]
        sender = server.client()
        sender.expect(re.compile(r"\* Welcome .* 1000 others are here\."))
        before = server.rss()
        peak = pour(server, sender, messages, size)
        check(peak < before + 24 * MIB, f"memory grew from {before} to {peak} bytes")

        account = Account()
        crowd[500].expect(re.compile(r"\* Welcome .*"))
        account.read_all(crowd[500])
        account.close(lobby=messages)
        sender.send("still there?")
        crowd[500].expect("client-1001: still there?")


def slow_ones_are_closed(setup):
    """--slow close: who lags behind the limit is closed, the others go on"""
    with setup.hub("--slow", "close", "--presence-max", "0", "--lag-limit", str(MIB)) as server:
        crowd = [server.client(**NARROW) for _ in range(50)]
        sender = server.client()
        sender.expect(re.compile(r"\* Welcome .* 50 others are here\."))
        pour(server, sender, 8000, 1000)
        for n in range(1, 51):
            server.log.expect(rf"client-{n} left: reads too slowly")
        sender.send("/who")
        sender.expect("* 1 in #lobby: client-51")
        for one in crowd:
            while not one.ended:
                one.receive()
        late = server.guest()
        sender.send("hello")
        late.expect(re.compile(r"\* last .*"))


def gaps_are_exact(setup):
    """a slow reader, in each encoding, gets messages in order and every gap announced"""
    rounds, per_round, size = 200, 100, 500
    with setup.hub("--presence-max", "0", "--lag-limit", str(256 * 1024)) as server:
        sender = server.guest()
        readers = [server.guest(**NARROW), server.guest(**NARROW)]
        readers[1].send("/wire json")
        check(b'"welcome"' in readers[1].read_line(), "no welcome in JSON")
        accounts = [Account(), Account()]
        for step in range(rounds):
            sender.send_bytes(numbered(step * per_round, per_round, size))
            sender.expect_quiet()
            for reader, account in zip(readers, accounts):
                for _ in range(20 if step % 50 < 40 else 0):
                    account.take(reader.read_line())
        for reader, account in zip(readers, accounts):
            account.read_all(reader)
            account.close(lobby=rounds * per_round)


def gaps_in_two_rooms(setup):
    """who lags behind in two rooms is told of the gaps of each"""
    rounds, per_round, size = 100, 100, 500
    with setup.hub("--presence-max", "0", "--lag-limit", str(128 * 1024)) as server:
        lobby, tea = server.guest(), server.guest()
        readers = [server.guest(**NARROW), server.guest(**NARROW)]
        for one in (tea, *readers):
            one.send("/join #tea")
            one.expect(re.compile(r"\* You joined #tea\. .*"))
        tea.send("/part #lobby")
        tea.expect("* You left #lobby. Your current room is #tea.")
        readers[1].send("/wire json")
        check(b'"welcome"' in readers[1].read_line(), "no welcome in JSON")
        for step in range(rounds):
            for sender in (lobby, tea):
                sender.send_bytes(numbered(step * per_round, per_round, size))
                sender.expect_quiet()
        for reader in readers:
            account = Account()
            account.read_all(reader)
            account.close(lobby=rounds * per_round, tea=rounds * per_round)


def lines_longer_than_the_limit(setup):
    """who reads well gets every line, even one longer than the lag limit"""
    with setup.hub("--lag-limit", "4096") as server:
        a, b = server.guest(), server.guest()
        a.expect("* client-2 joined")
        for n in range(20):
            b.send_bytes(f"{n:02}{'x' * 8000}\n" * 3)
            for _ in range(3):
                a.expect(f"client-2: {n:02}{'x' * 8000}")
        a.expect_quiet()
        b.expect_quiet()


class Flood(threading.Thread):
    """Sends chatter, or reads and forgets, as fast as it goes until told to stop."""

    def __init__(self, client, sends):
        super().__init__(daemon=True)
        self.client = client
        self.sends = sends
        self.bytes = 0
        self.stopping = False
        self.start()

    def run(self):
        block = b"chatter without end, chatter without end, chatter\n" * 5000
        self.client.sock.settimeout(0.2)
        while not self.stopping:
            try:
                if self.sends:
                    self.bytes += self.client.sock.send(block)
                else:
                    self.bytes += len(self.client.sock.recv(MIB))
            except TimeoutError:
                pass

    def stop(self):
        """Waits for the thread to end."""
        self.stopping = True
        self.join()


def flood_of_one(setup):
    """a flood by one client does not keep two others from talking"""
    with setup.hub("--presence-max", "0") as server:
        flooder, sink, b, c = (server.guest() for _ in range(4))
        b.send("/join #quiet")
        b.expect("* You joined #quiet. You are the first here.")
        c.send("/join #quiet")
        c.expect("* You joined #quiet. 1 other is here.")
        for one in (b, c):
            one.send("/part #lobby")
            one.expect("* You left #lobby. Your current room is #quiet.")
        floods = [Flood(sink, False), Flood(flooder, True)]
        hub.wait_for(lambda: floods[0].bytes > MIB, "the flood")
        delays = []
        for n in range(100):
            start = time.monotonic()
            b.send(f"message {n}")
            c.expect(f"#quiet client-3: message {n}")
            delays.append(time.monotonic() - start)
        seen = floods[0].bytes
        hub.wait_for(lambda: floods[0].bytes > seen, "the flood to go on")
        for flood in floods:
            flood.stop()
        delays.sort()
        check(delays[90] < 0.25, f"nine in ten messages took up to {delays[90] * 1000:.0f} ms")
        check(delays[-1] < 1.5, f"a message took {delays[-1] * 1000:.0f} ms")


def endless_commands(setup):
    """a client that asks and never reads the answers is bounded too"""
    with setup.hub("--presence-max", "0") as server:
        a, greedy = server.guest(), server.guest(**NARROW)
        before = server.rss()
        greedy.sock.settimeout(0.5)
        asked = b"/help\n/who\n/stats\n" * 10000
        try:
            for _ in range(400):  # 76 MB
                greedy.sock.sendall(asked)
        except (TimeoutError, ConnectionError):
            pass  # the hub stopped reading it, or closed it: both are a bound
        a.expect_quiet()
        check(server.rss() < before + 24 * MIB, f"memory grew from {before} to {server.rss()}")


if __name__ == "__main__":
    hub.use_all_descriptors()
    tap.run(hub.Setup.from_arguments().cases(
        nobody_reads, slow_ones_are_closed, gaps_are_exact, gaps_in_two_rooms,
        lines_longer_than_the_limit, flood_of_one, endless_commands))
