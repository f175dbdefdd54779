"""Order: everyone in a room sees the same messages in the same order, each once, whoever speaks
and however the bytes arrive."""

import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import hub  # noqa: E402
import tap  # noqa: E402
from tap import check  # noqa: E402

TALKERS = 8
MESSAGES = 2000  # of each; with their padding, more than a connection may send in one turn


class Reader(threading.Thread):
    """Reads `count` messages; keeps who said them and their number."""

    def __init__(self, client, count):
        super().__init__(daemon=True)
        self.client = client
        self.count = count
        self.heard = []
        self.error = None
        self.start()

    def run(self):
        try:
            while len(self.heard) < self.count:
                self.heard.append(self.parse(self.client.read_line()))
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    @staticmethod
    def parse(line):
        """(nick, number) of a message, in either encoding."""
        if line.startswith(b"{"):
            told = json.loads(line)
            return told["from"], int(told["text"].split()[0])
        nick, text = line.decode().split(": ", 1)
        return nick, int(text.split()[0])

    def result(self):
        """What it heard, once that is all."""
        self.join(hub.DEADLINE)
        if self.error:
            raise self.error
        check(len(self.heard) == self.count, f"{self.client.name} heard {len(self.heard)} only")
        return self.heard


def talk(client, piece):
    """Says all its messages, in pieces of `piece` bytes."""
    lines = b"".join(b"%d %s\n" % (n, b"x" * 80) for n in range(MESSAGES))
    for start in range(0, len(lines), piece):
        client.send_bytes(lines[start:start + piece])


def without(heard, nick):
    """What all heard, less the messages of one."""
    return [entry for entry in heard if entry[0] != nick]


def one_order(setup):
    """eight who talk at once, in pieces of any size: one order for all, in both encodings"""
    with setup.hub("--presence-max", "0") as server:
        talkers = [server.guest() for _ in range(TALKERS)]
        listeners = [server.guest() for _ in range(4)]
        for one in listeners[2:]:
            one.send("/wire json")
            check(b'"welcome"' in one.read_line(), "no welcome in JSON")
        everything = TALKERS * MESSAGES
        readers = [Reader(one, everything) for one in listeners]
        readers += [Reader(one, everything - MESSAGES) for one in talkers]
        pieces = (1 << 20, 65536, 16384, 4096, 1500, 1000, 777, 331)
        mouths = [threading.Thread(target=talk, args=pair, daemon=True)
                  for pair in zip(talkers, pieces)]
        for mouth in mouths:
            mouth.start()
        order = readers[0].result()
        for reader in readers[1:len(listeners)]:
            check(reader.result() == order, f"{reader.client.name} heard another order")
        for reader, talker in zip(readers[len(listeners):], talkers):
            check(reader.result() == without(order, talker.nick),
                  f"{talker.nick} heard another order")
        for talker in talkers:
            numbers = [number for nick, number in order if nick == talker.nick]
            check(numbers == list(range(MESSAGES)), f"{talker.nick} was heard out of order")


def history_and_live(setup):
    """newcomers in the middle of a conversation: the replay and what follows fit without a seam"""
    with setup.hub("--presence-max", "0", "--history", "50") as server:
        talker = server.guest()
        server.guest("audience")
        mouth = threading.Thread(target=talk, args=(talker, 700), daemon=True)
        mouth.start()
        newcomers = [server.guest() for _ in range(50)]
        mouth.join()
        talker.send(f"{MESSAGES} the end")
        for one in newcomers:
            numbers = []
            while not numbers or numbers[-1] < MESSAGES:
                line = one.read_line()
                if not line.startswith(b"* last "):
                    numbers.append(Reader.parse(line)[1])
            check(numbers == list(range(numbers[0], MESSAGES + 1)),
                  f"{one.nick}: a seam after {numbers[0]}")


if __name__ == "__main__":
    tap.run(hub.Setup.from_arguments().cases(one_order, history_and_live))
