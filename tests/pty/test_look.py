"""How a conversation looks in a terminal, of any kind and size."""

import re
import sys

from driver import CTRL_D, cases  # first: it knows the way to tests/support
from json_hub import TIME
from person import ME, Person, path_of
from tap import check, run

FOCUS = b"\x1b[I"
BLUR = b"\x1b[O"
RULE = "─" * 27 + " new " + "─" * 28
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def colour_of(person, text):
    """The parameters of the colour in which `text` was written last."""
    return [parameters for parameters, run in person.look.colours if text in run][-1]


def mentions(client):
    """one's own nick stands out, and rings if that was asked for"""
    for options, bells in (([], 0), (["--bell"], 1)):
        with Person(client, *options) as ann:
            ann.hub.say(1, "Client-7: are you there?")
            ann.hub.say(2, "client-77: and you?")
            ann.sees("client-77: and you?")
            ann.sees("10:15>bob: Client-7: are you there?")
            ann.sees("     bob: client-77")
            ann.waits_for(lambda screen, bells=bells: screen.bells == bells, f"{bells} bells")


def colours(client):
    """nicks have a colour of their own, own lines are dim, errors red; and none if not wanted"""
    with Person(client) as ann:
        ann.hub.say(1, "one")
        ann.hub.tell("message", room="#lobby", id=3, seq=2, text="x", **{"from": "dan"})
        ann.hub.tell("error", text="No such thing.")
        ann.says("mine")
        ann.sees("client-7: mine")
        check(colour_of(ann, "bob") != colour_of(ann, "dan"), "the same colour")
        check(colour_of(ann, "No such thing.") == "31", "not red")
        check(colour_of(ann, "client-7: mine") == "2", "not dim")
    for how in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        with Person(client, **how) as ann:
            ann.hub.say(1, "one")
            ann.sees("bob: one")
            check(not ann.look.colours, f"{how}: colours")
    with Person(client, "--color=never") as ann:
        ann.hub.say(1, "one")
        ann.sees("bob: one")
        check(not ann.look.colours, "colours")


def stamps(client):
    """the time is shown when it changes; what is replayed has its own"""
    with Person(client) as ann:
        ann.hub.replay(1, 2)
        ann.hub.say(3, "now")
        ann.sees("bob: now")
        ann.sees("10:15 bob: text 1")
        ann.sees("      bob: text 2")
        ann.sees("      bob: now")


def rooms(client):
    """what is said elsewhere says where"""
    with Person(client) as ann:
        ann.hub.join("#tea", 7)
        ann.sees("You joined #tea")
        ann.hub.say(1, "here", room="#tea")
        ann.hub.say(2, "there")
        ann.hub.tell("private", to="client-7", id=3, time=TIME, text="psst", **{"from": "cem"})
        ann.sees("10:15 * You joined #tea.")
        ann.sees("      bob: here")
        ann.sees("      #lobby bob: there")
        ann.sees("     >@cem: psst")


def presence(client):
    """joins and leaves in a burst are one line"""
    with Person(client, columns=100) as ann:
        for number in range(20, 60):
            ann.hub.tell("join", room="#lobby", id=number, **{"from": f"client-{number}"})
        ann.hub.tell("nick", room="#lobby", id=20, nick="cem", **{"from": "client-20"})
        ann.hub.tell("part", room="#lobby", id=30, text="bye", **{"from": "client-30"})
        ann.sees("* cem, client-21, client-22, client-23 and 36 others joined; client-30 left: bye")
        ann.hub.tell("join", room="#lobby", id=60, **{"from": "dan"})
        ann.hub.say(1, "hello")
        ann.sees("bob: hello")
        rows = [row for row in ann.shown() if not row.startswith("─")]  # the message has its own day
        check(rows[-2:] == [rows[-2][:6] + "* dan joined", "10:15 bob: hello"], f"{rows}")


def unread(client):
    """the first message that nobody has seen is marked"""
    with Person(client) as ann:
        def does(keys):
            """Says something, too: when the hub has that, the keys have had their effect."""
            ann.types(b"so\r" + keys)
            ann.hub.expect(b"so\n")

        does(BLUR + b"x\x7f")  # a key means that somebody is there, whatever the window says
        ann.hub.say(1, "one")
        does(BLUR)
        ann.hub.say(2, "two")
        ann.hub.say(3, "three")
        ann.sees("bob: three")
        does(FOCUS)
        ann.hub.say(4, "four")
        ann.sees("bob: four")
        seen = [line[6:] for line in ann.shown() if "bob" in line or "new" in line]
        check(seen == ["bob: one", RULE[6:], "bob: two", "bob: three", "bob: four"], f"{seen}")


def hostile_text(client):
    """nothing the hub sends controls the terminal, nor turns the direction of text"""
    with Person(client) as ann:
        text = f"\x1b[2J\x07red\x9b31m\r\n\x0e\x08a{BIDI}b\u2028c\x7fd"
        ann.hub.tell("message", room="#lobby\x1b[1m", id=3, seq=1, text=text,
                     **{"from": "b\x1b]0;x\x07ob"})
        ann.hub.send(b"\x1b[2Jgarbage\x9b\n\xff\xfe\x1b\n{\n")
        ann.hub.tell("notice", text=text)
        ann.hub.say(2, "#end")
        ann.sees("#end")  # the screen would have failed
        ann.sees("[2Jred31mabcd")
        shown = bytes(ann.out.data).decode("utf-8")
        check(not set(shown) & set(BIDI + "\u2028"), "the direction of text was turned")


