"""Typing in a terminal: what is typed stays whole whatever comes in, and what keys and pastes do."""

import os
import sys

from driver import CTRL_C, CTRL_D, cases  # first: it knows the way to tests/support
from hub import scratch
from person import ME, Person, path_of
from tap import check, run

LEFT = "\x1b[D"
UP = "\x1b[A"


def undisturbed(client):
    """a burst of messages while a line is typed, letter by letter: it stays whole"""
    with Person(client, columns=40) as ann:
        line = "I am typing 你好 in a very busy room, grüße!"
        for seq, letter in enumerate(line, 1):
            ann.types(letter)
            for part in range(3):
                ann.hub.say(seq * 3 + part, f"message {seq}.{part}")
        ann.sees(f"bob: message {len(line)}.2")
        ann.waits_for(lambda screen: screen.bottom().endswith("busy room, grüße!"), "the end of it")
        ann.types("\r")
        ann.hub.expect(line.encode() + b"\n")
        ann.reads(ME.rstrip())
        shown = [text[6:] for text in ann.shown() if "message" in text]
        check(shown == [f"bob: message {s}.{p}" for s in range(1, len(line) + 1) for p in range(3)],
              f"not all messages, or not whole: {shown}")


def editing(client):
    """keys: letters, arrows, words, kill and yank; the cursor is where it should be"""
    with Person(client) as ann:
        ann.types("hllo" + LEFT * 3 + "e")
        ann.reads(ME + "hello", len(ME) + 2)
        ann.types("\x05 brave world\x1bb\x1bb")
        ann.reads(ME + "hello brave world", len(ME) + 6)
        ann.types("\x0b\x01\x19")
        ann.reads(ME + "brave worldhello", len(ME) + 11)
        ann.types(" \x1b[3~\x1b[F\x7f\x17")
        ann.reads(ME + "brave world".rstrip(), len(ME) + len("brave world "))
        ann.types("\x15x\x1b[15~\x1b[1;5Py")
        ann.reads(ME + "xy")


def wide_characters(client):
    """wide and combined characters take the columns they take, and are deleted whole"""
    with Person(client) as ann:
        ann.types("你好e\u0301👩\u200d💻!")
        ann.reads(ME + "你好e\u0301👩\u200d💻!", len(ME) + 2 + 2 + 1 + 4 + 1)
        ann.types(LEFT + "\x7f")
        ann.reads(ME + "你好e\u0301!", len(ME) + 5)
        ann.types("\x7f\x7f")
        ann.reads(ME + "你!", len(ME) + 2)
        ann.types("\r")
        ann.hub.expect("你!\n".encode())


def split_keys(client):
    """keys that come in parts, as over a slow line"""
    with Person(client) as ann:
        for part in (b"a\xe4", b"\xbd", b"\xa0", b"\x1b", b"[", b"D", b"b"):
            ann.types(part)
            ann.hub.tell("notice", text="between")
            ann.waits_for(lambda screen: any("between" in line for line in screen.lines()), "it")
        ann.reads(ME + "ab你")


def long_lines(client):
    """a line longer than the row moves under the cursor, and is sent whole"""
    with Person(client, columns=40) as ann:
        text = " ".join(f"word{i}" for i in range(40))
        ann.types(text)
        ann.waits_for(lambda screen: screen.bottom().endswith("word39"), "its end")
        ann.waits_for(lambda screen: screen.bottom().startswith(ME[:-1] + "<"), "a mark before it")
        ann.types("\x01")
        ann.waits_for(lambda screen: screen.bottom().startswith(ME[:-1] + "word0 "), "its start")
        ann.waits_for(lambda screen: screen.bottom().endswith(">"), "a mark behind it")
        ann.types("\r")
        ann.hub.expect(text.encode() + b"\n")


def own_lines(client):
    """what one says is shown: messages, actions, private ones, commands"""
    with Person(client) as ann:
        ann.says("hello")
        ann.says("/me waves")
        ann.says("/msg bob psst")
        ann.says("/who")
        ann.says("//slash")
        ann.sees("client-7: /slash")
        shown = [line[6:] for line in ann.shown()[1:]]
        check(shown == ["client-7: hello", "client-7 * waves", "to @bob: psst", "/who",
                        "client-7: /slash"], f"{shown}")
        ann.types("\r  \r")
        ann.hub.expect(b"  \n")


def prompts(client):
    """the prompt says where, who, and whether it is a command"""
    with Person(client) as ann:
        ann.types("/")
        ann.reads("[#lobby] /")
        ann.types("/x")
        ann.reads(ME + "//x")
        ann.types("\x15")
        ann.hub.tell("nick", room="#lobby", nick="ann", id=7, **{"from": "client-7"})
        ann.reads("[#lobby] <ann>")
        ann.hub.tell("join", room="#tea", id=7, count=0, **{"from": "ann"})
        ann.reads("[#tea] <ann>")
        ann.hub.tell("part", room="#tea", to="#lobby", id=7, **{"from": "ann"})
        ann.reads("[#lobby] <ann>")
        ann.hub.tell("part", room="#lobby", id=7, **{"from": "ann"})
        ann.reads("[no room] <ann>")


