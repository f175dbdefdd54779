"""A person at a terminal with chatroom_client in it, and a hub that speaks JSON to them.

    with Person(client) as ann:
        ann.hub.say(1, "hello")                # the hub's end of the connection
        ann.sees("bob: hello")                 # a line on the screen
        ann.types("hi b")
        ann.reads("[#lobby] <client-7> hi b")  # the line at the bottom

Nothing here sleeps to wait: it waits until the screen shows what it should, up to a deadline.
"""

import os
import re
import struct
import fcntl
import termios

from driver import ENVIRONMENT, Program
from hub import DEADLINE
from json_hub import LOBBY, JsonHub
from screen import Screen
from tap import Failure

ME = "[#lobby] <client-7> "  # the prompt


class Person(Program):
    """A program in a terminal, seen through a screen."""

    def __init__(self, client, *options, rows=24, columns=80, meet=True, command=None, buffer=0,
                 gather=True, **variables):
        """`variables` go into the environment; one that is None goes out of it. `command` is run
        in place of the client. `buffer` makes the connection's buffers small."""
        self.listener = JsonHub(buffer=buffer)
        self.look = Screen(rows, columns)
        self.fed = 0
        environment = {**ENVIRONMENT, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "TZ": "UTC",
                       **variables}
        environment = {name: value for name, value in environment.items() if value is not None}
        command = command or [client, *options, self.listener.address]
        super().__init__(command, terminal=True, gather=gather, size=(rows, columns),
                         environment=environment)
        self.hub = None
        if meet:
            nick = options[options.index("-N") + 1] if "-N" in options else None
            greeting = LOBBY.replace(b"/history", b"/nick %s\n/history" % nick.encode()) if nick \
                else LOBBY
            self.hub = self.listener.meet(greeting=greeting)
            self.reads(ME.rstrip())

    # ---- what is seen ----

    def screen_now(self):
        """The screen with all that has come so far. Call with `out.changed` held."""
        new = bytes(self.out.data[self.fed:])
        self.fed += len(new)
        self.look.feed(new)
        return self.look

    def waits_for(self, condition, what, deadline=DEADLINE):
        """Waits until `condition` of the screen is true; returns its value."""
        with self.out.changed:
            value = self.out.changed.wait_for(
                lambda: condition(self.screen_now()) or (self.out.ended and "ended"), deadline)
            if not value or (value == "ended" and not condition(self.screen_now())):
                rows = "\n".join(self.look.lines()[-30:])
                raise Failure(f"waited for {what}, and saw\n{rows}\nwith the cursor at "
                              f"{self.look.cursor}; standard error: {bytes(self.err.data)!r}")
            return value

    def sees(self, text, deadline=DEADLINE):
        """A line that has `text` in it, or matches it, is on the screen or has scrolled by."""
        def found(screen):
            return [line for line in screen.paragraphs()
                    if (text.search(line) if isinstance(text, re.Pattern) else text in line)]
        return self.waits_for(found, repr(text), deadline)[-1]

    def reads(self, text, cursor=None):
        """The line at the bottom is `text`; and the cursor in this column."""
        self.waits_for(
            lambda screen: screen.bottom() == text and cursor in (None, screen.cursor[1]),
            f"the line {text!r}" + (f", cursor at {cursor}" if cursor is not None else ""))

    def shown(self):
        """All lines so far, without the one that is being typed."""
        with self.out.changed:
            return self.screen_now().lines()[:-1]

    # ---- what is done ----

    def types(self, text):
        """Presses keys."""
        self.type(text.encode() if isinstance(text, str) else text)

    def pastes(self, text):
        """As a terminal with bracketed paste does."""
        self.types(b"\x1b[200~" + text.encode().replace(b"\n", b"\r") + b"\x1b[201~")

    def says(self, line):
        """Types a line, and the hub gets it."""
        self.types(line + "\r")
        self.hub.expect(line.encode() + b"\n")

    def resizes(self, rows, columns):
        """Pulls at the window's corner."""
        with self.out.changed:
            self.screen_now().resize(rows, columns)
            fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def raw(self):
        """True while the terminal is in the client's modes."""
        return not termios.tcgetattr(self.other)[3] & termios.ICANON

    def as_before(self):
        """True if the terminal is as it was before the client."""
        return termios.tcgetattr(self.other) == self.modes

    def __exit__(self, kind, value, trace):
        super().__exit__(kind, value, trace)
        self.listener.close()


def path_of(argument):
    """The client, as test programs get it."""
    return os.path.abspath(argument)
