"""What a hub under load uses: samples, their trend, and a table of them."""

import os
import re

SHADOW = 1 << 40  # bytes of address space that only a sanitizer reserves


def memory(pid):
    """Resident KiB of a process."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            return int(re.search(r"^Rss:\s+(\d+) kB", rollup.read(), re.MULTILINE)[1])
    except OSError:  # not ours to look into, or no such file
        with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def descriptors(pid):
    """What a process has open, as the names of the files; a socket's begins so."""
    names = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            names.append(os.readlink(f"/proc/{pid}/fd/{number}"))
        except FileNotFoundError:
            pass  # closed since
    return names


def children(pid):
    """The processes it has started and that are still there."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listed:
        return [int(word) for word in listed.read().split()]


def is_sanitized(pid):
    """Whether it was built with AddressSanitizer, whose shadow is larger than any memory."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmSize:\s+(\d+) kB", status.read())[1]) * 1024 > SHADOW


def slope(points):
    """Of the straight line with the least squares: what y grows by while x grows by one."""
    count = len(points)
    if count < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


COLUMNS = ("seconds", "rss_kib", "checker_kib", "descriptors", "no_sockets", "clients", "messages",
           "deliveries", "gaps", "reloads", "cpu_percent", "slowest_ms")
TITLES = ("s", "RSS KiB", "checker KiB", "fds", "of them no sockets", "clients", "messages",
          "deliveries", "gaps", "reloads", "CPU %", "slowest ms")


class Samples:
    """Of one run, in order."""

    def __init__(self, town, begin):
        self.town = town
        self.server = town.server
        self.begin = begin
        self.rows = []
        self.cpu = self.server.cpu()
        self.then = begin

    def take(self, now):
        """One more: of now, when the hub's counters have just come."""
        stats, pid = self.town.stats, self.server.pid
        checkers = children(pid)
        cpu, files = self.server.cpu(), descriptors(pid)
        self.rows.append({
            "seconds": round(now - self.begin, 1),
            "rss_kib": memory(pid),
            "checker_kib": sum(memory(child) for child in checkers),
            "checker_descriptors": sum(len(descriptors(child)) for child in checkers),
            "descriptors": len(files),
            "no_sockets": sum(not name.startswith("socket:") for name in files),
            "clients": stats["clients"],
            "messages": stats["messages"],
            "deliveries": self.town.deliveries(),
            "gaps": self.town.gaps,
            "reloads": stats["filter_reloads"],
            "cpu_percent": round(100 * (cpu - self.cpu) / max(now - self.then, 0.001), 1),
            "slowest_ms": round(self.town.slowest * 1000, 1),
            "counters": {name: value for name, value in stats.items() if "." not in name},
        })
        self.cpu, self.then, self.town.slowest = cpu, now, 0.0

    def second_half(self):
        """The rows of the second half."""
        middle = self.rows[-1]["seconds"] / 2 if self.rows else 0
        return [row for row in self.rows if row["seconds"] >= middle]

    def hourly(self, name, rows=None):
        """By how much a column grows in an hour."""
        return slope([(row["seconds"] / 3600, row[name]) for row in rows or self.rows])


def table_head():
    """The head of a table in Markdown."""
    return "| " + " | ".join(TITLES) + " |", "|" + "---:|" * len(TITLES)


def table_line(row):
    """A sample as a line of it."""
    return "| " + " | ".join(str(row[name]) for name in COLUMNS) + " |"
