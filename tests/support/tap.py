"""A small producer of TAP, the Test Anything Protocol.

A test program hands its cases to run(): pairs of a name and a function. A function that returns
has passed, one that raises Skip was skipped, one that raises anything else has failed. The exit
status is 0, 1 if a case failed, 77 if all were skipped (what ctest and automake call a skip).
"""

import sys
import traceback

EXIT_FAILED = 1
EXIT_SKIPPED = 77


class Skip(Exception):
    """This case cannot run here; the text says why."""


class Failure(AssertionError):
    """A case failed; the text says all there is to say, a traceback would add nothing."""


def check(condition, text):
    """Fails the case with `text` unless `condition` holds. Unlike assert, -O keeps it."""
    if not condition:
        raise Failure(text)


def run(cases):
    """Runs the cases in order, writes TAP to standard output, ends the program."""
    cases = list(cases)
    print(f"1..{len(cases)}", flush=True)
    results = [run_case(number, name, case) for number, (name, case) in enumerate(cases, 1)]
    if "failed" in results:
        sys.exit(EXIT_FAILED)
    sys.exit(EXIT_SKIPPED if results and set(results) == {"skipped"} else 0)


def run_case(number, name, case):
    """Runs one case; returns "passed", "failed" or "skipped"."""
    try:
        case()
    except Skip as skip:
        print(f"ok {number} - {name} # SKIP {skip}", flush=True)
        return "skipped"
    except Failure as failure:
        report_failure(number, name, str(failure))
    except Exception:  # pylint: disable=broad-except
        report_failure(number, name, traceback.format_exc())
    else:
        print(f"ok {number} - {name}", flush=True)
        return "passed"
    return "failed"


def report_failure(number, name, text):
    """One `not ok` line and the diagnostics below it."""
    print(f"not ok {number} - {name}")
    for line in text.rstrip().split("\n"):
        print(f"# {line}")
    sys.stdout.flush()