def narrow(client):
    """a terminal of one column, or of a few, still works"""
    for columns in (1, 2, 5, 23):
        with Person(client, columns=columns, meet=False) as ann:
            ann.hub = ann.listener.meet()
            ann.hub.say(1, "hello there")
            ann.sees("bob: hello there")
            ann.types("one 你好 two\x01\x1b[C\x05")
            ann.hub.say(2, "meanwhile")
            ann.sees("bob: meanwhile")
            ann.types("\r")
            ann.hub.expect("one 你好 two\n".encode())
            # a wide character leaves a blank where it does not fit; in one column it has no place
            ann.sees(re.compile("client-7: one +" + ("你 *好 +" if columns > 1 else "") + "two"))


def wrapped(client):
    """long messages are broken at blanks, and links are not broken at all"""
    with Person(client, columns=40) as ann:
        link = "https://example.org/" + "x" * 60
        ann.hub.say(1, f"you will find all of that under {link} as I said")
        ann.sees("as I said")
        shown = "\n".join(ann.look.paragraphs())
        check(f"10:15 bob: you will find all of that under\n      {link} as I said" in shown
              or f"10:15 bob: you will find all of that\n      under {link} as I\n      said" in shown
              or link in shown.replace("\n      ", " "), shown)
        check(link in shown, shown)


def resized(client):
    """the window gets narrower and wider while a line is typed: no trace of the old one"""
    with Person(client) as ann:
        ann.types("a line that is much longer than forty columns are")
        ann.reads(ME + "a line that is much longer than forty columns are")
        ann.resizes(24, 40)
        ann.waits_for(lambda screen: screen.bottom().startswith(ME[:-1] + "<"), "a shorter line")
        ann.hub.say(1, "hello")
        ann.sees("bob: hello")
        ann.resizes(10, 100)
        ann.reads(ME + "a line that is much longer than forty columns are")
        ann.types("!\r")
        ann.hub.expect(b"a line that is much longer than forty columns are!\n")
        ann.sees("client-7: a line")
        lines = [line for line in ann.shown() if "a line" in line or "<client-7>" in line]
        check(len(lines) == 1, f"traces: {ann.shown()}")


def redrawn(client):
    """Ctrl-L: an empty screen, and the line at its bottom"""
    with Person(client) as ann:
        ann.hub.say(1, "hello")
        ann.sees("bob: hello")
        ann.types("draft\x0c")
        ann.waits_for(lambda screen: screen.lines() == [""] * 23 + [ME + "draft"], "the line only")
        ann.hub.say(2, "and on")
        ann.sees("bob: and on")


def dumb(client):
    """TERM=dumb, or none: no escape sequences, and the line can be edited just the same"""
    for term in ("dumb", None):
        with Person(client, TERM=term) as ann:
            ann.types("helo there\x01\x1b[C\x1b[C\x1b[Cl")
            ann.reads(ME + "hello there", len(ME) + 4)
            ann.hub.say(1, "a message")
            ann.sees("bob: a message")
            ann.reads(ME + "hello there", len(ME) + 4)
            ann.types("\x0b")
            ann.reads(ME + "hell")
            ann.types("\x0c\r")
            ann.hub.expect(b"hell\n")
            check(b"\x1b" not in ann.out.data, "an escape sequence")


def ascii_only(client):
    """locale C: what is not ASCII is shown as '?', and is sent as it is"""
    with Person(client, LC_ALL="C") as ann:
        ann.hub.say(1, "grüße, 你好 e\u0301")
        ann.sees("bob: gr??e, ???? e")
        ann.types("grüße 你\x1b[D好")
        ann.reads(ME + "gr??e ????", len(ME) + 8)
        ann.types(b"\r" + BLUR)
        ann.hub.expect("grüße 好你\n".encode())
        ann.hub.say(2, "x")
        ann.sees("-" * 27 + " new " + "-" * 28)
        check(max(ann.out.data) < 128, "more than ASCII was shown")


def bad_bytes(client):
    """bytes that are no UTF-8 are typed as U+FFFD"""
    with Person(client) as ann:
        ann.types(b"a\xff\xc3b")
        ann.reads(ME + "a\ufffd\ufffdb")
        ann.types("\r")
        ann.hub.expect("a\ufffd\ufffdb\n".encode())


def modes(client):
    """bracketed paste and the focus are on while it runs, and off behind it"""
    with Person(client) as ann:
        check(ann.look.modes == {2004, 1004}, f"{ann.look.modes}")
        check(ann.raw(), "not in raw mode")
        ann.types(CTRL_D)
        ann.hub.expect_end()
        ann.hub.close()
        ann.expect_exit(0)
        ann.reads("")
        check(not ann.look.modes, f"{ann.look.modes}")


if __name__ == "__main__":
    run(cases(
        path_of(sys.argv[1]), mentions, colours, stamps, rooms, presence, unread, hostile_text,
        narrow, wrapped, resized, redrawn, dumb, ascii_only, bad_bytes, modes))
