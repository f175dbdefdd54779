"""What people do: each function is a generator, see town.py. `pace` shortens the waits of a small
run; everybody comes to an end soon after `town.stop`.
"""

import os
import signal
import time

import hub
from people import Person, ProgramWire, SocketWire
from speech import PLAIN, STAMPING, STAMPING_BROKEN, UNWANTED, WAYS, WEIGHTS, babble
from town import ROOMS, WAIT

LAG_LIMIT = 256 << 10
STALL = 4 * LAG_LIMIT  # bytes said in a room while somebody does not read: a gap is certain
NARROW = {"receive_buffer": 4096, "segment": 536}
LONGEST_LINE = 8192
STORMS = 0.12  # of what is said, in #storm
TALK_ROOMS = [room for room in ROOMS if room != "#storm"]


def write_filter(folder, text, version):
    """The filter that stamps, in a version."""
    path = os.path.join(folder, "stamp.lua")
    with open(path + ".new", "w", encoding="ascii") as out:
        out.write(text.format(version=version))
    os.rename(path + ".new", path)


class Lives:
    """Makes people and gives them something to do."""

    def __init__(self, town, client, folder, rate, pace):
        self.town = town
        self.random = town.random
        self.client = client  # path of the client program
        self.folder = folder  # of the filter that changes
        self.rate = rate  # deliveries a second
        self.pace = pace
        self.version = 1  # of the filter that changes
        self.nicks = 0
        self.operator = None
        self.scribes = []
        self.speakers = []  # may be chosen to speak
        self.steadfast = []  # keep their nick, and stay: may be told something
        self.fickle = []
        self.pourers = []
        self.laggards = []

    # ---- coming ----

    def wait(self, seconds):
        """A random time around that."""
        return self.random.uniform(0.5, 1.5) * seconds / self.pace

    def connect(self, name, json=False, address=0, **options):
        """A person with a connection."""
        wire = SocketWire(self.town.server.addresses[address], **options)
        return self.town.enter(Person(self.town, wire, name, json))

    def settle_in(self, person, *rooms):
        """Waits for the welcome; chooses its encoding; goes to rooms."""
        yield lambda: person.id is not None
        if person.json:
            person.send("/wire json")
        for room in rooms:
            person.join(room)
        if rooms and "#lobby" not in rooms:
            person.part("#lobby")
        person.ask()
        yield lambda: not person.asked

    def new_nick(self):
        """One that nobody has had."""
        self.nicks += 1
        return f"nick-{self.nicks}"

    def next_version(self):
        """A new version of the filter that stamps."""
        self.version += 1
        write_filter(self.folder, STAMPING, self.version)

    def break_filter(self):
        """It is no Lua any more."""
        write_filter(self.folder, STAMPING_BROKEN, self.version)

    def residents(self):
        """Those who stay: scribes first, so that nothing is said before them."""
        self.operator = self.connect("operator", True, 1)
        yield from self.settle_in(self.operator)
        self.operator.part("#lobby")
        self.town.operator = self.operator
        yield from self.fresh_counters()
        for room in ROOMS:
            scribe = self.connect(f"scribe of {room}", True)
            scribe.scribe_of = room
            self.scribes.append(scribe)
            yield from self.settle_in(scribe, room)
        for room in TALK_ROOMS:
            for number in range(4):
                yield from self.resident(room, number)
        for number in range(2):
            yield from self.pourer(number)
        for number in range(4):
            yield from self.laggard(number)
        self.town.done["settled"] += 1

    def resident(self, room, number):
        """One of each kind: in one room or in two, either encoding; every other keeps its nick."""
        person = self.connect(f"resident of {room}", number >= 2)
        rooms = [room] if number % 2 else [self.random.choice(TALK_ROOMS), room]
        yield from self.settle_in(person, *dict.fromkeys(rooms))
        self.speakers.append(person)
        (self.steadfast if number in (0, 3) else self.fickle).append(person)

    def pourer(self, number):
        """Says much, in #storm."""
        person = self.connect("pourer", number == 1)
        yield from self.settle_in(person, "#storm")
        self.pourers.append(person)

    def laggard(self, number):
        """Stalls now and then, and is skipped."""
        person = self.connect("laggard", number >= 2, number % 2, **({} if number % 2 else NARROW))
        person.may_lag = True
        yield from self.settle_in(person, "#storm")
        self.laggards.append(person)

    # ---- talking ----

    def talk(self):
        """Everybody says something, at the rate that is wanted."""
        budget, then = 0.0, time.monotonic()
        while not self.town.stop:
            now = time.monotonic()
            budget = min(budget + (now - then) * self.rate, self.rate / 4)
            then = now
            while budget > 0 and self.town.may_talk():
                pours = self.random.random() < STORMS
                budget -= self.speak(self.random.choice(self.pourers if pours else self.speakers))
            yield 0.01

    def speak(self, person):
        """A few messages of one; returns what they cost."""
        room = self.town.rooms[person.rooms[-1]]
        count = self.random.choice((1, 1, 1, 2, 3, 8))
        for _ in range(count):
            if room.name == "#storm":
                person.say(PLAIN, babble(self.random, 4000))
            else:
                way = self.random.choices(WAYS, WEIGHTS)[0]
                person.say(way, babble(self.random, self.random.choice((20, 40, 80, 400))))
        return count * max(1, len(room.ears) - 1)

    def whisper(self):
        """Private messages between those who share a room and keep their nicks."""
        while not self.town.stop:
            yield self.wait(0.05)
            sender = self.random.choice(self.steadfast)
            room = sender.rooms[-1]
            others = [p for p in self.steadfast if p is not sender and room in p.rooms]
            if self.town.may_talk() and others:
                sender.tell(self.random.choice(others))

    def wander(self):
        """Those who have two rooms speak in the one, then in the other."""
        while not self.town.stop:
            yield self.wait(0.3)
            person = self.random.choice(self.steadfast + self.fickle)
            person.join(person.rooms[0])

    def fence(self):
        """Everybody asks whether what they said has been taken."""
        while not self.town.stop:
            yield self.wait(1)
            for person in self.speakers + self.pourers:
                if not person.asked:
                    person.ask()

    # ---- all kinds of things ----

    def fickleness(self):
        """Nicks change."""
        while not self.town.stop:
            yield self.wait(0.3)
            self.random.choice(self.fickle).rename(self.new_nick())
            self.town.done["nicks"] += 1

    def curiosity(self):
        """Histories, and who is here."""
        while not self.town.stop:
            yield self.wait(0.3)
            person = self.random.choice(self.steadfast + self.fickle)
            heard = person.hearings[person.rooms[-1]].place or 0
            person.send(self.random.choice((
                "/history", "/history 3", f"/history since {max(0, heard - 5)}")))
            self.random.choice(self.scribes).send("/who")
            self.town.done["histories"] += 1

    def nonsense(self):
        """Lines that are refused."""
        while not self.town.stop:
            yield self.wait(0.5)
            person = self.random.choice(self.steadfast + self.fickle)
            kind, line = self.random.choice((
                ("drops", UNWANTED),
                ("long", b"x" * self.random.randrange(LONGEST_LINE + 1, 5 * LONGEST_LINE)),
                ("unknown", b"/\xff" + self.random.randbytes(50).replace(b"\n", b""))))
            person.due[kind] += 1
            person.send(line)
            self.town.done[kind] += 1

    def stall(self, person):
        """Does not read for a while. Then hears how much it missed, and the rest."""
        room = self.town.rooms["#storm"]
        while not self.town.stop:
            yield self.wait(10)
            person.stalled = True
            self.town.watch(person)
            enough = room.bytes + STALL
            yield lambda: room.bytes > enough or self.town.stop
            person.stalled = False
            self.town.watch(person)
            person.ask()
            yield lambda: not person.asked
            self.town.done["stalls"] += 1

    # ---- coming and going ----

    def visitor(self, number):
        """Comes, joins rooms, talks, leaves in one of many ways, and comes back under its name."""
        while not self.town.stop:
            person = self.connect(f"visitor {number}", self.random.random() < 0.5)
            yield from self.settle_in(person)
            person.rename(f"visitor-{number}")
            yield from self.stay(person)
            yield from self.go(person)
            yield self.wait(1)

    def stay(self, person):
        """A visit."""
        self.speakers.append(person)
        for room in self.random.sample(TALK_ROOMS[1:], self.random.randrange(1, 4)):
            person.join(room)
            yield self.wait(0.5)
            if self.random.random() < 0.5:
                person.part(room)
                yield self.wait(0.2)
        person.ask()
        yield lambda: not person.asked
        self.speakers.remove(person)

    def go(self, person):
        """Leaves, in one of many ways."""
        way = self.random.choice((self.quit, self.end, self.reset, self.cut))
        person.leaving = True
        yield lambda: not person.out
        way(person)
        self.town.done["left by " + way.__name__] += 1
        yield lambda: person.ended and person.left.issuperset(person.hearings)
        self.town.bury(person)

    @staticmethod
    def quit(person):
        """Politely."""
        person.send("/quit see you")

    @staticmethod
    def end(person):
        """At the end of its input; the last line has no newline."""
        person.say(PLAIN, "goodbye")
        person.wire.finish()

    def reset(self, person):
        """With a RST, right behind a few words."""
        person.say(PLAIN, "these are last words")
        self.town.vanish(person)

    def cut(self, person):
        """With a RST, in the middle of a line that nobody is to hear."""
        person.out += b"k0.0 half a line"
        person.push()
        self.town.vanish(person)

    def program(self, number):
        """The real client in a pipe, which is ended or killed, and started anew."""
        while not self.town.stop:
            nick, rooms = f"program-{number}", self.random.sample(TALK_ROOMS[1:], 2)
            command = [self.client, "--no-config", "--json", "-N", nick]
            command += [word for room in rooms for word in ("-r", room)]
            wire = ProgramWire([*command, self.town.server.addresses[0]], self.environment())
            person = self.town.enter(Person(self.town, wire, nick, True))
            person.nick, person.rooms = nick, rooms
            yield lambda: set(person.hearings) == set(rooms)
            self.speakers.append(person)
            yield self.wait(8)
            self.speakers.remove(person)
            yield from self.end_program(person)

    @staticmethod
    def environment():
        """Of the client program."""
        return dict(os.environ, **hub.SANITIZER_ENV)

    def end_program(self, person):
        """One way or the other; then the hub notices."""
        person.leaving = True
        yield lambda: not person.out
        if self.random.random() < 0.5:
            person.wire.finish()
            self.town.done["programs ended"] += 1
        else:
            self.town.vanish(person)
            self.town.done["programs killed"] += 1
        yield lambda: person.ended and person.left.issuperset(person.hearings)
        self.town.bury(person)

    # ---- filters ----

    def reloads(self):
        """The filters are loaded anew in every way there is."""
        ways = [self.reload_by_signal, self.reload_by_command, self.reload_by_change,
                self.reload_refused, self.roll_back]
        while not self.town.stop:
            for way in self.random.sample(ways, len(ways)):
                yield self.wait(8)
                yield from way()
                self.town.done[way.__name__.replace("_", " ")] += 1

    def fresh_counters(self):
        """Asks the hub for its counters, and waits for them."""
        seen = self.town.answers
        self.town.ask_stats()
        yield lambda: self.town.answers > seen

    def count_one_more(self, name, act):
        """Does something, and waits until that counter of the hub has grown."""
        yield from self.fresh_counters()
        before = self.town.stats[name]
        act()
        while self.town.stats[name] == before:
            yield WAIT
            yield from self.fresh_counters()

    def reload_by_signal(self):
        """HUP."""
        yield from self.count_one_more(
            "filter_reloads", lambda: self.town.server.signal(signal.SIGHUP))

    def reload_by_command(self):
        """/reload."""
        want = self.operator.answers["reloaded"] + 1
        self.operator.send("/reload")
        yield lambda: self.operator.answers["reloaded"] >= want

    def reload_by_change(self):
        """A new version of the file."""
        yield from self.count_one_more("filter_reloads", self.next_version)

    def reload_refused(self):
        """A file that is no Lua; then it is mended."""
        yield from self.count_one_more("filter_reloads_refused", self.break_filter)
        yield from self.reload_by_change()

    def roll_back(self):
        """The operator takes a new version back, and loads it once more."""
        yield from self.reload_by_change()
        want = self.operator.answers["rolled back"] + 1
        self.operator.send("/reload rollback")
        yield lambda: self.operator.answers["rolled back"] >= want
        yield from self.reload_by_command()
