"""chatroom_client in tmux, a terminal that is not of our making; and whether the screen that the
other tests look at (screen.py) shows what tmux shows."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile

from driver import CTRL_D, cases  # first: it knows the way to tests/support
from driver import ENVIRONMENT
from hub import wait_for
from json_hub import JsonHub
from person import ME, Person, path_of
from tap import Skip, check, run


class Tmux:
    """A tmux server of our own with one pane, in which `command` runs."""

    def __init__(self, command, columns=80, rows=24):
        if not shutil.which("tmux"):
            raise Skip("there is no tmux")
        self.folder = tempfile.TemporaryDirectory(prefix="chatroom-")
        environment = {**ENVIRONMENT, "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "xterm"}
        environment.pop("TMUX", None)
        self.environment = environment
        self.ask("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                 command)

    def ask(self, *words):
        """A command of tmux; returns what it prints."""
        socket = os.path.join(self.folder.name, "tmux")
        done = subprocess.run(["tmux", "-S", socket, *words], env=self.environment, check=True,
                              capture_output=True, timeout=30)
        return done.stdout.decode()

    def lines(self):
        """What is in the pane and has scrolled out of it, without empty rows at the end."""
        return self.ask("capture-pane", "-p", "-S", "-").rstrip("\n").split("\n")

    def cursor(self):
        """(row, column), from 0."""
        row, column = self.ask("display-message", "-p", "#{cursor_y} #{cursor_x}").split()
        return int(row), int(column)

    def bottom(self):
        """The row of the cursor."""
        rows = self.ask("capture-pane", "-p").split("\n")
        return rows[self.cursor()[0]]

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.ask("kill-server")
        self.folder.cleanup()


def same_screen(client):
    """what the model of a screen shows is what tmux shows of the same bytes"""
    with Person(client, columns=50, rows=12) as ann:
        ann.types("I am typing 你好 e\u0301, grüße, and more than there is room for in a row")
        for seq in range(1, 9):
            ann.hub.say(seq, f"message {seq} 你好, e\u0301 and https://example.org/" + "x" * 5 * seq)
        ann.hub.tell("join", room="#lobby", id=9, **{"from": "dan"})
        ann.sees("dan joined")
        ann.types("\x01\x1b[C\x1b[C")
        ann.waits_for(lambda screen: screen.cursor[1] == len(ME) + 2, "the cursor")
        with ann.out.changed:
            written = bytes(ann.out.data[:ann.fed])
            mine, cursor = ann.look.lines(), ann.look.cursor
    with tempfile.NamedTemporaryFile() as file:
        file.write(written)
        file.flush()
        show = f"stty raw; cat {shlex.quote(file.name)}; exec sleep 1000"
        with Tmux(show, columns=50, rows=12) as tmux:
            wait_for(lambda: (tmux.lines(), tmux.cursor()) == (mine, cursor),
                     f"tmux to show\n{mine} {cursor}, it shows\n{tmux.lines()} {tmux.cursor()}")


def in_tmux(client):
    """it chats, its window gets narrower and wider, and nothing is left of the old line"""
    hub = JsonHub()
    with Tmux(f"{shlex.quote(client)} {hub.address}; exec sleep 1000") as tmux:
        peer = hub.meet()
        wait_for(lambda: tmux.bottom() == ME.rstrip(), "the prompt")
        text = "a line that is much longer than forty columns are"
        tmux.ask("send-keys", "-l", text)
        wait_for(lambda: tmux.bottom() == ME + text, "the line")
        tmux.ask("resize-window", "-x", "40")
        wait_for(lambda: tmux.bottom().startswith(ME[:-1] + "<"), "a shorter one")
        peer.say(1, "hello")
        wait_for(lambda: any("bob: hello" in line for line in tmux.lines()), "the message")
        tmux.ask("resize-window", "-x", "100")
        wait_for(lambda: tmux.bottom() == ME + text, "the line again")
        tmux.ask("send-keys", "!", "Enter")
        peer.expect(f"{text}!\n".encode())
        wait_for(lambda: any(f"client-7: {text}!" in line for line in tmux.lines()), "it said")
        traces = [line for line in tmux.lines() if "much longer" in line or "<client-7>" in line]
        check(len(traces) == 2, f"traces: {tmux.lines()}")
        tmux.ask("send-keys", CTRL_D.decode())
        peer.expect_end()
        peer.close()


if __name__ == "__main__":
    run(cases(path_of(sys.argv[1]), same_screen, in_tmux))
