"""The verdict of chatroom_bench: it finds what a server does wrong, names who suffered it, and says
so by its exit status; and what it prints is what its README promises."""

import argparse
import asyncio
import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))

import standin  # noqa: E402
import tap  # noqa: E402
from tap import check  # noqa: E402

DEADLINE = 60  # seconds that a run may take
WRONG, USAGE, NO_INPUT, SOFTWARE, OS_ERROR, PROTOCOL = 1, 64, 66, 70, 71, 76

LATENCY = ["from", "count", "p50", "p90", "p99", "p999", "max"]
KEYS = {
    "server": ["command", "backend", "pid", "cpu"],
    "machine": ["kernel", "cpu_model", "cpus", "load_cpu"],
    "workload": ["rooms", "members", "senders", "all_talk", "loop", "window", "rate", "size",
                 "messages", "seconds", "warmup", "slow_percent", "churn_per_s", "quiet_per_s",
                 "connections", "parallel"],
}
RESULTS = {
    "load": ["messages", "deliveries", "read", "receivers", "slow_members", "wall_ns",
             "messages_per_s", "deliveries_per_s", "cpu_ns", "cpu_ns_per_delivery",
             "cpu_ns_per_message", "load_cpu_ns", "server_busy", "load_busy", "rss", "rss_peak",
             "syscalls_per_delivery", "syscalls_per_message", "visits", "visits_late"],
    "idle": ["connections", "rss_before", "rss_after", "rss_per_connection", "kernel_before",
             "kernel_after", "kernel_per_connection", "kernel_source"],
    "storm": ["connections", "wall_ns", "connections_per_s", "cpu_ns", "cpu_ns_per_connection",
              "load_cpu_ns", "server_busy", "load_busy", "rss", "rss_peak"],
}


class Bench:
    """The program under test, and the hub it is to load."""

    def __init__(self, program, server):
        self.program, self.server = program, server

    def run(self, *arguments, stderr=subprocess.PIPE):
        """Runs it to its end."""
        return subprocess.run([self.program, "--pin", "none", *arguments], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=stderr, timeout=DEADLINE)

    def load_hub(self, *arguments):
        """Runs it on the hub; it must be content."""
        done = self.run("--server", self.server, *arguments)
        check(done.returncode == 0, f"status {done.returncode}: {done.stderr}")
        return done

    def load_standin(self, protocol, *faults, options=()):
        """Runs it on a stand-in: 20 members, who come one after the other."""
        return self.run("--protocol", protocol, "--members", "20", "--messages", "100", "--window",
                        "4", "--parallel", "1", "--no-syscalls", *options, "--",
                        sys.executable, os.path.join(HERE, "standin.py"), protocol, "{port}",
                        *faults)


def expect(done, status, pattern):
    """The run ended with this status, and said something like this on standard error."""
    check(done.returncode == status, f"status {done.returncode}, not {status}: {done.stderr}")
    check(re.search(pattern, done.stderr), f"nothing like {pattern!r} in: {done.stderr}")


# ---- what a server does wrong ----

SAMPLE, COUNTED = "1", "2"  # listeners: the first is read in full, the second is not
SOON = ("--patience", "3000")  # where only silence tells


def find(bench, fault, victim, status, pattern, protocol="line", options=()):
    """A case: this fault is found."""

    def case():
        faults = ("--fault", fault, "--victim", victim, "--at", "60")
        expect(bench.load_standin(protocol, *faults, options=options), status, pattern)

    who = "a sample" if victim == SAMPLE else "who is only counted"
    return f"{protocol}: {fault} is found, of {who}", case


