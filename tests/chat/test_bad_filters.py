"""What bad filters get: the hub lives, nobody waits, the log names file and line, and the message goes
the way that `on_error` says."""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import hub  # noqa: E402
import tap  # noqa: E402
from tap import check  # noqa: E402

# What others say while a filter misbehaves is heard within this: a hundred times what a call of a
# filter may hold the hub, for slow machines. Without limits it would be for ever.
PROMPT = 2.0

STOPPED = "stopped: (it took longer than 5000 us|the machine is busy)"

# Name, what stands in on_message from line 2 on, the line of the fault, and how the log explains it.
# Where time may be up before the other limit is reached, on a slow machine, both will do.
FAULTS = [
    ("errors", "error('as asked')", 2, "as asked"),
    ("nothing", "\nreturn msg.nothing.there", 3, "there is no msg.nothing"),
    ("loops", "\n\nwhile true do end", 4, STOPPED),
    ("loops-in-pcall", "while true do pcall(function() while true do end end) end", 2, STOPPED),
    ("eats-memory", "local t = {} while true do t[#t + 1] = ('x'):rep(100000) .. #t end", 2,
     f"on_message needed more memory than its 16777216 bytes|{STOPPED}"),
    ("recurses", "local function f() return 1 + f() end return f()", 2,
     f"stack overflow|needed more memory|{STOPPED}"),
    ("explodes", "return ('a'):rep(8000):find('.-.-.-.-b')", 2,
     f"pattern takes too much work|{STOPPED}"),
    ("keeps", "if kept then return kept.text end kept = msg", 2,
     "this message handle was kept after its callback"),
    ("says-yes", "\nreturn true", 1, "on_message returned a boolean, which says nothing"),
    ("diverts", "return hub.divert('nowhere')", 2, "hub.divert: 'nowhere' is no room"),
]

# Name, what is assigned to msg.text, what the others read, and how the log explains it.
REWRITINGS = [
    ("not-utf8", "'bad \\xff\\xfe end'", "bad \ufffd\ufffd end",
     "a rewriting of 10 bytes had to be cleaned"),
    ("two-lines", "'one\\nclient-2: two'", "oneclient-2: two",
     "a rewriting of 17 bytes had to be cleaned"),
    ("controls", "'one\\0\\27[31m\\7 two'", "one[31m two",
     "a rewriting of 14 bytes had to be cleaned"),
    ("too-long", "('x'):rep(8193)", "too-long",
     "a rewriting of 8193 bytes is more than the 8192 of a line: the text before it stands"),
    ("too-long-when-clean", "('\\xff'):rep(8192)", "too-long-when-clean",
     "a rewriting of 8192 bytes is more than the 8192 of a line: the text before it stands"),
    ("empty", "'\\n'", "empty", "a rewriting of 1 bytes leaves nothing: the text before it stands"),
]

# What does not load: name, script, and how the log explains it. None: there is no such file.
BROKEN = [
    ("syntax", "return {\n  name = = 1\n}", r"bad\.lua:2: unexpected symbol near '='"),
    ("type", "return {\n  name = 7,\n  on_message = function() end }",
     r"bad\.lua:2: 'name' must be a string, not a number"),
    ("key", "return {\n  name = 'bad',\n  on_mesage = function() end }",
     r"bad\.lua:3: unknown key 'on_mesage'"),
    ("nothing", "", r"bad\.lua:1: a filter returns a table, not nothing"),
    ("missing", None, r"bad\.lua: No such file or directory"),
    ("bytecode", "\x1bLua", r"bad\.lua: is compiled Lua; filters are text"),
    ("at-load", "local x = 1\nerror('at load')", r"bad\.lua:2: at load"),
    ("hub-at-load", "\n\nhub.say('#lobby', 'too early')",
     r"bad\.lua:3: hub\.say: not while the script is loaded"),
    ("on-load", "return { name = 'bad', on_message = function() end,\n"
                "  on_load = function() hub.members('#lobby') end }",
     r"bad\.lua:2: hub\.members: not while the script is loaded"),
    ("restore", "return { name = 'bad', on_message = function() end,\n"
                "  restore = function(saved) error(saved) end }",
     r"bad\.lua:2: kept"),
]

GOOD = """return { name = 'bad', rooms = '#lobby', save = function() return 'kept' end, on_message = function(msg)
    msg.text = msg.text .. ' [good]' end }
"""


def write(directory, name, text):
    """A file in the directory; its path."""
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def script(name, body, on_error):
    """A filter that sees the messages that start with its name."""
    return (f"kept = false; return {{ name = '{name}', match = {{ prefix = '{name}!' }}, "
            f"on_error = '{on_error}', on_message = function(msg)\n{body}\nend }}\n")


def skip_to_here(client):
    """Reads all that the client is due."""
    client.send("/ping here")
    while client.read_line() != b"* pong here":
        pass


class Others:
    """Two who have nothing to do with it, and talk."""

    def __init__(self, server):
        self.one, self.two = server.guest(), server.guest()
        for client in (self.one, self.two):
            client.send("/join #tea")
            client.send("/part #lobby")
            skip_to_here(client)
        self.said = 0

    def talk(self):
        """One says something, and the other hears it at once."""
        self.said += 1
        self.one.send(f"hello {self.said}")
        self.two.expect(f"#tea {self.one.nick}: hello {self.said}", PROMPT)


