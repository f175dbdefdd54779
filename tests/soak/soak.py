#!/usr/bin/env python3
"""A hub under mixed load for as long as one likes: nothing is lost, and nothing grows.

    tests/soak/soak.py -s build/chatroom_server -b epoll                half an hour
    tests/soak/soak.py -s build/chatroom_server -b uring --seconds 60 --json samples.json

Its output is TAP: a table of samples in comments, and a case for each promise. README.md beside it
says what the load is, what is checked, and what the limits are. Exit status: 0, 1 if a promise was
broken, 77 if the backend cannot be had here.
"""

import argparse
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))

import hub  # noqa: E402
import tap  # noqa: E402
from life import LAG_LIMIT, Lives, write_filter  # noqa: E402
from samples import Samples, descriptors, is_sanitized, table_head, table_line  # noqa: E402
from speech import STAMPING  # noqa: E402
from tap import check  # noqa: E402
from town import PATIENCE, Town  # noqa: E402

FILTERS = os.path.join(HERE, "../../plugins/filters")
SHORT = 120  # seconds; a run that is shorter hurries
HURRY_MOST = 10.0
VISITORS, PROGRAMS = 6, 3
ROWS = 15  # of the table
RSS_LIMIT, RSS_LIMIT_SANITIZED = 1024, 4096  # KiB that a slope may come to over the whole run
EXPECTED_ERRORS = r"stamp\.lua|filters not reloaded|check: .*stamp"

# What must have happened at least once.
EVENTS = ("nicks", "histories", "censuses", "drops", "long", "unknown", "stalls", "left by quit",
          "left by end", "left by reset", "left by cut", "programs ended", "programs killed",
          "reload by signal", "reload by command", "reload by change", "reload refused", "roll back")


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description="Soaks a hub in mixed load.")
    parser.add_argument("-s", "--server", default="build/chatroom_server")
    parser.add_argument("-b", "--backend", default="epoll")
    parser.add_argument("-c", "--client", help="the client program; default: beside the server")
    parser.add_argument("--seconds", type=float, default=1800, help="how long (1800)")
    parser.add_argument("--rate", type=float, default=3000, help="deliveries a second (3000)")
    parser.add_argument("--seed", type=int, default=1, help="of the choices (1)")
    parser.add_argument("--every", type=float, default=5, help="seconds between two samples (5)")
    parser.add_argument("--rss-limit", type=int, help="KiB that the slope of the RSS may come to")
    parser.add_argument("--json", metavar="FILE", help="all samples go there")
    options = parser.parse_args()
    options.client = options.client or os.path.join(
        os.path.dirname(os.path.abspath(options.server)), "chatroom_client")
    return options


def say(*lines):
    """Comments of TAP."""
    for line in lines:
        print(f"# {line}", flush=True)


