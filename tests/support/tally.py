#!/usr/bin/env python3
"""Counts test cases, not programs, over what ctest ran.

    tally.py [--ctest-status N] RESULTS.xml

Reads the file of `ctest --output-junit`. Every test program prints TAP, so a case is a line
`ok N - name`, `not ok N - name` or `ok N # SKIP reason`. What did not get as far is counted too:

  * a program that failed without a `not ok` (crash, time-out, leak at exit) is one failure,
  * so is one that ran fewer cases than its plan `1..N` promised, or that could not be started,
  * a program that prints no TAP is one case, judged by its exit status.

Prints each failure with the output of its program, then, alone on the last line,
`N passed, N failed, N skipped`. Exits 0 only if something passed and nothing failed.
"""

import argparse
import re
import sys
import xml.etree.ElementTree as ElementTree

RESULT = re.compile(r"(?P<not>not )?ok (?P<number>\d+)\b(?P<rest>.*)")
PLAN = re.compile(r"1\.\.(\d+)")
SKIP = re.compile(r"#\s*skip\b", re.IGNORECASE)


class Counts:
    """Passed and skipped as numbers; failures as the sentences that name them."""

    def __init__(self):
        self.passed = 0
        self.skipped = 0
        self.failures = []

    def add(self, other):
        self.passed += other.passed
        self.skipped += other.skipped
        self.failures += other.failures

    def __str__(self):
        return f"{self.passed} passed, {len(self.failures)} failed, {self.skipped} skipped"


def count_tap(program, output):
    """The counts of one program's TAP, and how many cases it planned (0 without a plan)."""
    counts = Counts()
    planned = 0
    for line in output.splitlines():
        plan = PLAN.match(line)
        result = RESULT.match(line)
        if plan:
            planned += int(plan[1])
        elif not result:
            continue
        elif SKIP.search(result["rest"]):  # before `not`: cmocka 1.1 says "not ok 3 # SKIP name"
            counts.skipped += 1
        elif result["not"]:
            counts.failures.append(f"{program}: {line}")
        else:
            counts.passed += 1
    return counts, planned


def reason_of(entry):
    """Why ctest says that a program failed or did not run, as far as its file tells."""
    for tag in ("failure", "skipped"):
        found = entry.find(tag)
        if found is not None and found.get("message"):
            return found.get("message")
    return "crashed, timed out or failed on its way out"


def count_entry(entry):
    """The counts of one <testcase>, which is one program that ctest ran."""
    program = entry.get("name")
    status = entry.get("status")
    counts, planned = count_tap(program, entry.findtext("system-out") or "")
    ran = counts.passed + counts.skipped + len(counts.failures)
    skipped = status == "disabled" or (
        status == "notrun" and reason_of(entry).startswith("SKIP_")  # SKIP_RETURN_CODE=77
    )
    if skipped:
        counts.skipped += ran == 0
    elif status != "run" and not counts.failures:
        counts.failures.append(f"{program}: {reason_of(entry)}")
    elif ran == 0 and planned == 0:
        counts.passed += 1
    elif ran < planned:
        counts.failures.append(f"{program}: {ran} of {planned} cases ran")
    return counts


def tally(root, ctest_status=0):
    """The counts of a whole results file; prints the output of the programs that failed."""
    total = Counts()
    for entry in root.iter("testcase"):
        counts = count_entry(entry)
        if counts.failures:
            print(f"---- {entry.get('name')} ----")
            print((entry.findtext("system-out") or "").rstrip())
        total.add(counts)
    if ctest_status != 0 and not total.failures:
        total.failures.append(f"ctest: exit status {ctest_status}")
    return total


def main(arguments):
    parser = argparse.ArgumentParser(description="Counts test cases over what ctest ran.")
    parser.add_argument("--ctest-status", type=int, default=0, help="what ctest exited with")
    parser.add_argument("results", help="the file of ctest --output-junit")
    options = parser.parse_args(arguments)
    try:
        root = ElementTree.parse(options.results).getroot()
    except (OSError, ElementTree.ParseError) as error:
        root = ElementTree.Element("testsuite")
        options.ctest_status = options.ctest_status or 1
        print(f"tally: {options.results}: {error}")
    total = tally(root, options.ctest_status)
    for failure in total.failures:
        print(f"FAILED {failure}")
    if total.passed == 0:
        print("tally: nothing passed, so nothing was tested")
    print(total)
    return 0 if total.passed and not total.failures else 1


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))