def quiet_guests(server, count):
    """Guests of the lobby that have read who else came."""
    guests = [server.guest() for _ in range(count)]
    for guest in guests:
        skip_to_here(guest)
    return guests


def faults(setup, on_error):
    """Every fault, of a filter that is declared open or closed."""
    with hub.scratch() as scratch:
        options = []
        for name, body, _, _ in FAULTS:
            options += ["-f", write(scratch, f"{name}.lua", script(name, body, on_error))]
        with setup.hub("--presence-max", "0", *options) as server:
            a, b = quiet_guests(server, 2)
            others = Others(server)
            for name, _, line, explained in FAULTS:
                if name == "keeps":  # the first time is well
                    a.send("keeps! it")
                    b.expect(f"{a.nick}: keeps! it")
                a.send(f"{name}! it")
                others.talk()
                if on_error == "open":
                    b.expect(f"{a.nick}: {name}! it")
                else:
                    a.expect(f"! Your message was dropped: the filter {name} failed; "
                             "try again later")
                server.log.expect(rf"warn: filter {name}: .*{name}\.lua:{line}: .*({explained})")
            a.send("and on")
            b.expect(f"{a.nick}: and on")
            others.talk()


def open_faults(setup):
    """what a filter that is declared open cannot judge passes"""
    faults(setup, "open")


def closed_faults(setup):
    """what a filter that is declared closed cannot judge is dropped, and its author is told"""
    faults(setup, "closed")


def rewritings(setup):
    """no rewriting reaches anybody that a client could not have sent"""
    with hub.scratch() as scratch:
        options = []
        for name, text, _, _ in REWRITINGS:
            options += ["-f", write(scratch, f"{name}.lua",
                                    script(name, f"if msg.len > 0 then\nmsg.text = {text} end",
                                           "closed"))]
        with setup.hub("--presence-max", "0", *options) as server:
            a, b = quiet_guests(server, 2)
            others = Others(server)
            for name, _, becomes, explained in REWRITINGS:
                heard = f"{becomes}! it" if becomes == name else becomes
                for _ in range(2):  # the second time the log knows the line
                    a.send(f"{name}! it")
                    others.talk()
                    b.expect(f"{a.nick}: {heard}")
                server.log.expect(rf"warn: filter {name}: .*{name}\.lua:3: {explained}")


def broken_reloads(setup):
    """what does not load leaves the filter before it at work"""
    with hub.scratch() as scratch:
        path = write(scratch, "bad.lua", GOOD)
        with setup.hub("--presence-max", "0", "-f", path) as server:
            a, b = quiet_guests(server, 2)
            others = Others(server)

            def refused(explained):
                server.signal(signal.SIGHUP)
                others.talk()
                server.log.expect(rf": error: .*{explained}")
                server.log.expect("error: filters not reloaded: the old ones stay")
                a.send("hello")
                b.expect(f"{a.nick}: hello [good]")

            for name, text, explained in BROKEN:
                os.unlink(path)
                if text is not None:
                    write(scratch, "bad.lua", text)
                if name == "missing":
                    check(not os.path.exists(path), "it is there")
                refused(explained)
                write(scratch, "bad.lua", GOOD)
            os.truncate(path, 100 << 20)
            refused(r"bad\.lua: has 104857600 bytes; a filter has at most 1048576")
            os.unlink(path)
            os.mkdir(path)
            refused(r"bad\.lua: is a directory; a filter is one file")
            os.rmdir(path)
            write(scratch, "bad.lua", GOOD)
            server.signal(signal.SIGHUP)
            server.log.expect(re.compile("info: filters reloaded"))


def a_save_that_fails(setup):
    """what cannot be taken along from the old filter is not lost: the old one stays"""
    with hub.scratch() as scratch:
        path = write(scratch, "bad.lua", "return { name = 'bad', on_message = function(msg)\n"
                                         "  msg.text = msg.text .. ' [old]' end,\n"
                                         "  save = function() return print end }\n"
                     .replace("print", "error"))
        with setup.hub("-f", path) as server:
            a, b = server.guest(), server.guest()
            a.expect(f"* {b.nick} joined")
            write(scratch, "bad.lua", GOOD)
            server.signal(signal.SIGHUP)
            server.log.expect(r"error: filter bad: its state cannot be handed over: "
                              r".*bad\.lua:3: save may return strings")
            server.log.expect("error: filters not reloaded")
            a.send("hello")
            b.expect(f"{a.nick}: hello [old]")


def none_of_them_starts(setup):
    """a hub does not start with what does not load, and says why"""
    with hub.scratch() as scratch:
        for name, text, explained in BROKEN:
            path = os.path.join(scratch, "bad.lua")
            if name == "restore":
                continue  # there is nothing to restore at a start
            if text is not None:
                write(scratch, "bad.lua", text)
            done = setup.run("-l", "127.0.0.1:0", "-f", path)
            check(done.returncode == 78, f"{name}: exit status {done.returncode}")
            check(re.search(explained, done.stderr.decode()), f"{name}: {done.stderr.decode()}")
            if text is not None:
                os.unlink(path)


if __name__ == "__main__":
    tap.run(hub.Setup.from_arguments().cases(
        open_faults, closed_faults, rewritings, broken_reloads, a_save_that_fails,
        none_of_them_starts))
