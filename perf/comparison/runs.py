"""Runs chatroom_bench for every shape and server, in turn: A B C A B C ..., so that whatever else the
machine does meets all of them alike. Keeps what matters of each result, and the medians."""

import json
import os
import signal
import statistics
import subprocess
import sys

VALUES = ("cpu_ns_per_delivery", "deliveries_per_s", "syscalls_per_delivery", "rss_peak", "rss",
          "rss_per_connection", "kernel_per_connection", "cpu_ns_per_connection", "connections_per_s",
          "server_busy", "load_busy", "latency.p50", "latency.p99", "latency.p999", "quiet.p50",
          "quiet.p99")
TIMEOUT = 60


def dig(result, path):
    """result["a"]["b"] for "a.b"; None where there is none."""
    for key in path.split("."):
        result = result.get(key) if isinstance(result, dict) else None
    return result


class Lab:
    """Where the programs are, and how long each run takes."""

    def __init__(self, build, seconds, environment):
        self.build = build
        self.seconds = seconds
        self.environment = environment

    def command(self, shape, server):
        """The whole command line of one run."""
        arguments = [a.replace("FLOOR", f"{self.build}/chatroom_floor") for a in server.arguments]
        timed = ["--seconds", str(self.seconds * shape.times)] if shape.times else []
        tail = ["--", *server.command] if server.command else []
        return [f"{self.build}/chatroom_bench", "--json", "--no-progress", "--patience", "30000",
                *shape.arguments, *timed,
                *arguments, *tail]

    def run(self, shape, server):
        """One run: its result, or {"failed": why}."""
        command = self.command(shape, server)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=self.environment, start_new_session=True) as bench:
            try:
                result, said = bench.communicate(timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                os.killpg(bench.pid, signal.SIGKILL)  # and its server, which may be somebody else's by now
                return {"failed": f"took more than {TIMEOUT} s"}
        if bench.returncode != 0:
            lines = (said.strip() or f"exit status {bench.returncode}").splitlines()
            return {"failed": lines[-1][:200]}
        return json.loads(result)


class Results:
    """All runs of a comparison: values[shape][server][value] is a list, one number for each round."""

    def __init__(self):
        self.values = {}
        self.failures = {}

    def add(self, shape, server, result):
        """Takes one result in."""
        if "failed" in result:
            self.failures.setdefault(shape.name, {})[server.name] = result["failed"]
            return
        flat = {**result["result"], "latency": result.get("latency"), "quiet": result.get("quiet")}
        kept = self.values.setdefault(shape.name, {}).setdefault(server.name, {})
        for value in VALUES:
            number = dig(flat, value)
            if number is not None:
                kept.setdefault(value, []).append(number)

    def median(self, shape, server, value):
        """The median over the rounds, or None."""
        numbers = self.values.get(shape, {}).get(server, {}).get(value)
        return statistics.median(numbers) if numbers else None

    def spread(self, shape, server, value):
        """(least, most), or None."""
        numbers = self.values.get(shape, {}).get(server, {}).get(value)
        return (min(numbers), max(numbers)) if numbers else None


def run_all(lab, shapes, servers, rounds, results=None):
    """Every shape with every server that takes it, `rounds` times; heavy ones half as often."""
    results = results or Results()
    for shape in shapes:
        takers = [s for s in servers if shape.takes(s)]
        shape_rounds = (rounds + 1) // 2 if shape.heavy else rounds
        for number in range(shape_rounds):
            for server in takers:
                if results.failures.get(shape.name, {}).get(server.name):
                    continue  # once is enough
                print(f"\r\033[K{shape.name}: round {number + 1} of {shape_rounds}: {server.title}",
                      end="", file=sys.stderr, flush=True)
                results.add(shape, server, lab.run(shape, server))
    print("\r\033[K", end="", file=sys.stderr, flush=True)
    return results
