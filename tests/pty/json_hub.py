"""A hub made of a socket that speaks JSON, as a client asks it to; and a wire that can be cut.

    hub = JsonHub()
    with Program([client, "--reconnect", hub.address]) as program:
        peer = hub.meet(server="s1")
        peer.say(11, "hello")
        program.expect(b"bob: hello\\n")
"""

import json
import socket
import threading

from driver import FakeHub, Peer
from hub import connect

LOBBY = b"/wire json\n/history\n/ping settled\n"  # the greeting of a client without -N and -r
BOB = 50  # his id
TIME = "2026-11-23T10:15:30.123Z"


class JsonPeer(Peer):
    """The hub's end of a connection, in JSON."""

    def tell(self, kind, **members):
        """Sends an object."""
        self.send(json.dumps({"type": kind, **members}, separators=(",", ":")).encode() + b"\n")

    def welcome(self, number, server):
        """Begins to speak JSON."""
        self.tell("welcome", id=number, nick=f"client-{number}", server=server, count=1)

    def say(self, seq, text, room="#lobby", number=BOB):
        """A message, bob's unless told otherwise."""
        self.tell("message", room=room, **{"from": "bob" if number == BOB else "me"}, id=number,
                  seq=seq, time=TIME, text=text)

    def replay(self, first, last, room="#lobby"):
        """A history, with a text of its number in each message."""
        self.tell("history", room=room, count=last - first + 1)
        for seq in range(first, last + 1):
            self.say(seq, f"text {seq}", room)

    def join(self, room, number):
        """The client's own join."""
        self.tell("join", room=room, **{"from": "me"}, id=number, time=TIME, count=1)

    def settle(self):
        """Answers the ping that ends a greeting."""
        self.tell("pong", time=TIME, token="settled")


class JsonHub(FakeHub):
    """Listens for clients that want JSON. An address once used can be used again."""

    def __init__(self, port=0, buffer=0):
        super().__init__(where=("127.0.0.1", port), buffer=buffer)

    def accept(self, greeting=LOBBY):
        peer = JsonPeer(self.sock.accept()[0])
        peer.expect(greeting)
        return peer

    def meet(self, number=7, server="s1", greeting=LOBBY):
        """The next client, welcomed and with its greeting answered: nothing is in the history."""
        peer = self.accept(greeting)
        peer.send(b"* Welcome to the chat room! You are the first here.\n")
        peer.welcome(number, server)
        peer.settle()
        return peer


class Wire:
    """Passes bytes between its own port and a hub's, until it is cut. Not cut, it can be opened
    again on the same port."""

    def __init__(self, address):
        self.target = address
        self.port = 0
        self.listener = None
        self.pairs = []
        self.open()

    def open(self):
        """Takes connections (again)."""
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.listen, args=(self.listener,), daemon=True).start()

    def listen(self, listener):
        """A thread: until the listener is closed."""
        while True:
            try:
                near = listener.accept()[0]
            except OSError:
                return
            far = connect(self.target)
            far.settimeout(None)
            self.pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=pump, args=(source, sink), daemon=True).start()

    def cut(self):
        """Ends all connections, and takes no more."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for pair in self.pairs:
            for sock in pair:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.pairs = []


def pump(source, sink):
    """A thread: bytes from one to the other, and the end of input, too."""
    try:
        while block := source.recv(1 << 16):
            sink.sendall(block)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