def faults(bench):
    """Every fault, of those who are read in full and of those who are not."""
    first, second = r"receiver 0 \(room 0\)", r"receiver 1 \(room 0\)"
    yield find(bench, "lose", SAMPLE, WRONG, f"{first} got message 60 of sender 0, due was 59")
    yield find(bench, "twice", SAMPLE, WRONG, f"{first} got message 59 of sender 0, due was 60")
    yield find(bench, "swap", SAMPLE, WRONG, f"{first} got message 60 of sender 0, due was 59|"
                                             "nothing came")
    yield find(bench, "spoil", SAMPLE, WRONG, f"{first} got a message of 64 bytes that nobody sent")
    yield find(bench, "cut", SAMPLE, WRONG, "ended the connection of receiver 0")
    yield find(bench, "noise", SAMPLE, PROTOCOL, "cannot make sense", protocol="mqtt")
    yield find(bench, "lose", COUNTED, WRONG, f"{second} has [0-9]+ bytes, due are [0-9]+; 1 such",
               options=SOON)
    yield find(bench, "twice", COUNTED, WRONG, f"{second} got [0-9]+ bytes, due were [0-9]+")
    yield find(bench, "cut", COUNTED, WRONG, "ended the connection of receiver 1")
    yield find(bench, "noise", COUNTED, WRONG, f"{second} got [0-9]+ bytes, due were [0-9]+")
    for protocol in ("resp", "nats", "mqtt", "irc", "ws"):
        yield find(bench, "lose", SAMPLE, WRONG, "due was 59", protocol=protocol)
        yield find(bench, "twice", COUNTED, WRONG, f"{second} got", protocol=protocol)


def check_last_lost(bench):
    """Nothing comes after it, so only the silence tells."""
    fault = ("--fault", "lose", "--victim", SAMPLE, "--at", "100")
    options = ("--warmup", "50", "--messages", "50", *SOON)
    expect(bench.load_standin("line", *fault, options=options), WRONG, "nothing came for 3000 ms")


def check_stranger(bench):
    """A hub is not a Redis."""
    done = bench.run("--protocol", "resp", "--members", "2", "--", bench.server, "-l",
                     "127.0.0.1:0")
    expect(done, PROTOCOL, "not a server for --protocol resp")


def check_refused(bench):
    """The floor has no rooms, and says so."""
    floor = os.path.join(os.path.dirname(bench.server), "chatroom_floor")
    expect(bench.run("--server", floor, "--rooms", "2", "--members", "2"), PROTOCOL,
           "refuses to let connection .* in: .*no rooms here")


# ---- servers that are not there ----


def check_no_server(bench):
    """A path with nothing there, an address with nobody there."""
    expect(bench.run("--server", "/nonexistent/server"), NO_INPUT, "no server at /nonexistent")
    expect(bench.run("--connect", "127.0.0.1:1"), NO_INPUT, "nobody listens on port 1")


def check_start_fails(bench):
    """One that ends at once, with the end of its log."""
    done = bench.run("--", "sh", "-c", "echo no such luck >&2; exit 3")
    expect(done, SOFTWARE, "(?s)ended at once, status 3.*no such luck")
    expect(bench.run("--", "sh", "-c", "exit 69"), 69, "cannot run here")


def check_limits(bench):
    """More connections than there are descriptors."""
    expect(bench.run("--server", bench.server, "--idle", "1000000"), OS_ERROR, "descriptors")


def check_usage(bench):
    """Wrong usage, and help."""
    expect(bench.run("--no-such-option"), USAGE, "usage:")
    done = bench.run("--help")
    check(done.returncode == 0 and "--quiet-room" in done.stdout, done.stdout)
    for protocol in ("line", "json", "resp", "nats", "mqtt", "irc", "ws"):
        check(f"\n  {protocol} " in done.stdout, f"no {protocol} in: {done.stdout}")


# ---- what is printed ----


def check_json(bench):
    """The keys of the README, all of them; and figures that fit together."""
    for shape, options in {
        "load": ("--members", "30", "--messages", "300", "--senders", "2", "--quiet-room"),
        "idle": ("--idle", "50"),
        "storm": ("--storm", "50"),
    }.items():
        result = json.loads(bench.load_hub("--json", *options).stdout)
        top = ["format", "shape", "protocol", "ok", *KEYS, "result"]
        top += {"load": ["latency", "quiet"], "idle": [], "storm": ["latency"]}[shape]
        check(list(result) == top, f"{shape}: {list(result)}, not {top}")
        check(result["shape"] == shape and result["ok"] is True and result["format"] == 1, shape)
        for name, keys in {**KEYS, "result": RESULTS[shape]}.items():
            check(list(result[name]) == keys, f"{shape}: {name} has {list(result[name])}")
        if "latency" in result:
            check(list(result["latency"]) == LATENCY, f"{shape}: {result['latency']}")
            check_order(result["latency"])
        if shape == "load":
            check_figures(result)


