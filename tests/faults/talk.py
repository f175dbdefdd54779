"""A conversation that a hub must carry through whatever fails below it, and its audit.

Three people stay from round to round, in #lobby and in #room, one of them in JSON. A fourth comes
with each round, does a little of everything, and leaves; a fifth passes by. Every message has a
number, and is said when the one before has been taken; so whoever should hear it must hear it once,
and in the order of its room, unless the fault of the round has cost its sender.
"""

import json
import os
import re
import select
import signal
import time

import hub
from tap import check

NUDGE = 0.3  # seconds of silence after which a question is asked again
NUMBERED = re.compile(rb"m(\d+)\.")
MESSAGE = re.compile(rb"(?:(#\S+) )?([^\s@*!][^\s:]*)(?:: | \* )(.*)")
REPLAY = re.compile(rb"\* last (?:(\d+) messages|message)(?: of #\S+)?:")
REFUSAL = re.compile(rb"out of memory|takes no more rooms|not delivered|no memory for the counters")


class Person:
    """A client that may be lost. What it hears is kept by number."""

    def __init__(self, server, name):
        self.name = name
        self.client = server.client(name)
        self.lost = False
        self.refused = []  # what the hub said it could not do
        self.heard = []  # numbers of messages, as they came
        self.last = b""  # the last message as it stood
        self.private = []
        self.stats = {}
        self.notices = []
        self.told = {}  # the last message in JSON
        self.replayed = 0  # messages that are still to come of a replay
        self.nick = None
        self.tokens = 0
        self.since = {}  # the first message that it must hear, by room
        self.until = {}

    # ---- talking ----

    def say(self, *lines):
        """Sends lines, in one piece."""
        self.send("".join(f"{line}\n" for line in lines).encode())

    def send(self, data):
        """Sends bytes as they are, if it still can."""
        try:
            if not self.lost:
                self.client.send_bytes(data)
        except OSError:
            self.lose()

    def lose(self):
        """The hub has ended the connection."""
        self.lost = True
        self.client.close()

    # ---- hearing ----

    def pull(self, seconds):
        """Takes what comes within that time; False if nothing did, or the connection is lost."""
        if self.lost or not select.select([self.client.sock], [], [], seconds)[0]:
            return False
        try:
            if not self.client.receive():
                self.lose()
        except OSError:
            self.lose()
        *lines, self.client.pending = self.client.pending.split(b"\n")
        for line in lines:
            self.take(line)
        return not self.lost

    def take(self, line):
        """One line."""
        if line.startswith(b"{"):
            self.take_json(json.loads(line))
            return
        replay, message = REPLAY.fullmatch(line), MESSAGE.fullmatch(line)
        if line.startswith(b"* pong "):
            self.ponged = line[len(b"* pong "):].decode()
        elif line.startswith(b"* Welcome "):
            self.nick = re.search(rb"client-\d+", line).group().decode()
        elif line.startswith(b"* stats: "):
            self.take_stats(line[len(b"* stats: "):].decode())
        elif replay:
            self.replayed = int(replay[1] or 1)
        elif line.startswith(b"! "):
            self.take_error(line)
        elif line.startswith(b"@"):
            self.private.append(line.split(b": ", 1)[1])
        elif message:
            self.take_message(message[3])
        else:
            self.notices.append(line)

    def take_json(self, told):
        """The same in JSON."""
        kind = told["type"]
        if kind == "pong":
            self.ponged = told["token"]
        elif kind == "history":
            self.replayed = told["count"]
        elif kind == "error":
            self.take_error(told["text"].encode())
        elif kind == "private":
            self.private.append(told["text"].encode())
        elif kind == "stats":
            self.stats = {name: value for name, value in told.items() if name != "type"}
        elif kind in ("message", "action"):
            self.told = told
            self.take_message(told["text"].encode())

    def take_stats(self, text):
        """`name value, name value`"""
        self.stats = {name: int(value)
                      for name, value in (item.rsplit(" ", 1) for item in text.split(", "))}

    def take_error(self, text):
        """Only what a fault may have caused is kept."""
        if REFUSAL.search(text):
            self.refused.append(text.decode())

    def take_message(self, text):
        """What is replayed was heard before, or was not to be heard."""
        number = NUMBERED.search(text)
        if self.replayed > 0:
            self.replayed -= 1
        elif number:
            self.heard.append(int(number[1]))
            self.last = text

    # ---- waiting ----

    ponged = ""

    def until_true(self, condition, what, again=lambda: None):
        """Takes lines until `condition()`; asks again in silence. False if it is lost."""
        end = time.monotonic() + hub.DEADLINE
        while not self.lost and not condition():
            if not self.pull(NUDGE) and not self.lost:
                again()
            check(time.monotonic() < end or self.lost, f"{self.name}: waited for {what}")
        return not self.lost

    def fence(self):
        """Until all that was said before has been answered. A call that was told to wait is
        promised to be told when it may go on; more input does that in any case."""
        self.tokens += 1
        mark = f"{self.name}-{self.tokens}"

        def ask():
            self.say(f"/ping {mark}")
        ask()
        return self.until_true(lambda: self.ponged == mark, f"pong {mark}", ask)

    def counters(self):
        """The hub's counters, by /stats; None if it is lost."""
        self.stats = {}
        self.say("/stats")
        self.until_true(lambda: self.stats, "the counters", lambda: self.say("/stats"))
        return None if self.lost else self.stats


