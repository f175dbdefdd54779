"""The clients of a hub under load, in one thread: who is here, what is on its way, who acts when.

What people do is written as generators (life.py) that yield how many seconds they wait, or a
condition that they wait for. Everybody who does not stall is read in every round, and no more is
said than the scribes can hear at once: so whoever reads is never far behind, on however slow a
machine, and the hub has no reason to skip anybody but those who stall.
"""

import collections
import heapq
import itertools
import random
import selectors
import time

from people import ProgramWire
from records import Complaints, Room
from tap import Failure

ROOMS = ("#lobby", "#tea", "#ops", "#dev", "#storm")
ON_ITS_WAY = 64 << 10  # bytes of messages said and not heard by a scribe, at most
WAIT = 0.01  # seconds between two looks at what is waited for
PATIENCE = 120  # seconds that anything may take


class Town:
    """Everybody. `stop` is set when no one is to begin anything new."""

    def __init__(self, server, seed):
        self.server = server
        self.random = random.Random(seed)
        self.complaints = Complaints()
        self.rooms = {name: Room(name, self.complaints) for name in ROOMS}
        self.people = {}  # by key
        self.by_id = {}
        self.keys = itertools.count(1)
        self.selector = selectors.DefaultSelector()
        self.tasks = []  # (when, number, generator, condition, deadline): a heap
        self.turns = itertools.count()
        self.stop = False
        self.on_its_way = 0
        self.privates = 0
        self.gaps = 0
        self.skipped = 0
        self.slowest = 0.0  # answer to a ping since the last sample, in seconds
        self.operator = None  # who asks for the hub's counters
        self.stats = {}  # these, as they came last
        self.answers = 0  # how often they came
        self.on_stats = lambda: None  # called when they have
        self.done = collections.Counter()  # what has happened, by name

    # ---- people ----

    def next_key(self):
        """A number for a person."""
        return next(self.keys)

    def enter(self, person):
        """A new person has a wire."""
        self.people[person.key] = person
        self.selector.register(person.wire.source, selectors.EVENT_READ, person)
        return person

    def welcome(self, person):
        """The hub has told it its id."""
        self.by_id[person.id] = person

    def watch(self, person):
        """Reads it unless it stalls; writes when there is room if it has something to say."""
        wants = 0 if person.stalled else selectors.EVENT_READ
        if person.wire.source == person.wire.sink:
            self.set_mask(person.wire.source, person, wants | self.writing(person))
        else:
            self.set_mask(person.wire.source, person, wants)
            self.set_mask(person.wire.sink, person, self.writing(person))

    @staticmethod
    def writing(person):
        """Whether it waits to be able to write."""
        return selectors.EVENT_WRITE if person.out else 0

    def set_mask(self, descriptor, person, mask):
        """Registers, changes, or unregisters."""
        known = self.selector.get_map().get(descriptor) if descriptor >= 0 else None
        if not known and mask and descriptor >= 0:
            self.selector.register(descriptor, mask, person)
        elif known and not mask:
            self.selector.unregister(descriptor)
        elif known and known.events != mask:
            self.selector.modify(descriptor, mask, person)

    def flush(self, person):
        """Sends what is to be said."""
        waited = bool(person.out)
        person.push()
        if waited or person.out:
            self.watch(person)

    def forget(self, person):
        """It is not read any more."""
        person.out = b""
        person.stalled = True
        self.watch(person)

    def see_off(self, person):
        """What it hears has ended."""
        self.forget(person)
        person.ended = True
        person.wire.close()
        if not person.wire.ended_well():
            self.complaints.add("programs", f"{person.name} ended badly")
        if not person.leaving:
            raise self.broken(person, "end of input")
        for hearing in person.hearings.values():
            hearing.over = True

    def broken(self, person, why):
        """What to say when somebody's connection is gone."""
        told = self.server.log.matches(rf"info: client-{person.id} .*left: ")
        return Failure(f"{person.name}: {why}\n" + "\n".join(told))

    def vanish(self, person):
        """It is gone, and tells nobody."""
        person.vanished = person.leaving = True
        if isinstance(person.wire, ProgramWire):
            person.wire.vanish()
            return
        self.forget(person)
        person.ended = True
        person.wire.vanish()
        for hearing in person.hearings.values():
            hearing.over = True

    def has_left(self, number, room):
        """A scribe says so."""
        person = self.by_id.get(number)
        if person:
            person.has_left(room)

    def has_joined(self, number, room):
        """A scribe says so."""
        person = self.by_id.get(number)
        if person:
            person.left.discard(room)

    def bury(self, person):
        """It is gone, and everything it has said is accounted for."""
        self.people.pop(person.key, None)
        self.by_id.pop(person.id, None)

    # ---- the hub's counters ----

    def ask_stats(self):
        """They come some time later."""
        self.operator.send("/stats")

    def take_stats(self, stats):
        """They have come."""
        self.stats = stats
        self.answers += 1
        self.on_stats()

    # ---- what is on its way ----

    def expect(self, size):
        """So many bytes more, or fewer, are said and not heard."""
        self.on_its_way += size

    def may_talk(self):
        """Whether more can be said now."""
        return self.on_its_way < ON_ITS_WAY and not self.stop

    def deliveries(self):
        """Messages heard and compared."""
        return sum(room.heard for room in self.rooms.values())

    # ---- time ----

    def begin(self, task):
        """A generator starts to live."""
        self.put(time.monotonic(), task, None, 0)

    def put(self, when, task, condition, deadline):
        """It is looked at again then."""
        heapq.heappush(self.tasks, (when, next(self.turns), task, condition, deadline))

    def act(self, now):
        """Everybody whose time has come goes on."""
        while self.tasks and self.tasks[0][0] <= now:
            _, _, task, condition, deadline = heapq.heappop(self.tasks)
            if not condition or condition():
                self.go_on(task, now)
            elif now < deadline:
                self.put(now + WAIT, task, condition, deadline)
            else:
                raise Failure(f"{task.__name__}, line {task.gi_frame.f_lineno}: "
                              f"waited {PATIENCE} s")

    def go_on(self, task, now):
        """One step."""
        wanted = next(task, None)
        if callable(wanted):
            self.put(now + WAIT, task, wanted, now + PATIENCE)
        elif wanted is not None:
            self.put(now + wanted, task, None, 0)

    def round(self):
        """Hears, compares, acts."""
        now = time.monotonic()
        next_turn = self.tasks[0][0] - now if self.tasks else WAIT
        for key, mask in self.selector.select(max(0, min(next_turn, WAIT))):
            person = key.data
            if mask & selectors.EVENT_WRITE and not person.ended:
                self.flush(person)
            if mask & selectors.EVENT_READ and not person.ended:
                person.pull()
        for room in self.rooms.values():
            room.settle()
        self.act(time.monotonic())

    def run_until(self, condition, what, patience=PATIENCE):
        """Rounds, until the condition holds."""
        end = time.monotonic() + patience
        while not condition():
            self.round()
            if time.monotonic() > end:
                raise Failure(f"waited {patience:g} s for {what}")
