"""perf/compare and perf/count in small: they run, the report has the numbers, plots are drawn."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))
PERF = os.path.join(HERE, "../../perf")
sys.path.insert(0, PERF)

import tap  # noqa: E402
from comparison import report, runs, servers, shapes  # noqa: E402
from tap import Skip, check  # noqa: E402

BUILD = sys.argv[1]


def compare(*options):
    """Runs it; returns the finished process."""
    return subprocess.run([sys.executable, os.path.join(PERF, "compare"), "--build", BUILD, "--rounds", "1",
                           "--seconds", "0.1", *options], capture_output=True, text=True, timeout=100,
                          check=False)


def small_run():
    """a shape with one backend and the floor: a table, verified numbers, exit 0"""
    done = compare("--only", "window 64", "--server", "epoll", "--server", "floor")
    check(done.returncode == 0, done.stderr)
    check("| Chatroom, epoll |" in done.stdout, done.stdout)
    check("floor, a send per turn" in done.stdout, done.stdout)


def written():
    """--write leaves the numbers, the report and the plots"""
    with tempfile.TemporaryDirectory() as folder:
        done = compare("--only", "window 1", "--server", "epoll", "--server", "floor", "--write", "--out", folder)
        check(done.returncode == 0, done.stderr)
        files = sorted(os.listdir(folder))
        name = next(f for f in files if f.endswith(".json"))
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            kept = json.load(file)
        check(kept["values"]["window 1"]["epoll"]["cpu_ns_per_delivery"][0] > 0, str(kept["values"]))
        check(any(f.endswith(".md") for f in files), str(files))
        report_path = os.path.join(folder, next(f for f in files if f.endswith(".md")))
        with open(report_path, encoding="utf-8") as file:
            first = file.read()
        os.remove(report_path)
        check(compare("--render", os.path.join(folder, name)).returncode == 0, "--render")
        with open(report_path, encoding="utf-8") as file:
            check(file.read() == first, "the report is the same when it is rendered anew")
        if shutil.which("gnuplot"):
            check(any(f.endswith("window.svg") for f in files), str(files))


def verdicts():
    """limits: met, missed, and left out where a number is missing"""
    results = runs.Results()
    for name, ns in (("epoll", 100), ("uring", 200), ("bun", 250), ("redis", 300)):
        server = servers.Server(name, name, [], "1", [] if name in ("epoll", "uring") else ["x"])
        for noise in (0, 1, -1):
            results.add(shapes.Shape("window 64", "window", []), server,
                        {"result": {"cpu_ns_per_delivery": ns + noise}})
    for shape, epoll, uring in (("nobody stalled", 100, 100), ("a tenth stalled", 119, 121)):
        for name, ns in (("epoll", epoll), ("uring", uring)):
            results.add(shapes.Shape(shape, "slow", []), servers.Server(name, name, [], "1", []),
                        {"result": {}, "latency": {"p99": ns}})
    everybody = [servers.Server(n, n, [], "1", [] if n in ("epoll", "uring") else ["x"])
                 for n in ("epoll", "uring", "bun", "redis")]
    rows, missed = report.goals(results, everybody)
    check(len(rows) == 7, "\n".join(rows))
    check(len(missed) == 4, "\n".join(missed))
    check(any("a tenth stalled | latency.p99 | uring" in row for row in missed), "\n".join(missed))
    check(results.median("window 64", "bun", "cpu_ns_per_delivery") == 250, "median")


def failure():
    """a run that fails is named, and the exit status is 1"""
    with tempfile.TemporaryDirectory() as folder:
        bench = os.path.join(folder, "chatroom_bench")
        with open(bench, "w", encoding="ascii") as script:
            script.write("#!/bin/sh\necho 'receiver 7 lacks 3 messages' >&2\nexit 1\n")
        os.chmod(bench, 0o755)
        done = compare("--build", folder, "--only", "window 64", "--server", "epoll")
        check(done.returncode == 1, f"exit status {done.returncode}")
        check("receiver 7 lacks 3 messages" in done.stderr, done.stderr)


def peers_explain_themselves():
    """every peer's script says title, protocol, package and version"""
    for name in os.listdir(servers.PEERS):
        path = os.path.join(servers.PEERS, name)
        if os.access(path, os.X_OK):
            facts = servers.facts_of(path)
            check(facts.pop("parallel", "1").isdecimal(), name)
            check(set(facts) == {"title", "protocol", "package", "version"}, name)


def counts():
    """perf/count says what a message takes"""
    if not shutil.which("valgrind"):
        raise Skip("no valgrind")
    done = subprocess.run([sys.executable, os.path.join(PERF, "count"), "--help"], capture_output=True,
                          text=True, timeout=60, check=False)
    check(done.returncode == 0, done.stderr)
    done = subprocess.run([sys.executable, os.path.join(PERF, "count"), "--build", "/nonexistent"],
                          capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 66, f"exit status {done.returncode}")


if __name__ == "__main__":
    tap.run([(f.__doc__, f) for f in (small_run, written, verdicts, failure, peers_explain_themselves,
                                      counts)])
