"""What was said in a room, and whether everybody in it has heard it.

A room has a *scribe*: a client that does nothing but listen, from the room's first message on. What
it hears is compared with what the speakers have said, and is the room's *record*: an entry for each
message, whose place is its `seq` - 1. What others hear is compared with the record, from the place
where they joined (the end of the history they were shown) to the one where they left, but for what
they said themselves. Where the hub announces a gap, exactly so many entries are passed over.

A text starts with who says it and with a number: `k7.12 ...` is message 12 of k7 in this room.
"""

import collections
import re

from speech import version_of

Said = collections.namedtuple("Said", "number nick text how")
Entry = collections.namedtuple("Entry", "speaker number nick text action")

MARK = re.compile(r"/?k(\d+)\.(\d+) ")
KEPT = 1000  # entries at least, for histories


class Complaints:
    """What went wrong: counted by kind, the first ones in words."""

    MOST = 40

    def __init__(self):
        self.counts = collections.Counter()
        self.texts = []

    def add(self, kind, text, count=1):
        """One more fault: `count` messages are lost, or so."""
        self.counts[kind] += count
        if len(self.texts) < self.MOST:
            self.texts.append(f"{kind}: {text}")


def mark_of(text):
    """(key of the speaker, number) of a text, or None."""
    match = MARK.match(text)
    return (int(match[1]), int(match[2])) if match else None


class Room:
    """A room's record."""

    def __init__(self, name, complaints):
        self.name = name
        self.complaints = complaints
        self.entries = collections.deque()
        self.first = 0  # the place of the first entry kept
        self.end = 0  # the place of the next entry
        self.places = {}  # mark -> place
        self.bytes = 0  # that were said so far
        self.heard = 0  # messages that were compared, by all who hear
        self.ears = set()  # every Hearing that is not over
        self.stamp = 0  # the last version of the filter that stamps messages
        self.back = 0  # how often it was an older one

    def entry(self, place):
        """The entry of a place that is kept."""
        return self.entries[place - self.first]

    def write(self, event, speaker):
        """The scribe has heard a message; `speaker` is who its mark says, or None."""
        if event.seq != self.end + 1:
            self.complaints.add("lost", f"{self.name}: {event.seq} came after {self.end}",
                                max(1, event.seq - self.end - 1))
        while self.end < event.seq - 1:
            self.append(Entry(None, None, "?", "?", False))
        mark = mark_of(event.text)
        if speaker is None:
            self.complaints.add("foreign", f"{self.name}: nobody has said: {event}")
        else:
            speaker.heard_saying(self.name, mark[1], event)
        version = version_of(event.text)
        if version:
            self.back += version < self.stamp
            self.stamp = version
        self.places[mark] = self.end
        self.append(Entry(speaker, mark and mark[1], event.nick, event.text,
                          event.kind == "action"))

    def append(self, entry):
        """The next entry."""
        self.entries.append(entry)
        self.end += 1
        self.bytes += len(entry.text)

    def settle(self):
        """Compares what was heard with the record, as far as it goes; forgets what is old."""
        for hearing in list(self.ears):
            if hearing.queue:
                hearing.settle()
            if hearing.over and not hearing.queue:
                self.ears.discard(hearing)
        if len(self.entries) > 2 * KEPT:
            self.trim()

    def trim(self):
        """Entries that nobody will ask for go."""
        needed = min((h.place for h in self.ears if h.place is not None), default=self.end)
        while self.first < min(needed, self.end - KEPT):
            entry = self.entries.popleft()
            if entry.speaker:
                self.places.pop((entry.speaker.key, entry.number), None)
            self.first += 1


class Hearing:
    """One listener in one room. What it hears waits in `queue` until the record is there."""

    def __init__(self, person, room):
        self.person = person
        self.room = room
        self.place = None  # of what is due next; None until the first thing is heard
        self.over = False
        self.queue = collections.deque()
        room.ears.add(self)

    def take(self, what):
        """An event; a list of events, which is a history; or a number, which is a gap."""
        self.queue.append(what)

    def settle(self):
        """Compares what can be compared."""
        while self.queue:
            what = self.queue[0]
            if isinstance(what, int):
                done = self.pass_over(what)
            elif isinstance(what, list):
                done = self.compare_history(what)
            else:
                done = self.compare(what)
            if not done:
                break
            self.queue.popleft()

    def complain(self, kind, text, count=1):
        """Something is wrong with what this one heard."""
        self.room.complaints.add(kind, f"{self.person.name} in {self.room.name}: {text}", count)

    def pass_over(self, count):
        """A gap: so many messages of others."""
        if self.place is None or self.place + count > self.room.end:
            return False
        self.place += count
        return True

    def compare(self, event):
        """A message that was just said; False if the record is not that far."""
        if self.place is None:
            self.place = event.seq - 1 if event.seq else 0
        self.jump_own()
        if self.place < self.room.end:
            self.match(event)
        elif self.room.places.get(mark_of(event.text), self.place) < self.place:
            self.complain("doubled", str(event))
        else:
            return False
        return True

    def match(self, event):
        """The message is the one that is due. If not, says what is wrong, and goes on from it."""
        entry = self.room.entry(self.place)
        if event.seq not in (None, self.place + 1) or not same(event, entry):
            self.explain(event)
        self.place += 1
        self.room.heard += 1

    def explain(self, event):
        """It is not: which one is it?"""
        place = self.room.places.get(mark_of(event.text))
        if place is None or not same(event, self.room.entry(place)):
            due = self.room.entry(self.place).text
            self.complain("wrong", f"heard {event}, due was {due[:80]}")
        elif place > self.place:
            self.complain("lost", f"messages {self.place + 1} to {place}, before {event}",
                          place - self.place)
        else:
            self.complain("doubled", f"message {place + 1}, when {self.place + 1} was due: {event}")
        self.place = self.place if place is None else place

    def jump_own(self):
        """Nobody hears what they said themselves."""
        while self.place < self.room.end and self.room.entry(self.place).speaker is self.person:
            self.place += 1

    def compare_history(self, events):
        """A history: messages in a row, up to the last one before what is said from now on."""
        last = self.room.places.get(mark_of(events[-1].text))
        if last is None:
            return False
        first = last + 1 - len(events)
        for place, event in enumerate(events, first):
            if not same(event, self.room.entry(place)) or event.seq not in (None, place + 1):
                self.complain("wrong", f"in a history: {event}, due was message {place + 1}")
        if self.place is None:
            self.place = last + 1
        self.join_on(last + 1)
        return True

    def join_on(self, end):
        """A history ended just before that place: from there to what is due, all is its own."""
        between = range(min(self.place, end), max(self.place, end))
        strange = [p for p in between if self.room.entry(p).speaker is not self.person]
        if strange:
            self.complain("lost" if end > self.place else "wrong",
                          f"a history ends with message {end}, heard were {self.place}",
                          len(strange))
        self.place = max(self.place, end)

    def behind(self):
        """How many messages are still to come."""
        if self.place is None:
            return 0
        self.jump_own()
        return self.room.end - self.place


def same(event, entry):
    """The event is that entry."""
    return (event.text == entry.text and event.nick == entry.nick
            and (event.kind == "action") == entry.action)
