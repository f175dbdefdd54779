"""Reloading filters while others talk: whatever is being tried out, nobody waits for it."""

import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import hub  # noqa: E402
import tap  # noqa: E402
from tap import check  # noqa: E402

FILTER = 'return { name = "live", on_message = function(msg) msg.text = msg.text .. " %s" end }\n'
CHECK_SECONDS = 10  # SERVER_CHECK_MS
PROMPT = 5.0  # seconds in which an answer is not one that had to wait for a check

LOOPS = ("return { name = 'live', on_message = function(msg)\n"
         "  while msg.text == 'loop' do end\n  msg.text = msg.text .. ' [loops]' end }\n")

# It takes minutes, because every second step is an endless loop.
ENDLESS = """
local steps = {}
for i = 1, 500 do
    steps[2 * i - 1] = { from = "ann", text = "loop", expect = "fault" }
    steps[2 * i] = { after = 400 }
end
local tests = {}
for i = 1, 20 do
    tests[i] = { name = "test " .. i, steps = steps }
end
return tests
"""


def write(directory, name, text):
    """A file in the directory; its path."""
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def checker_of(server):
    """The process id of the hub's checker."""
    with open(f"/proc/{server.pid}/task/{server.pid}/children", encoding="ascii") as children:
        pids = children.read().split()
    check(len(pids) == 1, f"children of the hub: {pids}")
    return int(pids[0])


