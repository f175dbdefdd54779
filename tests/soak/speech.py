"""Ways to say something, and what the hub and its filters make of it.

The hub under load has the filters shout and words, which ship, and one of its own that puts its
version behind messages about stamps: it is the one that is changed and reloaded.
"""

import re

STAMP = re.compile(r" \[v(\d+)\]$")

STAMPING = """-- stamp: tells which version of it is at work.
return {{
    name = "stamp",
    version = "{version}",
    match = {{ words = {{ "stamp" }} }},
    on_message = function(msg)
        msg.text = msg.text .. " [v{version}]"
    end,
}}
"""
STAMPING_BROKEN = "return {{ name = 'stamp', version = '{version}', on_message = \n"
UNWANTED = "k0.0 free viagra"  # what the filter words drops, to be heard by nobody


class Way:
    """A way to say something. `make` is given the mark that says who says it and some words;
    returns the line to send, text or bytes, and the text that everybody must hear."""

    def __init__(self, weight, make, action=False, stamped=False):
        self.weight = weight
        self.make = make
        self.action = action
        self.stamped = stamped

    def fits(self, text, event):
        """The event is that text, said so."""
        heard = STAMP.sub("", event.text) if self.stamped else event.text
        return (heard == text and (event.kind == "action") == self.action
                and (version_of(event.text) > 0) == self.stamped)


def version_of(text):
    """The version of the filter that has stamped a message; 0 if none has."""
    match = STAMP.search(text)
    return int(match[1]) if match else 0


def dirty(mark, words):
    """Control characters go, ill-formed UTF-8 is replaced."""
    return mark.encode() + b"\x01\x1b\xff" + words.encode() + b"\xc3", f"{mark}\ufffd{words}\ufffd"


def loud(mark, words):
    """The filter shout makes it small letters, those of ASCII."""
    text = mark + "who is shouting " + words.encode("ascii", "ignore").decode()
    return text.upper(), text


PLAIN = Way(12, lambda mark, words: (mark + words, mark + words))
WAYS = (
    PLAIN,
    Way(1, loud),
    Way(1, lambda mark, words: ("/me " + mark + words, mark + words), action=True),
    Way(1, lambda mark, words: ("//" + mark + words, "/" + mark + words)),
    Way(2, lambda mark, words: (mark + "stamp " + words, mark + "stamp " + words), stamped=True),
    Way(1, dirty),
)
WEIGHTS = [way.weight for way in WAYS]

WORDS = ("lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt "
         "ut labore et dolore magna aliqua 你好 grüße enim ad minim veniam quis nostrud").split()


def babble(random, size):
    """About so many bytes of words."""
    words = []
    while size > 0:
        words.append(random.choice(WORDS))
        size -= len(words[-1]) + 1
    return " ".join(words)