def wire_stays(client):
    """/wire would take from the client what it lives on: it is not sent"""
    with Person(client) as ann:
        ann.types("/wire line\r")
        ann.sees("/wire is not sent")
        ann.says("hello")


def completion(client):
    """Tab: nicks, last speaker first; commands; rooms"""
    with Person(client) as ann:
        ann.hub.tell("message", room="#lobby", id=2, seq=1, text="x", **{"from": "bert"})
        ann.hub.tell("join", room="#lobby", id=3, **{"from": "bill"})
        ann.hub.say(2, "y")
        ann.hub.tell("rooms", rooms=[{"room": "#kitchen", "members": 1}], count=1)
        ann.sees("1 room: #kitchen 1")
        ann.types("b\t")
        ann.reads(ME + "bob:", len(ME) + 5)
        ann.types("\t")
        ann.reads(ME + "bert:")
        ann.types("\t\t")
        ann.reads(ME + "b")
        ann.types("\x15I like b\t")
        ann.reads(ME + "I like bob")
        ann.types("\x15/j\tki\t")
        ann.reads("[#lobby] /join #kitchen")
        bells = ann.look.bells
        ann.types("\x15zz\t")
        ann.waits_for(lambda screen: screen.bells > bells, "a bell")


def history(client):
    """up, down and Ctrl-R; the draft comes back"""
    with Person(client) as ann:
        for line in ("make tea", "Make coffee", "drink"):
            ann.says(line)
        ann.types("draft" + UP + UP)
        ann.reads(ME + "Make coffee")
        ann.types("\x1b[B\x1b[B")
        ann.reads(ME + "draft")
        ann.types("\x12ma")
        ann.reads("(search: ma) Make coffee")
        ann.hub.say(1, "a message meanwhile")
        ann.sees("a message meanwhile")
        ann.types("\x12")
        ann.reads("(search: ma) make tea")
        ann.types("zz")
        ann.reads("(not found: mazz) make tea")
        ann.types("\x07")
        ann.reads(ME + "draft")
        ann.types("\x12coff\r")
        ann.hub.expect(b"Make coffee\n")


def history_file(client):
    """what was typed is there the next time; secrets are not"""
    with scratch() as folder:
        path = f"{folder}/chatroom/history"
        for options in ([], ["--no-remember"]):
            with Person(client, *options, XDG_STATE_HOME=folder) as ann:
                ann.says(f"a line {len(options)}")
                ann.says("/msg nickserv identify hunter2")
                ann.says(" with a blank")
                ann.says("grüße")
                ann.types(CTRL_D)
                ann.hub.expect_end()
                ann.hub.close()
                ann.expect_exit(0)
            with open(path, encoding="utf-8") as file:
                check(file.read() == "a line 0\ngrüße\n", "not what was to be kept")
        check(os.stat(path).st_mode & 0o7777 == 0o600, "others may read it")
        with Person(client, XDG_STATE_HOME=folder) as ann:
            ann.types(UP)
            ann.reads(ME + "grüße")
            ann.types(UP)
            ann.reads(ME + "a line 0")


def paste_a_word(client):
    """a pasted word is part of the line; what may be a key in it is none"""
    with Person(client) as ann:
        ann.types("ad" + LEFT)
        ann.pastes("\x03b\x1b[A\tc")
        ann.reads(ME + "ab[A cd")
        ann.types("\r")
        ann.hub.expect(b"ab[A cd\n")


def paste_a_few_lines(client):
    """up to five pasted lines are said at once, but no commands; the rest stays in the line"""
    with Person(client) as ann:
        ann.types("say: !" + LEFT)
        ann.pastes("one\n/quit\n\n  three\nfo")
        ann.hub.expect(b"say: one\n//quit\n  three\n")
        ann.reads(ME + "fo!", len(ME) + 2)


def paste_many_lines(client):
    """fifty pasted lines are asked about: no is no, yes is yes"""
    with Person(client) as ann:
        text = "".join(f"line {i}\n" for i in range(50))
        ann.types("draft")
        for reply in ("n", "\r", "\x1b[A", CTRL_C):
            ann.pastes(text)
            ann.reads("Send 50 lines? y/N")
            ann.hub.say(1, "meanwhile")
            ann.types(reply)
            ann.reads(ME + "draft")
        ann.pastes(text)
        ann.reads("Send 50 lines? y/N")
        ann.types("y")
        ann.hub.expect(b"draft" + text.encode())
        ann.reads(ME.rstrip())
        ann.sees("client-7: line 49")
        ann.says("and on")


