"""Clients of the hub under load: what they say, what they must hear, and how they come and go."""

import collections
import os
import socket
import struct
import subprocess
import time

import hub
from lines import read
from records import Hearing, Said, mark_of
from speech import PLAIN

PIECE = 1 << 18  # bytes read at once


class SocketWire:
    """A connection."""

    def __init__(self, address, **options):
        self.sock = hub.connect(address, **options)
        self.sock.setblocking(False)
        self.source = self.sink = self.sock.fileno()

    def finish(self):
        """No more will be said."""
        self.sock.shutdown(socket.SHUT_WR)

    def vanish(self):
        """A RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        """Frees the descriptor."""
        self.sock.close()

    def ended_well(self):
        """Whether the end was as it should be."""
        return True


class ProgramWire:
    """The client program between two pipes."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=environment)
        self.source = self.process.stdout.fileno()
        self.sink = self.process.stdin.fileno()
        os.set_blocking(self.source, False)
        os.set_blocking(self.sink, False)
        self.killed = False

    def finish(self):
        """The end of its input."""
        self.sink = -1
        self.process.stdin.close()

    def vanish(self):
        """SIGKILL."""
        self.killed = True
        self.process.kill()

    def close(self):
        """Its output has ended: so has it, or nearly."""
        self.sink = -1
        self.process.stdin.close()
        self.process.stdout.close()

    def ended_well(self):
        """Status 0 unless it was killed, and nothing to complain about."""
        words = self.process.stderr.read().decode("utf-8", "replace")
        self.process.stderr.close()
        status = self.process.wait(hub.DEADLINE)
        return self.killed or (status == 0 and not hub.SANITIZER.search(words))