def is_there(pid):
    """True if there is such a process, and it has not ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def talk(a, b, text, mark):
    """`a` says something, and `b` hears it without delay."""
    a.send(text)
    b.expect(f"{a.nick}: {text} {mark}", PROMPT)


def talk_until(server, a, b, pattern):
    """They talk until the log has such a line; how often. A pause between is for the machine."""
    said, end = 0, time.monotonic() + 5 * CHECK_SECONDS
    while not server.log.matches(pattern):
        check(time.monotonic() < end, f"no line in the log matches {pattern}")
        talk(a, b, f"message {said}", "[old]")
        said += 1
        with server.log.changed:
            server.log.changed.wait(0.05)
    return said


def others_talk_meanwhile(setup):
    """a check that takes too long is given up after ten seconds, and nobody noticed"""
    with hub.scratch() as scratch:
        path = write(scratch, "live.lua", FILTER % "[old]")
        with setup.hub("-f", path) as server:
            a, b = server.guest("a"), server.guest("b")
            a.expect("* client-2 joined")
            write(scratch, "live.lua", LOOPS)
            write(scratch, "live_test.lua", ENDLESS)
            start = time.monotonic()
            server.signal(signal.SIGHUP)
            said = talk_until(server, a, b, "trying them out took longer than 10 seconds")
            check(time.monotonic() - start >= CHECK_SECONDS, "given up too early")
            check(said >= 10, f"only {said} messages in all that time")
            server.log.expect("error: filters: trying them out took longer than 10 seconds")
            server.log.expect("error: filters not reloaded: the old ones stay")
            write(scratch, "live.lua", FILTER % "[new]")
            os.unlink(os.path.join(scratch, "live_test.lua"))
            server.signal(signal.SIGHUP)
            server.log.expect("info: filters reloaded")
            talk(a, b, "hello", "[new]")


def an_endless_load_holds_up_nobody(setup):
    """a script that loops while it is loaded is told by file and line, and nobody waited for it"""
    with hub.scratch() as scratch:
        path = write(scratch, "live.lua", FILTER % "[old]")
        with setup.hub("-f", path) as server:
            a, b = server.guest("a"), server.guest("b")
            a.expect("* client-2 joined")
            write(scratch, "live.lua", "local n = 0\nwhile true do\n  n = n + 1\nend\n")
            server.signal(signal.SIGHUP)
            said = talk_until(server, a, b, "filters not reloaded")
            server.log.expect(r"chatroom_server check: error: filter: .*live\.lua:[23]: stopped: "
                              r"(it took longer than 1000000 us|the machine is busy)")
            server.log.expect("server: error: filters not reloaded")
            check(said >= 2, f"only {said} messages while the script was loaded")


def without_its_checker(setup):
    """a hub whose checker was killed serves on, and takes no filters untried"""
    with hub.scratch() as scratch:
        path = write(scratch, "live.lua", FILTER % "[old]")
        with setup.hub("-f", path, "-l", f"unix:{scratch}/hub", "-l", "127.0.0.1:0") as server:
            a = server.guest("a")
            b = server.guest("b", server.addresses[1])
            a.expect("* client-2 joined")
            os.kill(checker_of(server), signal.SIGKILL)
            server.log.expect("warn: the process that tries filters out is gone")
            a.send("/reload")
            a.expect("! Filters not reloaded: the old ones stay; the log says why.")
            server.log.expect("error: filters cannot be tried out, since the process for that is "
                              "gone; start the hub anew")
            server.log.expect("error: filters not reloaded")
            talk(a, b, "hello", "[old]")


def killed_in_the_middle(setup):
    """a checker that is killed in the middle of a check is an answer, too"""
    with hub.scratch() as scratch:
        path = write(scratch, "live.lua", FILTER % "[old]")
        with setup.hub("-f", path, "-l", f"unix:{scratch}/hub", "-l", "127.0.0.1:0") as server:
            a = server.guest("a")
            pid = checker_of(server)
            write(scratch, "live.lua", LOOPS)
            write(scratch, "live_test.lua", ENDLESS)
            a.send("/reload")
            hub.wait_for(lambda: open(f"/proc/{pid}/task/{pid}/children", encoding="ascii").read(),
                         "the check to begin")
            os.kill(pid, signal.SIGKILL)
            a.expect("! Filters not reloaded: the old ones stay; the log says why.")
            server.log.expect("warn: the process that tries filters out is gone")
            server.log.expect("error: filters not reloaded")


def it_ends_with_the_hub(setup):
    """no process is left when the hub ends, not even in the middle of a check, or killed"""
    for end in (signal.SIGTERM, signal.SIGKILL):
        with hub.scratch() as scratch:
            path = write(scratch, "live.lua", FILTER % "[old]")
            with setup.hub("-f", path) as server:
                pid = checker_of(server)
                write(scratch, "live.lua", LOOPS)
                write(scratch, "live_test.lua", ENDLESS)
                server.signal(signal.SIGHUP)
                hub.wait_for(lambda: open(f"/proc/{pid}/task/{pid}/children",
                                          encoding="ascii").read(), "the check to begin")
                server.signal(end)
                if end == signal.SIGTERM:
                    server.wait_exit()
                else:
                    server.process.wait(hub.DEADLINE)
                    server.ended = True
                hub.wait_for(lambda: not is_there(pid), "the checker to end")


def signals_are_for_the_hub(setup):
    """what is sent to the whole group, as by a terminal, does not end the checker before the hub"""
    with hub.scratch() as scratch:
        path = write(scratch, "live.lua", FILTER % "[old]")
        with setup.hub("-f", path) as server:
            pid = checker_of(server)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
                os.kill(pid, number)
            server.signal(signal.SIGHUP)
            server.log.expect("info: filters reloaded")
            check(is_there(pid), "it is gone")


def no_filters_no_checker(setup):
    """a hub without filters has no second process"""
    with setup.hub() as server:
        with open(f"/proc/{server.pid}/task/{server.pid}/children", encoding="ascii") as children:
            check(not children.read().strip(), "there is one")
        server.signal(signal.SIGHUP)
        server.log.expect(re.compile("filters reloaded: 0 in the chain"))


if __name__ == "__main__":
    tap.run(hub.Setup.from_arguments().cases(
        others_talk_meanwhile, an_endless_load_holds_up_nobody, without_its_checker,
        killed_in_the_middle, it_ends_with_the_hub, signals_are_for_the_hub,
        no_filters_no_checker))
