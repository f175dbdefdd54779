"""What filters write to the log, as programs and people read it."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import hub  # noqa: E402
import tap  # noqa: E402
from tap import check  # noqa: E402

FILTERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../plugins/filters")
AUDIT = re.compile(r"chatroom_server: info: filter audit: (.*)")

# What people may say that is hard on whoever writes JSON, or a log.
TEXTS = ['she said "\\o/"', "ä€😀", "a\\b\\\\c\\", "\\x1b[2J", "\\u001b", "tab\tbell\a", "\x1b[31mred",
         '","kind":"kick"}', "'; DROP TABLE", "\u202e\u2028"]


def unescape(text):
    """A line of the log with its \\xNN as what they stand for."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m.group(1), 16)), text)


def audit_writes_json(setup):
    """each line of the audit filter is valid JSON behind its prefix, and says what was said"""
    with setup.hub("-f", os.path.join(FILTERS, "audit.lua")) as server:
        a, b = server.guest("a"), server.guest("b")
        a.expect("* client-2 joined")
        heard = []
        for text in TEXTS:
            a.send(text)
            heard.append(b.read_line().decode().removeprefix("client-1: "))
        hub.wait_for(lambda: len(server.log.matches('"kind":"message"')) == len(TEXTS),
                     "the lines of the audit filter")
        said = []
        for line in server.log.matches(AUDIT):
            text = AUDIT.fullmatch(line).group(1)
            json.loads(text)  # as it stands there
            event = json.loads(unescape(text))
            if event["kind"] == "message":
                said.append(event["text"])
        check(said == heard, f"logged {said}\nheard  {heard}")


def no_line_can_be_forged(setup):
    """what a client or a script says is never a line of its own in the log"""
    with hub.scratch() as scratch:
        path = os.path.join(scratch, "echo.lua")
        with open(path, "w", encoding="utf-8") as script:
            script.write("return { name = 'echo', on_message = function(msg)\n"
                         "  hub.log('info', msg.text .. '\\nchatroom_server: error: forged') end }")
        with setup.hub("-f", path, "--log-level", "debug") as server:
            a = server.guest("a")
            a.send("one\rchatroom_server: error: forged")
            server.log.expect(r"filter echo: onechatroom_server: error: forged"
                              r"\\x0achatroom_server: error: forged$")
            check(not server.log.matches("^chatroom_server: error"), server.log.tail())


if __name__ == "__main__":
    tap.run(hub.Setup.from_arguments().cases(audit_writes_json, no_line_can_be_forged))
