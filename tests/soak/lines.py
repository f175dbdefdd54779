"""What a hub says, in either encoding, as events of one kind."""

import json
import re


class Event:
    """One line. Which of these are set depends on `kind`, which is the "type" of the JSON; what a
    line of the other encoding does not tell is None."""

    __slots__ = ("kind", "room", "nick", "id", "seq", "text", "count", "token", "names", "stats")

    def __init__(self, kind, room=None, nick=None, text=None, count=None, token=None):
        self.kind = kind
        self.room = room
        self.nick = nick  # who it is from; in a "nick" event the new one
        self.id = None
        self.seq = None
        self.text = text
        self.count = count
        self.token = token
        self.names = None  # nicks of a "who"
        self.stats = None

    def __str__(self):
        return f"{self.kind} in {self.room} from {self.nick}: {(self.text or '')[:80]}"


def from_json(line):
    """An event of a JSON object."""
    told = json.loads(line)
    event = Event(told["type"], told.get("room"), told.get("from"), told.get("text"),
                  told.get("skipped", told.get("count")), told.get("token"))
    event.id = told.get("id")
    event.seq = told.get("seq")
    event.names = told.get("members")
    event.stats = told.get("stats")
    if event.kind in ("welcome", "nick"):
        event.nick = told["nick"]
    return event


# What starts with "* ", and the event that it stands for. The rest are notices.
NOTICES = (
    (re.compile(r"Welcome .* Your chat ID is client-(?P<id>\d+)\. .*"), "welcome"),
    (re.compile(r"last (?:(?P<count>\d+) messages|message)(?: of (?P<room>#\S+))?:"), "history"),
    (re.compile(r"(?P<count>\d+) messages?(?: of (?P<room>#\S+))? skipped: .*"), "gap"),
    (re.compile(r"pong (?P<token>\S+)"), "pong"),
    (re.compile(r"You joined (?P<room>#\S+)\. .*"), "own join"),
    (re.compile(r"You left (?P<room>#\S+)\.(?: .*)?"), "own part"),
    (re.compile(r"You are now known as (?P<nick>\S+)\."), "own nick"),
)

SAID = re.compile(r"(?:(?P<room>#\S+) )?(?P<nick>[^\s:]+)(?P<mark>: | \* )(?P<text>.*)", re.DOTALL)


def from_notice(text):
    """An event of what follows "* "."""
    for pattern, kind in NOTICES:
        match = pattern.fullmatch(text)
        if match:
            break
    else:
        return Event("notice", text=text)
    told = match.groupdict()
    event = Event(kind, told.get("room"), told.get("nick"), text, token=told.get("token"))
    if "count" in told:
        event.count = int(told["count"] or 1)
        event.room = event.room or "#lobby"
    if "id" in told:
        event.id = int(told["id"])
        event.nick = f"client-{event.id}"
    return event


def from_line(text):
    """An event of a line for people."""
    if text.startswith("* "):
        return from_notice(text[2:])
    if text.startswith("! "):
        return Event("error", text=text[2:])
    match = SAID.fullmatch(text)
    if not match:
        return Event("unknown", text=text)
    if match["nick"].startswith("@"):
        return Event("private", nick=match["nick"][1:], text=match["text"])
    return Event("message" if match["mark"] == ": " else "action", match["room"] or "#lobby",
                 match["nick"], match["text"])


def read(line):
    """The event that a line, bytes without its newline, stands for."""
    text = line.decode()
    return from_json(text) if text.startswith("{") else from_line(text)