class Person:
    """A client, from its connection to its end. `said` has what nobody has heard yet, by room, and
    for private messages by the receiver's key."""

    def __init__(self, town, wire, name, json=False):
        self.town = town
        self.key = town.next_key()
        self.name = f"k{self.key} {name}"
        self.wire = wire
        self.json = json
        self.id = None
        self.nick = None  # as the hub will know it when it has read all of `out`
        self.rooms = []  # as it will be then; the last one is the current one
        self.hearings = {}  # as the hub said
        self.numbers = collections.Counter()  # next number, by room
        self.said = collections.defaultdict(collections.deque)
        self.questions = 0
        self.asked = collections.deque()  # (token, time, copy of numbers) of pings
        self.sure = collections.Counter()  # so many messages the hub has had for certain, by room
        self.last_heard = {}  # how many messages so far, by room and key of the speaker
        self.answers = collections.Counter()  # errors and confirmations heard, by kind
        self.due = collections.Counter()  # errors that must come
        self.history = None  # (room, messages still to come, events)
        self.out = b""
        self.part_line = b""  # the beginning of a line
        self.vanished = False  # its last words may be lost
        self.leaving = False
        self.ended = False  # nothing more will be heard
        self.stalled = False
        self.may_lag = False
        self.scribe_of = None  # a room
        self.present = {}  # id -> nick of the others in that room
        self.left = set()  # rooms in which its scribe has heard it leave

    # ---- saying ----

    def send(self, *lines):
        """Lines, text or bytes, go out when there is room."""
        for line in lines:
            self.out += hub.to_bytes(line) + b"\n"
        self.town.flush(self)

    def push(self):
        """Writes as much of `out` as there is room for."""
        try:
            while self.out:
                self.out = self.out[os.write(self.wire.sink, self.out):]
        except BlockingIOError:
            pass
        except OSError as error:
            raise self.town.broken(self, error.strerror) from None

    def say(self, how, words):
        """A message in the current room, in one of the ways of speech.py."""
        room = self.rooms[-1]
        number = self.numbers[room]
        self.numbers[room] += 1
        line, becomes = how.make(f"k{self.key}.{number} ", words)
        self.said[room].append(Said(number, self.nick, becomes, how))
        self.town.expect(len(becomes))
        self.send(line)

    def tell(self, other):
        """A private message. `other` is in this one's current room, keeps its nick, and stays."""
        number = self.numbers[other.key]
        self.numbers[other.key] += 1
        room = self.rooms[-1]
        words = f"after {self.numbers[room]} in {room}"
        line, becomes = PLAIN.make(f"k{self.key}.{number} ", words)
        self.said[other.key].append(Said(number, self.nick, becomes, PLAIN))
        self.town.expect(len(becomes))
        self.send(f"/msg {other.nick} {line}")

    def ask(self):
        """A ping. Its answer tells that all before it has been taken."""
        self.questions += 1
        token = f"t{self.key}.{self.questions}"
        self.asked.append((token, time.monotonic(), collections.Counter(self.numbers)))
        self.send(f"/ping {token}")

    def join(self, room):
        """Enters a room."""
        if room in self.rooms:
            self.rooms.remove(room)
        self.rooms.append(room)
        self.send(f"/join {room}")

    def part(self, room):
        """Leaves a room."""
        self.rooms.remove(room)
        self.send(f"/part {room}")

    def rename(self, nick):
        """Another nick, which nobody has."""
        self.nick = nick
        self.send(f"/nick {nick}")

    # ---- being heard by the scribe of a room ----

    def heard_saying(self, key, number, event):
        """What it has said, in a room or in private, was heard. Nothing is left out before it."""
        due = self.said[key]
        lost = [due.popleft() for _ in range(len(due)) if due[0].number < number]
        if lost:
            self.town.expect(-sum(len(said.text) for said in lost))
            self.town.complaints.add("lost", f"{len(lost)} of {self.name} in {key} before {event}",
                                     len(lost))
        if not due or due[0].number > number:
            self.town.complaints.add("doubled", f"{self.name} in {key}: {event}")
            return
        said = due.popleft()
        self.town.expect(-len(said.text))
        known = event.nick == said.nick and event.id in (None, self.id)
        if not known or not said.how.fits(said.text, event):
            self.town.complaints.add("wrong", f"{self.name} in {key} as {said.nick}: "
                                     f"{said.text[:80]!r} became {event}")

    def has_left(self, room):
        """A scribe has heard that it left: whatever it had said there has been heard."""
        self.left.add(room)
        due = self.said.pop(room, ())
        for said in due:
            self.town.expect(-len(said.text))
            if not self.vanished or said.number < self.sure[room]:
                self.town.complaints.add("lost", f"{self.name} has left {room}: {said.text[:80]!r}")

    # ---- hearing ----

    def pull(self):
        """Takes what has come."""
        try:
            data = os.read(self.wire.source, PIECE)
        except BlockingIOError:
            return
        except OSError as error:
            if not self.leaving:
                raise self.town.broken(self, error.strerror) from None
            data = b""
        if not data:
            self.town.see_off(self)
            return
        *lines, self.part_line = (self.part_line + data).split(b"\n")
        for line in lines:
            self.take(read(line))

    def take(self, event):
        """One line."""
        method = getattr(self, "take_" + event.kind.replace(" ", "_"), None)
        if method:
            method(event)
        elif event.kind == "unknown":
            self.complain("wrong", f"no line of the protocol: {event}")

    def complain(self, kind, text):
        """Something is wrong with what this one heard."""
        self.town.complaints.add(kind, f"{self.name}: {text}")

    def take_welcome(self, event):
        """The first thing it hears; and once more, in JSON."""
        if self.id is not None:
            return
        self.id = event.id
        self.nick = self.nick or event.nick
        self.rooms = self.rooms or ["#lobby"]
        self.town.welcome(self)
        self.hearings["#lobby"] = Hearing(self, self.town.rooms["#lobby"])

    def take_message(self, event):
        """A message of a history, or one just said. The scribe's are the record."""
        if self.history:
            self.take_old(event)
            return
        room = self.town.rooms.get(event.room)
        hearing = self.hearings.get(event.room)
        if not hearing:
            self.complain("foreign", f"is not in that room: {event}")
            return
        mark = mark_of(event.text)
        if mark:
            self.last_heard[room.name, mark[0]] = mark[1] + 1
        if self.scribe_of == event.room:
            self.write(room, event, mark)
        hearing.take(event)

    take_action = take_message

    def write(self, room, event, mark):
        """The scribe's part."""
        speaker = self.town.people.get(mark[0]) if mark else None
        if speaker and self.present.get(speaker.id) != event.nick:
            self.complain("wrong", f"{self.present.get(speaker.id)} is here, but spoke: {event}")
        room.write(event, speaker)

    def take_old(self, event):
        """A message of a history."""
        room, left, events = self.history
        events.append(event)
        self.history = (room, left - 1, events) if left > 1 else None
        if event.room != room:
            self.complain("wrong", f"in the history of {room}: {event}")
        if left == 1 and room in self.hearings:
            self.hearings[room].take(events)

    def take_history(self, event):
        """So many old messages follow."""
        if event.count > 0:
            self.history = (event.room, event.count, [])

    def take_gap(self, event):
        """Messages that it missed."""
        if not self.may_lag:
            self.complain("gaps", f"reads well, and was skipped over {event.count} messages")
        self.town.gaps += 1
        self.town.skipped += event.count
        self.hearings[event.room].take(event.count)

    def take_private(self, event):
        """For it alone, and in the order in which it was said."""
        mark = mark_of(event.text)
        sender = self.town.people.get(mark[0]) if mark else None
        if not sender:
            self.complain("foreign", str(event))
            return
        self.town.privates += 1
        sender.heard_saying(self.key, mark[1], event)
        _, _, count, _, room = event.text.split(" ")
        if self.last_heard.get((room, sender.key), 0) < int(count):
            self.complain("wrong", f"heard before what was said earlier: {event}")

    def take_pong(self, event):
        """All that was said before the ping has been taken."""
        if not self.asked or event.token != self.asked[0][0]:
            return  # the client program has pings of its own
        _, when, self.sure = self.asked.popleft()
        if not self.may_lag:
            self.town.slowest = max(self.town.slowest, time.monotonic() - when)

    def take_error(self, event):
        """The answer to something that is refused."""
        for kind, words in REFUSALS.items():
            if words in event.text:
                self.answers[kind] += 1
                return
        self.complain("refused", event.text)

    def take_stats(self, event):
        """The hub's counters."""
        self.town.take_stats(event.stats)

    def take_notice(self, event):
        """Answers to an operator are counted."""
        for kind, words in CONFIRMED.items():
            if words in event.text:
                self.answers[kind] += 1

    # ---- who comes and goes ----

    def take_own_join(self, event):
        """It is in a room."""
        if event.room not in self.hearings:
            self.hearings[event.room] = Hearing(self, self.town.rooms[event.room])

    def take_own_part(self, event):
        """It is no longer in a room."""
        self.hearings.pop(event.room).over = True

    def take_join(self, event):
        """Its own, or another's."""
        if event.id == self.id:
            self.take_own_join(event)
        elif self.scribe_of == event.room:
            if event.id in self.present:
                self.complain("wrong", f"joined twice: {event}")
            self.present[event.id] = event.nick
            self.town.has_joined(event.id, event.room)

    def take_part(self, event):
        """Its own, or another's."""
        if event.id == self.id:
            self.take_own_part(event)
        elif self.scribe_of == event.room:
            if self.present.pop(event.id, None) != event.nick:
                self.complain("wrong", f"was not here: {event}")
            self.town.has_left(event.id, event.room)

    def take_nick(self, event):
        """Another's; its own has no room."""
        if self.scribe_of == event.room:
            self.present[event.id] = event.nick

    def take_who(self, event):
        """The scribe knows it already."""
        if self.scribe_of == event.room:
            self.town.done["censuses"] += 1
            known = {*self.present.values(), self.nick}
            if set(event.names) != known:
                self.complain("wrong", f"/who differs by {known ^ set(event.names)}")

    def up_to_date(self):
        """Everything asked is answered, and everything said is heard."""
        return (not self.asked and not self.out
                and all(not h.queue and h.behind() == 0 for h in self.hearings.values()))


# What errors and notices are counted as, by words in them.
REFUSALS = {"drops": "was dropped: the word", "long": "it is longer than",
            "unknown": "Unknown command"}
CONFIRMED = {"reloaded": "Filters reloaded:", "rolled back": "Filters rolled back:"}
