#!/usr/bin/env python3
"""Proves that tally.py loses no failure. Prints TAP."""

import contextlib
import io
import os
import sys
import tempfile
import xml.sax.saxutils

import tally

CASE = '<testcase name="prog" status="{status}">{extra}<system-out>{output}</system-out></testcase>'


def entry(status, output, extra=""):
    return CASE.format(status=status, output=xml.sax.saxutils.escape(output), extra=extra)


def run_main(*entries, ctest_status=0):
    """What tally.py prints last, and exits with, for a results file of these entries."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "results.xml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("<testsuite>" + "".join(entries) + "</testsuite>")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = tally.main(["--ctest-status", str(ctest_status), path])
    return out.getvalue().splitlines()[-1], status


NOT_FOUND = '<skipped message="Unable to find executable"/>'
SKIP_77 = '<skipped message="SKIP_RETURN_CODE=77"/>'
GOOD = entry("run", "1..1\nok 1 - a\n")

CASES = [
    ("cases are counted, not programs",
     [GOOD, entry("run", "1..2\nok 1 - a\nok 2 - b\n")], 0, "3 passed, 0 failed, 0 skipped", 0),
    ("not ok is a failure",
     [entry("fail", "1..2\nok 1 - a\nnot ok 2 - b\n# why\n")], 8, "1 passed, 1 failed, 0 skipped", 1),
    ("not ok is a failure even where the program exits 0",
     [GOOD, entry("run", "1..1\nnot ok 1 - b\n")], 0, "1 passed, 1 failed, 0 skipped", 1),
    ("both spellings of a skip",
     [entry("run", "1..3\nok 1 - a\nok 2 - b # SKIP no ring\nnot ok 3 # SKIP c\n")], 0,
     "1 passed, 0 failed, 2 skipped", 0),
    ("a crash after good cases is one failure",
     [entry("fail", "1..9\nok 1 - a\nok 2 - b\n", "<failure message=\"\"/>")], 8,
     "2 passed, 1 failed, 0 skipped", 1),
    ("a crash before any output is one failure",
     [GOOD, entry("fail", "")], 8, "1 passed, 1 failed, 0 skipped", 1),
    ("a plan that was not kept is a failure even where the program exits 0",
     [entry("run", "1..3\nok 1 - a\n")], 0, "1 passed, 1 failed, 0 skipped", 1),
    ("plans of several groups add up",
     [entry("run", "1..1\nok 1 - a\n1..2\nok 1 - b\nok 2 - c\n")], 0,
     "3 passed, 0 failed, 0 skipped", 0),
    ("a program that could not be started is a failure",
     [GOOD, entry("notrun", "", NOT_FOUND)], 8, "1 passed, 1 failed, 0 skipped", 1),
    ("exit status 77 is a skip",
     [GOOD, entry("notrun", "", SKIP_77)], 0, "1 passed, 0 failed, 1 skipped", 0),
    ("a disabled program is a skip",
     [GOOD, entry("disabled", "Disabled")], 0, "1 passed, 0 failed, 1 skipped", 0),
    ("a program without TAP is one case",
     [entry("run", "fine\n"), entry("fail", "bad\n")], 8, "1 passed, 1 failed, 0 skipped", 1),
    ("a failure that only ctest knows of",
     [GOOD], 8, "1 passed, 1 failed, 0 skipped", 1),
    ("no test at all is no success",
     [], 0, "0 passed, 0 failed, 0 skipped", 1),
    ("nothing but skips is no success",
     [entry("disabled", "")], 0, "0 passed, 0 failed, 1 skipped", 1),
]


def missing_file():
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = tally.main(["/nonexistent/results.xml"])
    return out.getvalue().splitlines()[-1], status


def main():
    bad = 0
    print(f"1..{len(CASES) + 1}")
    for number, (name, entries, ctest_status, line, status) in enumerate(CASES, 1):
        bad += report(number, name, run_main(*entries, ctest_status=ctest_status), (line, status))
    bad += report(len(CASES) + 1, "a missing results file is a failure",
                  missing_file(), ("0 passed, 1 failed, 0 skipped", 1))
    return 1 if bad else 0


def report(number, name, got, expected):
    print(f"{'ok' if got == expected else 'not ok'} {number} - {name}")
    if got != expected:
        print(f"# got {got}, expected {expected}")
    return got != expected


if __name__ == "__main__":
    sys.exit(main())