class Soak:
    """A run, and what came of it."""

    def __init__(self, options, server, folder):
        self.options = options
        self.server = server
        self.town = Town(server, options.seed)
        pace = min(max(1.0, SHORT / options.seconds), HURRY_MOST)
        self.lives = Lives(self.town, options.client, folder, options.rate, pace)
        self.sanitized = is_sanitized(server.pid)
        self.before = len(descriptors(server.pid))
        self.after = None
        self.samples = None
        self.wanted = False  # a sample
        self.shown = 0.0  # the next row of the table is of then
        self.closing = {}  # the hub's counters when nobody spoke any more

    # ---- the run ----

    def run(self):
        """From the first client to the end of the hub."""
        town = self.town
        town.begin(self.lives.residents())
        town.run_until(lambda: town.done["settled"], "the residents")
        begin = time.monotonic()
        self.samples = Samples(town, begin)
        town.on_stats = self.take_sample
        say(*table_head())
        for task in self.tasks():
            town.begin(task)
        town.run_until(lambda: self.is_over(begin), "everything to happen",
                       self.options.seconds + PATIENCE)
        self.wind_up()
        self.close()

    def tasks(self):
        """Everybody's lives."""
        lives = self.lives
        yield from (lives.talk(), lives.whisper(), lives.wander(), lives.fence(),
                    lives.fickleness(), lives.curiosity(), lives.nonsense(), lives.reloads(),
                    self.sample())
        yield from (lives.stall(person) for person in lives.laggards)
        yield from (lives.visitor(number) for number in range(VISITORS))
        yield from (lives.program(number) for number in range(PROGRAMS))

    def sample(self):
        """Now and then; the hub is asked for its counters first."""
        while not self.town.stop:
            self.wanted = True
            self.town.ask_stats()
            yield min(self.options.every, self.options.seconds / 40)

    def take_sample(self):
        """The counters have come."""
        if not self.wanted:
            return
        self.wanted = False
        self.samples.take(time.monotonic())
        row = self.samples.rows[-1]
        if row["seconds"] >= self.shown:
            say(table_line(row))
            self.shown += self.options.seconds / ROWS

    def is_over(self, begin):
        """The time is over, and all there is has happened."""
        return (time.monotonic() - begin >= self.options.seconds and self.town.gaps > 0
                and all(self.town.done[name] for name in EVENTS))

    def wind_up(self):
        """Nobody begins anything new; then everything must be heard that was said."""
        town = self.town
        town.stop = True
        town.run_until(lambda: not town.tasks, "everybody to come to an end")
        for person in town.people.values():
            person.ask()
        town.run_until(lambda: not any(p.asked for p in town.people.values()), "the last answers")
        try:
            town.run_until(self.all_heard, "the last messages", hub.DEADLINE)
        except tap.Failure:
            self.count_silent()
        answers = town.answers
        town.ask_stats()
        town.run_until(lambda: town.answers > answers, "the counters")
        self.closing = town.stats

    def all_heard(self):
        """Everybody is up to date, and everything said was heard."""
        return (all(person.up_to_date() for person in self.town.people.values())
                and self.town.on_its_way == 0)

    def count_silent(self):
        """Whoever has not heard everything complains."""
        for person in self.town.people.values():
            for room, hearing in person.hearings.items():
                if hearing.behind():
                    person.complain("lost", f"{hearing.behind()} messages are missing in {room}")
                elif hearing.queue:
                    person.complain("foreign", f"{len(hearing.queue)} in {room}, heard by no other")
            for key, said in person.said.items():
                if said:
                    person.complain("lost", f"{len(said)} messages for {key} were not heard")

    def close(self):
        """Everybody leaves but the operator. What is left is what was there at first."""
        town = self.town
        for person in list(town.people.values()):
            if person is not self.lives.operator:
                person.leaving = True
                person.send("/quit")
        town.run_until(lambda: all(p.ended for p in town.people.values() if p.leaving), "the ends")
        town.begin(self.last_one())
        town.run_until(lambda: not town.tasks, "the hub to be empty")
        self.after = len(descriptors(self.server.pid)) - 1
        self.lives.operator.leaving = True
        self.server.ask_to_finish()
        town.run_until(lambda: self.lives.operator.ended, "the end of the hub")

    def last_one(self):
        """Waits until the hub has one client only."""
        while self.town.stats["clients"] > 1:
            yield from self.lives.fresh_counters()

    # ---- the report ----

    def rss_limit(self):
        """In KiB, for the whole run."""
        default = RSS_LIMIT_SANITIZED if self.sanitized else RSS_LIMIT
        return self.options.rss_limit or default

    def growth(self, name, rows=None):
        """What the slope of a column comes to over the whole run."""
        return self.samples.hourly(name, rows) * self.samples.rows[-1]["seconds"] / 3600

    def report(self):
        """What stands below the table: the slopes, what has happened, what was wrong."""
        samples, late = self.samples, self.samples.second_half()
        build = "AddressSanitizer, quarantine 1 MiB" if self.sanitized else "no sanitizer"
        say("", f"{build}; limit of growth {self.rss_limit()} KiB",
            f"RSS: {samples.hourly('rss_kib', late):+.0f} KiB/hour, checker "
            f"{samples.hourly('checker_kib', late):+.0f} KiB/hour, over the second half; "
            f"descriptors that are no sockets: {samples.hourly('no_sockets'):+.2f}/hour",
            ", ".join(f"{name} {count}" for name, count in sorted(self.town.done.items())),
            *self.town.complaints.texts)

    def write(self):
        """All samples, for programs."""
        late = self.samples.second_half()
        result = {"server": self.server.process.args, "seed": self.options.seed,
                  "sanitized": self.sanitized, "rss_limit_kib": self.rss_limit(),
                  "rss_kib_per_hour": self.samples.hourly("rss_kib", late),
                  "checker_kib_per_hour": self.samples.hourly("checker_kib", late),
                  "descriptors_per_hour": self.samples.hourly("no_sockets"),
                  "complaints": dict(self.town.complaints.counts), "done": dict(self.town.done),
                  "closing": self.closing, "samples": self.samples.rows}
        with open(self.options.json, "w", encoding="ascii") as out:
            json.dump(result, out, indent=1)

    # ---- the verdict ----

    def none(self, *kinds):
        """No such complaint."""
        found = {kind: self.town.complaints.counts[kind] for kind in kinds}
        check(not any(found.values()), f"{found}\n" + "\n".join(self.town.complaints.texts))

    def nothing_lost(self):
        """every message is heard by everybody else in the room, once, in order, unchanged"""
        check(self.town.deliveries() > 0, "nothing was said")
        self.none("lost", "doubled", "wrong", "foreign")

    def gaps_right(self):
        """only who stalls misses messages, and exactly those that are announced"""
        self.none("gaps")
        counted = self.closing["skipped"]
        check(counted == self.town.skipped,
              f"the hub counts {counted} that were skipped, announced were {self.town.skipped}")
        check(0 < self.town.gaps <= self.closing["gaps"],
              f"{self.town.gaps} gaps were announced, the hub counts {self.closing['gaps']}")

    def refusals_right(self):
        """what must be refused is refused, with an answer, and nothing else is"""
        self.none("refused")
        wrong = [f"{person.name}: {person.answers[kind]} of {due} {kind}"
                 for person in self.lives.steadfast + self.lives.fickle
                 for kind, due in person.due.items() if person.answers[kind] != due]
        check(not wrong, "\n".join(wrong))

    def counters_right(self):
        """the hub has counted what was heard: messages, private messages, drops"""
        town, closing = self.town, self.closing
        heard = {"messages": sum(room.end for room in town.rooms.values()),
                 "privates": town.privates, "filter_drops": town.done["drops"],
                 "long_lines": town.done["long"], "clients": len(town.people), "no_memory": 0,
                 "closed_slow": 0, "undelivered": 0, "accept_drops": 0, "filter_kicks": 0}
        counted = {name: closing[name] for name in heard}
        check(counted == heard, f"the hub counts {counted}, heard was {heard}")

    def filters_right(self):
        """every reload takes effect for all at once; versions go back only by a rollback"""
        closing, done = self.closing, self.town.done
        by_hand = sum(done[name] for name in EVENTS if name.startswith("reload "))
        times = {"filter_reloads": by_hand + 2 * done["roll back"],
                 "filter_reloads_refused": done["reload refused"],
                 "filter_rollbacks": done["roll back"]}
        counted = {name: closing[name] for name in times}
        check(counted == times, f"the hub counts {counted}, were {times}")
        for room in self.town.rooms.values():
            check(room.back <= done["roll back"], f"{room.name}: {room.back} older versions")
            check(room.stamp <= self.lives.version, f"{room.name}: version {room.stamp}")

    def programs_right(self):
        """the client program ends well, with status 0, whenever its input does"""
        self.none("programs")

    def memory_flat(self):
        """resident memory does not grow, of the hub and of the process that tries filters out"""
        for name in ("rss_kib", "checker_kib"):
            grown = self.growth(name, self.samples.second_half())
            check(grown < self.rss_limit(),
                  f"{name}: {grown:.0f} KiB in this time, the limit is {self.rss_limit()} KiB")

    def descriptors_flat(self):
        """descriptors do not grow, and are all closed when everybody has left"""
        check(self.after == self.before, f"before {self.before}, after {self.after}")
        grown = self.growth("no_sockets")
        check(abs(grown) < 2, f"those that are no sockets: {grown:+.2f} in this time")
        held = {row["checker_descriptors"] for row in self.samples.rows}
        check(max(held) - min(held) <= 2, f"the checker has had {sorted(held)}")

    def ends_well(self):
        """the hub stops politely with status 0, and without a leak if it was built to tell"""
        self.server.log.forgive(EXPECTED_ERRORS)
        self.server.wait_exit(deadline=60 if self.sanitized else hub.POLITE_STOP)

    def cases(self):
        """For tap.run()."""
        return [(case.__doc__, case) for case in (
            self.nothing_lost, self.gaps_right, self.refusals_right, self.counters_right,
            self.filters_right, self.programs_right, self.memory_flat, self.descriptors_flat,
            self.ends_well)]