def paste_very_many_lines(client):
    """ten thousand pasted lines to a hub that reads, and to one that does not"""
    text = "".join(f"line {i}, and some more text to make it longer\n" for i in range(10000))
    with Person(client) as ann:
        ann.pastes(text)
        ann.reads("Send 10000 lines? y/N")
        ann.types("y")
        ann.hub.expect(text.encode())
        ann.sees("client-7: line 9999,")
    with Person(client, buffer=2048) as ann:
        before = ann.screen.peak()
        big = text * 8
        ann.pastes(big)
        ann.reads("Send 80000 lines? y/N")
        ann.types("y")
        ann.sees("client-7: line")
        ann.types("still editing")
        ann.reads(ME + "still editing")
        ann.types("\x15" + "\x03")
        ann.sees("pasted lines were not sent: interrupted.")
        ann.reads(ME.rstrip())
        grown = ann.screen.peak() - before
        check(grown < 4 * len(big), f"grew by {grown} bytes for a paste of {len(big)}")


def paste_without_end(client):
    """a paste whose end does not come is over after half a second"""
    with Person(client) as ann:
        ann.types(b"\x1b[200~half a paste\x1b[20")
        ann.reads(ME + "half a paste")
        ann.types(" and typed")
        ann.reads(ME + "half a paste and typed")


def paste_too_long(client):
    """a paste of more than 4 MiB is dropped, and that is told"""
    with Person(client) as ann:
        ann.pastes("x" * (5 << 20))
        ann.sees("A paste of more than 4 MiB is too long")
        ann.types("ok")
        ann.reads(ME + "ok")


def interrupts(client):
    """Ctrl-C empties the line, and on an empty one ends the client: status 130"""
    with Person(client) as ann:
        ann.types(b"half a line" + CTRL_C)
        ann.reads(ME.rstrip())
        ann.types(b"abc" + CTRL_C + b"x")
        ann.reads(ME + "x")
        ann.types(CTRL_C + CTRL_C)
        ann.hub.expect_end()
        ann.hub.close()
        ann.expect_exit(130)


def ends(client):
    """Ctrl-D deletes, and on an empty line ends the client: what comes is still shown, status 0"""
    with Person(client) as ann:
        ann.types(b"ab\x01" + CTRL_D)
        ann.reads(ME + "b")
        ann.types(CTRL_D + CTRL_D)
        ann.hub.expect_end()
        ann.hub.say(1, "so long")
        ann.hub.close()
        ann.expect_exit(0)
        ann.sees("bob: so long")
        ann.reads("")


def no_connection(client):
    """without a connection a line stays a draft, and the prompt counts down"""
    with Person(client, "--reconnect") as ann:
        ann.types("a draft")
        ann.reads(ME + "a draft")
        ann.listener.close()
        ann.hub.close()
        ann.waits_for(lambda screen: screen.bottom().startswith("[no hub"), "the prompt")
        ann.types("!\r")
        ann.waits_for(lambda screen: screen.bottom().endswith("] a draft!"), "the draft")
        ann.waits_for(lambda screen: "next try in" in screen.bottom(), "the count")
        ann.types(CTRL_C + CTRL_C)
        ann.expect_exit(130)


def comes_back(client):
    """the connection is lost and comes back: draft and nick are still there, the gap is filled"""
    with Person(client, "--reconnect", "-N", "ann", meet=False) as ann:
        ann.hub = ann.listener.meet(greeting=b"/wire json\n/nick ann\n/history\n/ping settled\n")
        ann.hub.tell("nick", room="#lobby", nick="ann", id=7, **{"from": "client-7"})
        ann.types("a draft")
        ann.reads("[#lobby] <ann> a draft")
        ann.hub.say(1, "one")
        ann.sees("bob: one")
        ann.hub.close()
        ann.hub = ann.listener.accept(
            b"/wire json\n/nick ann\n/history\n/ping settled\n")
        ann.hub.welcome(8, "s1")
        ann.hub.tell("nick", room="#lobby", nick="ann", id=8, **{"from": "client-8"})
        ann.hub.replay(1, 3)
        ann.hub.settle()
        ann.sees("bob: text 3")
        ann.reads("[#lobby] <ann> a draft")
        ann.sees("Connected again.")
        ann.types("!\r")
        ann.hub.expect(b"a draft!\n")


if __name__ == "__main__":
    run(cases(
        path_of(sys.argv[1]), undisturbed, editing, wide_characters, split_keys, long_lines,
        own_lines, prompts, wire_stays, completion, history, history_file, paste_a_word,
        paste_a_few_lines, paste_many_lines, paste_very_many_lines, paste_without_end,
        paste_too_long, interrupts, ends, no_connection, comes_back))
