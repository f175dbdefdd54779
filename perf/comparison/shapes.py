"""The shapes of load that are compared, and the limits that the hub has set itself.

A shape is a name and arguments for chatroom_bench. Which servers it is for: "all" (who can), "ours"
(the hub and the floor), "hub" (the hub alone). IRC takes no longer texts than 400 bytes, and only
some of the peers hold 19,000 connections in 20,000 descriptors.
"""


class Shape:
    """`x` is where it stands on the axis of its plot; `times` how often the usual seconds it runs,
    or 0 for one that runs to its end."""

    def __init__(self, name, group, arguments, x=None, who="all", times=1, heavy=False):
        self.name = name
        self.group = group
        self.arguments = [str(a) for a in arguments]
        self.x = x
        self.who = who
        self.times = times
        self.heavy = heavy  # most of a run is connecting: half the rounds are enough

    def takes(self, server):
        """True if this server can be, and is to be, loaded so."""
        if self.who == "hub":
            return server.name in ("epoll", "uring")
        if self.who == "ours":
            return server.ours
        if server.name.startswith("floor"):
            return self.group in ("window", "rooms-of", "size")
        irc = "irc" in server.arguments
        return not (irc and (self.group == "size" and self.x > 400))


WINDOWS = (1, 4, 16, 64, 256)
MEMBERS = (10, 100, 1000, 10000, 19000)
SIZES = (16, 64, 256, 1024, 4096)


def all_shapes():
    """Every shape, in the order in which they are run."""
    shapes = []
    for w in WINDOWS:
        who = "all" if w in (1, 64) else "ours"
        shapes.append(Shape(f"window {w}", "window", ["--members", 1000, "--window", w], w, who))
    for m in MEMBERS:
        if m == 1000:
            continue
        for w in (1, 64):
            shapes.append(Shape(f"{m} members, window {w}", "rooms-of",
                                ["--members", m, "--window", w], m, "all" if m == 19000 else "ours", heavy=m > 1000))
    for size in SIZES:
        if size != 64:
            shapes.append(Shape(f"{size} bytes", "size",
                                ["--members", 1000, "--window", 16, "--size", size], size, "ours"))
    shapes += [
        Shape("1000 rooms of 10", "many",
              ["--rooms", 1000, "--members", 10, "--senders", "all", "--window", 1], heavy=True),
        Shape("50 messages a second", "latency", ["--members", 1000, "--rate", 50]),
        # For longer: with a hundred messages a second, the p99 of one second is its worst.
        Shape("quiet room", "quiet", ["--members", 10000, "--window", 64, "--quiet-room"],
              times=5, heavy=True),
        Shape("nobody stalled", "slow", ["--members", 1000, "--rate", 50, "--slow", 0], 0, "hub"),
        Shape("a tenth stalled", "slow", ["--members", 1000, "--rate", 50, "--slow", 10], 10, "hub"),
        Shape("19000 idle", "idle", ["--idle", 19000], times=0, heavy=True),
        Shape("19000 come", "storm", ["--storm", 19000], times=0, heavy=True),
    ]
    return shapes


class Goal:
    """A limit: `value` of `server` in `shape` is at most `factor` times that of `other` (the least of
    all peers, if `other` is "peers"; the server itself, if it is "itself") in `other_shape` (the same,
    unless it is given), or at most the number `factor` if `other` is None."""

    def __init__(self, shape, value, factor, other, servers=("epoll", "uring"), other_shape=None):
        self.shape = shape
        self.value = value
        self.factor = factor
        self.other = other
        self.servers = servers
        self.other_shape = other_shape or shape


CPU = "cpu_ns_per_delivery"


def all_goals():
    """What the hub wants to reach. The medians of one interleaved run decide."""
    goals = [
        Goal("window 64", CPU, 0.5, "bun"),
        Goal("window 64", CPU, 0.35, "redis"),
        Goal("window 64", CPU, 0.2, "inspircd"),
        Goal("window 1", CPU, 1.05, "floor-message"),
        Goal("window 1", CPU, 1.0, "peers"),
        Goal("1000 rooms of 10", CPU, 1.0, "peers"),
        Goal("50 messages a second", "latency.p99", 1.0, "peers"),
        Goal("quiet room", "quiet.p99", 5e6, None),
        Goal("quiet room", "quiet.p99", 1.0, "peers"),
        Goal("a tenth stalled", "latency.p99", 1.2, "itself", other_shape="nobody stalled"),
        Goal("19000 idle", "rss_per_connection", 256, None),
        Goal("19000 come", "cpu_ns_per_connection", 1.0, "peers"),
    ]
    for window in (1, 64):
        goals.append(Goal(f"19000 members, window {window}", CPU, 1.0, "peers"))
        goals.append(Goal(f"19000 members, window {window}", CPU, 1.1, "floor"))
    for shape in all_shapes():
        if shape.group in ("window", "rooms-of", "size", "many"):
            goals.append(Goal(shape.name, CPU, 1.0, "epoll", ("uring",)))
    return goals