def check_order(latency):
    """Percentiles go up."""
    points = [latency[key] for key in LATENCY[2:]]
    check(points == sorted(points) and points[0] > 0, f"not in order: {latency}")


def check_figures(result):
    """30 members and 2 senders, who hear each other, in one room."""
    figures = result["result"]
    check(figures["messages"] == 300, f"{figures['messages']} messages")
    check(figures["receivers"] == 33, f"{figures['receivers']} receivers")
    quiet = result["quiet"]["count"]
    check(figures["deliveries"] == 300 * 31 + quiet, f"{figures['deliveries']}, {quiet} quiet")
    check(figures["read"] == 300 * (8 + 1) + quiet, f"{figures['read']} read, {quiet} quiet")
    check(result["latency"]["count"] == 300 * 8, f"{result['latency']}")
    check(figures["rss"] > 100000 and figures["cpu_ns"] > 0, f"{figures}")
    each = figures["cpu_ns"] / figures["deliveries"]
    check(abs(figures["cpu_ns_per_delivery"] - each) < 0.01, f"{figures}")


def check_csv(bench):
    """CSV has the names of JSON, with a point between."""
    options = ("--members", "10", "--messages", "100")
    nested = json.loads(bench.load_hub("--json", *options).stdout)
    rows = list(csv.reader(io.StringIO(bench.load_hub("--csv", *options).stdout)))
    names = []
    for key, value in nested.items():
        names += [f"{key}.{sub}" for sub in value] if isinstance(value, dict) else [key]
    check(rows[0] == names, f"{rows[0]}, not {names}")
    check(len(rows) == 2 and len(rows[1]) == len(names), f"{rows[1:]}")
    check(rows[1][names.index("result.deliveries")] == "1000", f"{rows[1]}")


def check_failed_json(bench):
    """A run that failed has no result, and says so."""
    faults_of = ("--fault", "lose", "--victim", SAMPLE, "--at", "60")
    done = bench.load_standin("line", *faults_of, options=("--json",))
    result = json.loads(done.stdout)
    check(done.returncode == WRONG and result["ok"] is False, done.stdout)
    check("result" not in result, done.stdout)


def check_silence(bench):
    """No progress but on a terminal."""
    options = ("--members", "20", "--rate", "500", "--seconds", "0.8")
    check(bench.load_hub(*options).stderr == "", "something on standard error")
    master, slave = pty.openpty()
    try:
        done = bench.run("--server", bench.server, *options, stderr=slave)
        shown = os.read(master, 65536)
        check(done.returncode == 0 and b"messages: " in shown, f"{shown!r}")
        check(shown.endswith(b"\x1b[K"), f"the line is still there: {shown!r}")
    finally:
        os.close(master)
        os.close(slave)


# ---- figures that have to be true ----


def check_slow(bench):
    """A quarter of 40 is ten, whoever of them is read."""
    options = ("--members", "40", "--slow", "25", "--messages", "500", "--json")
    figures = json.loads(bench.load_hub(*options).stdout)["result"]
    check(figures["slow_members"] == 10 and figures["receivers"] == 30, f"{figures}")
    check(figures["deliveries"] == 500 * 30, f"{figures}")


def check_churn(bench):
    """Visitors come and go while the others hear everything."""
    options = ("--members", "20", "--churn", "40", "--rate", "200", "--seconds", "1", "--json")
    figures = json.loads(bench.load_hub(*options).stdout)["result"]
    check(figures["visits"] > 0, f"{figures}")
    check(20 <= figures["visits"] + figures["visits_late"] <= 80, f"{figures}")
    check(figures["read"] == figures["deliveries"] == figures["messages"] * 20, f"{figures}")


def stalled(bench, *options):
    """Latencies of a run with a server that stalls for half a second, once."""
    done = bench.load_standin("line", "--fault", "stall", "--at", "100",
                              options=("--warmup", "20", "--json", *options))
    check(done.returncode == 0, done.stderr)
    return json.loads(done.stdout)["latency"]


