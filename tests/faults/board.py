"""The test's side of the board (board.h): which call of the hub is to fail, and how."""

import errno
import mmap
import os
import re
import struct
import tempfile

import hub

HEAD_FIELDS = ("taken", "wall_ms", "heap_blocks", "heap_bytes", "ring_size", "overflows",
               "buffer_size")
HEAD = struct.Struct("q" * len(HEAD_FIELDS))
ROW_FIELDS = ("calls", "struck", "first", "every", "error")
ROW = struct.Struct("q" * len(ROW_FIELDS))
SIZE = 8192
SHORT = -1


def read_names():
    """The rows, in order."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "board.h")
    with open(path, encoding="ascii") as header:
        return re.findall(r"^    X\((\w+)\)", header.read(), re.MULTILINE)


NAMES = read_names()


def error_name(error):
    """A fault for people."""
    return "short" if error == SHORT else errno.errorcode[error]


class Board:
    """A board, and the file that a hub finds it by. Use as a context."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile(prefix="chatroom-faults-")
        self.file.truncate(SIZE)
        self.bytes = mmap.mmap(self.file.fileno(), SIZE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bytes.close()
        self.file.close()

    def environment(self, environment):
        """The environment of a hub that takes this board."""
        return dict(environment, CHATROOM_FAULTS=self.file.name)

    def hub(self, setup, *options, **arguments):
        """Starts a hub that takes this board; otherwise like setup.hub()."""
        chosen = hub.Setup(setup.server, setup.backend)
        chosen.environment = self.environment(setup.environment)
        return chosen.hub(*options, **arguments)

    # ---- numbers of the whole board ----

    def get(self, field):
        """A field of the head."""
        return HEAD.unpack_from(self.bytes)[HEAD_FIELDS.index(field)]

    def set(self, field, value):
        """Sets a field of the head."""
        struct.pack_into("q", self.bytes, 8 * HEAD_FIELDS.index(field), value)

    # ---- rows ----

    def row(self, name):
        """A row as a dictionary."""
        at = HEAD.size + NAMES.index(name) * ROW.size
        return dict(zip(ROW_FIELDS, ROW.unpack_from(self.bytes, at)))

    def calls(self, name):
        """How often it was called since it was armed, or from the start."""
        return self.row(name)["calls"]

    def struck(self, name):
        """How many of these calls failed."""
        return self.row(name)["struck"]

    def arm(self, name, error=0, first=0, every=0):
        """From now on call number `first`, and then every so many, fails with `error`."""
        at = HEAD.size + NAMES.index(name) * ROW.size
        ROW.pack_into(self.bytes, at, 0, 0, 0, every, error)
        struct.pack_into("q", self.bytes, at + 8 * ROW_FIELDS.index("first"), first)

    def disarm(self, name):
        """It fails no more. Returns how often it was called; how often it failed is known when the
        hub has done what it was at."""
        calls = self.calls(name)
        at = HEAD.size + NAMES.index(name) * ROW.size
        struct.pack_into("q", self.bytes, at + 8 * ROW_FIELDS.index("first"), 0)
        return calls
