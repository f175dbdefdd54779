#!/usr/bin/env python3
"""What a filter costs a hub that fans messages out: its CPU per delivery, with and without.

    filter_effect.py [OPTION...] [FILTER.lua]

Without a filter, trivial.lua beside this program is taken. One is too little to be seen on a machine
that does other things as well; so many copies are loaded, each under a name of its own, and what all
of them cost is divided by their number. It takes a filter that lets messages pass, then: what one
drops the next does not see.

Runs chatroom_bench in pairs, once without and once with them, each first every other time, so that a
machine whose speed drifts treats both alike. Prints the median of the effects, and between which
bounds the true one lies in 19 of 20 cases.
"""
import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def parse():
    parser = argparse.ArgumentParser(
        description="What a filter costs a hub that fans messages out.")
    parser.add_argument("filter", nargs="?", metavar="FILTER.lua",
                        default=os.path.join(HERE, "trivial.lua"))
    parser.add_argument("--copies", type=int, default=50, help="of the filter (default: 50)")
    parser.add_argument("--bench", default=os.path.join(HERE, "..", "build", "chatroom_bench"),
                        help="chatroom_bench (default: the one in build/)")
    parser.add_argument("--pairs", type=int, default=20, help="of runs (default: 20)")
    parser.add_argument("--members", type=int, default=1000, help="of the room (default: 1000)")
    parser.add_argument("--messages", type=int, default=3000, help="a run (default: 3000)")
    parser.add_argument("--limit", type=float, metavar="PERCENT",
                        help="exit with 1 if the median for one filter is above")
    parser.add_argument("--tap", action="store_true",
                        help="no figures, only whether all was delivered: for ctest")
    args = parser.parse_args()
    if args.pairs < 1:
        parser.error("--pairs takes a number from 1 on")
    if not 1 <= args.copies <= 64:
        parser.error("--copies takes 1 to 64: a hub has no more filters")
    return args


def copy(args, folder):
    """Writes the copies, which differ in their names."""
    with open(args.filter, encoding="utf-8") as script:
        text = script.read()
    for number in range(args.copies):
        named, found = re.subn(r'\bname = "[^"]*"', f'name = "copy{number}"', text, count=1)
        if not found:
            sys.exit(f"filter_effect: {args.filter}: there is no name = \"...\" in it")
        with open(os.path.join(folder, f"copy{number}.lua"), "w", encoding="utf-8") as script:
            script.write(named)


def run(args, *server_args):
    """CPU of the server per delivery, in nanoseconds."""
    command = [args.bench, "--json", "--no-syscalls", "--no-progress", "--members",
               str(args.members), "--messages", str(args.messages)]
    for server_arg in server_args:
        command += ["--server-arg", server_arg]
    if args.tap:
        command += ["--pin", "none"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"filter_effect: {' '.join(command)}: exit status {done.returncode}")
    return json.loads(done.stdout)["result"]["cpu_ns_per_delivery"]


def pair(args, folder, number):
    """One run without and one with; which comes first alternates."""
    if number % 2:
        after = run(args, "--filter-dir", folder)
        return run(args), after
    return run(args), run(args, "--filter-dir", folder)


def bounds(values):
    """Between which of them the true median lies, in 95 % of all cases: order statistics."""
    n = len(values)
    below = 0
    tail = math.comb(n, 0) / 2 ** n
    while tail + math.comb(n, below + 1) / 2 ** n <= 0.025:
        below += 1
        tail += math.comb(n, below) / 2 ** n
    ordered = sorted(values)
    return ordered[below], ordered[n - 1 - below]


def report(args, pairs):
    """Prints the figures; returns the median of the effect of one filter, in percent."""
    effects = [100 * (after / before - 1) / args.copies for before, after in pairs]
    low, high = bounds(effects)
    effect = statistics.median(effects)
    without = statistics.median(before for before, _ in pairs)
    print(f"{os.path.basename(args.filter)}: {args.members} members, {len(pairs)} pairs of "
          f"{args.messages} messages, {args.copies} copies")
    print(f"  without any       {without:8.2f} ns of CPU a delivery")
    print(f"  with all copies   {statistics.median(after for _, after in pairs):8.2f} ns")
    print(f"  effect of one     {effect:+8.3f} %  (95 %: {low:+.3f} to {high:+.3f} %)")
    return effect


def measure(args, folder):
    pairs = []
    for number in range(args.pairs):
        pairs.append(pair(args, folder, number))
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {args.pairs}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return pairs


def main():
    args = parse()
    with tempfile.TemporaryDirectory() as folder:
        copy(args, folder)
        pairs = measure(args, folder)
    if args.tap:
        print("1..1\nok 1 - all was delivered, without the filters and with them")
        return 0
    effect = report(args, pairs)
    return 1 if args.limit is not None and effect > args.limit else 0


if __name__ == "__main__":
    sys.exit(main())