def check_omission(bench):
    """In an open loop a stall is felt by all that were due meanwhile: they are about half of these.
    In a closed loop only by the one that was in flight."""
    half = standin.STALL * 1e9
    latency = stalled(bench, "--messages", "200", "--window", "1")
    check(latency["max"] >= half > latency["p90"], f"closed: {latency}")
    done = bench.run("--protocol", "line", "--members", "20", "--rate", "200", "--messages", "200",
                     "--warmup", "20", "--json", "--", sys.executable,
                     os.path.join(HERE, "standin.py"), "line", "{port}", "--fault", "stall",
                     "--at", "100")
    latency = json.loads(done.stdout)["latency"]
    check(latency["from"] == "intended" and latency["count"] == 1600, f"open: {latency}")
    check(latency["max"] >= half and latency["p90"] >= half / 2, f"open: {latency}")


class Inside(threading.Thread):
    """A stand-in in this process, to look into."""

    def __init__(self, protocol):
        super().__init__(daemon=True)
        self.protocol, self.rooms = protocol, standin.Rooms()
        self.loop, self.port, self.up = None, None, threading.Event()
        self.start()
        check(self.up.wait(DEADLINE), "the stand-in does not start")

    def run(self):
        asyncio.run(self.serve())

    async def serve(self):
        """Listens for ever."""
        server = await standin.start(self.protocol, self.rooms)
        self.loop, self.port = asyncio.get_running_loop(), server.sockets[0].getsockname()[1]
        self.up.set()
        await asyncio.Event().wait()


def check_pings_answered(bench):
    """NATS pings everybody amid the messages: counts still fit, and all answer."""
    inside = Inside("nats")
    done = bench.run("--connect", f"127.0.0.1:{inside.port}", "--protocol", "nats", "--members",
                     "30", "--messages", "200", "--pid", str(os.getpid()), "--no-syscalls")
    check(done.returncode == 0, done.stderr)
    deadline = time.monotonic() + DEADLINE
    while inside.rooms.answered < 30 and time.monotonic() < deadline:
        time.sleep(0.01)
    check(inside.rooms.answered == 30, f"{inside.rooms.answered} of 30 pings answered")


def check_unwatched(bench):
    """Without --pid there is nothing to tell of the server, and the load runs all the same."""
    inside = Inside("ws")
    done = bench.run("--connect", f"127.0.0.1:{inside.port}", "--protocol", "ws", "--members", "20",
                     "--messages", "100", "--json")
    check(done.returncode == 0, done.stderr)
    result = json.loads(done.stdout)
    for key in ("cpu_ns", "rss", "server_busy", "syscalls_per_delivery"):
        check(result["result"][key] is None, f"{key}: {result['result'][key]}")
    check(result["result"]["deliveries"] == 2000, f"{result['result']}")


def cases(bench):
    """All of them."""
    yield from faults(bench)
    named = {
        "a message that is lost at the end": check_last_lost,
        "a server of another protocol": check_stranger,
        "a server that refuses": check_refused,
        "no server": check_no_server,
        "a server that does not start": check_start_fails,
        "too many connections": check_limits,
        "usage and help": check_usage,
        "JSON has all keys, and the figures fit": check_json,
        "CSV has the names of JSON": check_csv,
        "JSON of a run that failed": check_failed_json,
        "slow members are as many as was said": check_slow,
        "visitors come and go": check_churn,
        "progress on a terminal only": check_silence,
        "a stall is not hidden in an open loop": check_omission,
        "pings of the server are answered": check_pings_answered,
        "a server that cannot be watched": check_unwatched,
    }
    for name, function in named.items():
        yield name, lambda f=function: f(bench)


def main():
    parser = argparse.ArgumentParser(description="Tests the verdict of chatroom_bench.")
    parser.add_argument("-p", "--program", required=True, help="chatroom_bench")
    parser.add_argument("-s", "--server", required=True, help="chatroom_server")
    options = parser.parse_args()
    tap.run(cases(Bench(options.program, options.server)))


if __name__ == "__main__":
    main()