class Talk:
    """Rounds of a conversation with one hub."""

    def __init__(self, server):
        self.server = server
        self.reload = True  # the filters, in each round
        self.number = 0
        self.rounds = 0
        self.stay = [None, None, None]
        self.people = []  # of the last round
        self.senders = {}  # who said a message, and where, by its number
        self.privates = []
        self.seat()

    # ---- who is here ----

    def seat(self):
        """Everybody who stays is there, in both rooms; the third in JSON."""
        for i, person in enumerate(self.stay):
            if person and not person.lost and not person.refused:
                continue
            if person and not person.lost:
                person.client.close()
            self.stay[i] = self.enter(f"{'abc'[i]}{self.rounds}", json_wire=i == 2)

    def enter(self, name, json_wire=False):
        """Comes, and joins #room, without a fault."""
        person = Person(self.server, name)
        person.say("/join #room", "/join #lobby", *(["/wire json"] if json_wire else []))
        check(person.fence() and not person.refused, f"{name} could not come: {person.refused}")
        person.since = {"#lobby": self.number, "#room": self.number}
        return person

    # ---- saying ----

    def text(self, person, room, size=0):
        """The next message, which that person will say in that room."""
        self.number += 1
        self.senders[self.number] = (person, room)
        return f"m{self.number}." + "x" * size

    def tell(self, person, to):
        """A private message."""
        self.number += 1
        text = f"m{self.number}."
        self.privates.append((person, to, text.encode()))
        person.say(f"/msg {to.nick} {text}")
        person.fence()

    def speak(self, person, room="#lobby", size=0):
        """Says a message, and waits until it has been taken."""
        person.say(self.text(person, room, size))
        person.fence()

    # ---- a round ----

    def newcomer(self):
        """Comes; what is said from now on is for it, too."""
        guest = Person(self.server, f"z{self.rounds}")
        guest.until_true(lambda: guest.nick or guest.refused, "the welcome")
        guest.fence()
        guest.since["#lobby"] = self.number
        return guest

    def lobby(self, guest):
        """Messages short and long, several at once, in pieces."""
        a, b, c = self.stay
        self.speak(a)
        self.speak(guest)
        b.say(*(self.text(b, "#lobby") for _ in range(3)))
        b.fence()
        long = self.text(c, "#lobby", 5000).encode() + b"\n"
        c.send(long[:1000])
        c.send(long[1000:])
        c.fence()

    def privately(self, guest):
        """Private lines, to and fro."""
        a, _, c = self.stay
        if guest.nick and not guest.lost:
            self.tell(a, guest)
            self.tell(guest, c)

    def room(self, guest):
        """Rooms, history, commands, the other encoding."""
        a = self.stay[0]
        guest.say("/join #room")
        guest.fence()
        guest.since["#room"] = self.number
        self.speak(guest, "#room")
        a.say("/join #room", self.text(a, "#room"), "/join #lobby")
        a.fence()
        guest.say("/history 2", "/who", "/rooms", "/help", f"/nick {guest.name}",
                  "/me " + self.text(guest, "#room"))
        guest.fence()
        guest.say(f"/join #own-{self.rounds}", "/part", "/wire json")
        guest.fence()
        self.speak(a)
        self.speak(guest, "#room")
        guest.say("/part #room")
        guest.until["#room"] = self.number
        guest.fence()

    def load_anew(self):
        """The filters are reloaded, or stay as they are."""
        before = len(self.server.log.matches("filters (not )?reloaded"))
        self.server.signal(signal.SIGHUP)
        hub.wait_for(lambda: len(self.server.log.matches("filters (not )?reloaded")) > before,
                     "the reload")

    def passer_by(self):
        """Says something and ends its input at once; it still gets its answers. Like
        `echo hello | nc -N`."""
        person = Person(self.server, f"p{self.rounds}")
        person.say(self.text(person, "#lobby"), "/ping bye")
        try:
            person.client.shutdown()
        except OSError:
            person.lose()
        self.see_off(person)
        person.lost = person.ponged != "bye"
        return person

    def see_off(self, person):
        """Until the hub has closed the connection, which is no loss."""
        person.until_true(lambda: False, "the end")
        person.client.close()
        person.lost = False
        self.server.clients.remove(person.client)

    def hear_all(self, people):
        """The last words reach everybody, without another word of theirs."""
        person = self.stay[1]
        person.say(self.text(person, "#lobby"))
        last = self.number

        def heard(other):
            person.pull(0)  # to see whether it is lost
            return last in other.heard or person.lost
        for other in people:
            if self.due(other, last):
                other.until_true(lambda other=other: heard(other),
                                 f"message {last}, which was said by {person.name}")

    def round(self):
        """All of it; then the audit."""
        self.rounds += 1
        self.senders.clear()
        self.privates.clear()
        for person in self.stay:
            person.heard.clear()
            person.private.clear()
        guest = self.newcomer()
        passer = self.passer_by()
        self.lobby(guest)
        self.privately(guest)
        self.room(guest)
        if self.reload:
            self.load_anew()
        people = [*self.stay, guest]
        self.hear_all(people)
        for person in people:
            person.fence()
        self.people = [*people, passer]
        self.audit(people, self.hurt())
        if guest in self.hurt():
            guest.client.close()
        else:
            guest.say("/quit")
            self.see_off(guest)

    # ---- the audit ----

    def due(self, person, number):
        """True if the person must hear that message."""
        sender, room = self.senders[number]
        never = 1 << 62
        return (person is not sender and number > person.since.get(room, never)
                and number <= person.until.get(room, never))

    def audit(self, people, hurt):
        """Who is well has heard everything of those who are well, once and in order."""
        well = [person for person in people if person not in hurt]
        for person in well:
            heard = [number for number in person.heard if self.due(person, number)]
            for room in ("#lobby", "#room"):
                there = [number for number in heard if self.senders[number][1] == room]
                check(there == sorted(set(there)), f"{person.name} heard {there} in {room}")
            missed = [number for number, (sender, _) in self.senders.items()
                      if self.due(person, number) and sender in well and number not in heard]
            check(not missed, f"{person.name} has not heard {missed}, but {heard}")
        for number, (sender, _) in self.senders.items():
            ears = [person for person in well if self.due(person, number)]
            heard = sum(number in person.heard for person in ears)
            check(sender in well or heard in (0, len(ears)),
                  f"{heard} of {len(ears)} heard message {number} of one who was lost")
        for sender, to, text in self.privates:
            if sender in well and to in well:
                got = [line for line in to.private if text in line]
                check(len(got) == 1, f"{to.name} got {text} {len(got)} times: {to.private}")

    def hurt(self):
        """Those of the round that were lost, or refused something."""
        return [person for person in self.people if person.lost or person.refused]

    def settle(self):
        """The lost are replaced. Returns the counters, once the hub has no other client. Everybody
        is asked: a send may have failed to one whom the hub still hears out, and counts later."""
        def all_here():
            for person in self.stay:
                person.fence()
            self.seat()
            counters = self.stay[0].counters()
            return counters if counters and counters["clients"] == 3 else None
        counters = hub.wait_for(all_here, "three clients to be left")
        self.hear_all(self.stay)
        check(self.stay[0].last.endswith(b"[seen]"), f"no filter saw {self.stay[0].last}")
        return counters


TREE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


def options():
    """Of a hub with filters, for a Talk."""
    return ("--history", "5", "-f", f"{TREE}/tests/chat/filters/tag.lua",
            "-f", f"{TREE}/plugins/filters/words.lua")


def names(people):
    """For a report."""
    return ", ".join(f"{p.name} ({'lost' if p.lost else p.refused})" for p in people) or "nobody"