def failing(exception):
    """The one case there is when the run could not go on."""
    def case():
        raise exception
    return [("the run comes to its end", case)]


def soak(options, folder):
    """Runs; returns the cases."""
    setup = hub.Setup(options.server, options.backend)
    setup.require_backend()
    shipped = [word for name in ("shout", "words") for word in ("-f", f"{FILTERS}/{name}.lua")]
    lives = os.path.join(folder, "filters")
    os.mkdir(lives)
    write_filter(lives, STAMPING, 1)
    with setup.hub("-l", "127.0.0.1:0", "-l", f"unix:{folder}/hub", *shipped, "--filter-dir", lives,
                   "--watch", "--lag-limit", str(LAG_LIMIT)) as server:
        run = Soak(options, server, lives)
        try:
            run.run()
        finally:
            if run.samples and run.samples.rows:
                run.report()
        if options.json:
            run.write()
        tap.run(run.cases())


def main():
    """The program."""
    options = parse()
    hub.use_all_descriptors()
    say(f"{options.server}, {options.backend}, {options.seconds:g} s, "
        f"{options.rate:g} deliveries a second, seed {options.seed}")
    with hub.scratch() as folder:
        try:
            soak(options, folder)
        except (tap.Failure, tap.Skip) as exception:
            tap.run(failing(exception))


if __name__ == "__main__":
    main()
