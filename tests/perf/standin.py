#!/usr/bin/env python3
"""Stands in for the servers that chatroom_bench drives, so that every protocol driver can be tested
where none of them is installed.

    standin.py PROTOCOL PORT [--fault FAULT] [--victim N] [--at N]

It is small, slow and strict: what a real server would refuse, or what no client should say (a frame
without a mask, a size that is wrong), ends the connection with a line on standard error.

A fault happens to one listener, the N-th that came, with its delivery number --at:

    lose    it does not get it              twice   it gets it two times
    swap    it gets the next one first      spoil   one letter of it is another
    cut     its connection ends             noise   something that is not the protocol comes first
    stall   nobody gets anything for half a second
"""

import argparse
import asyncio
import base64
import hashlib
import json
import signal
import sys
import time

FAULTS = ("lose", "twice", "swap", "spoil", "cut", "noise", "stall")
STALL = 0.5  # seconds


class Misuse(Exception):
    """The client does not speak the protocol; the text says why."""


def require(condition, text):
    """Ends the connection unless `condition` holds."""
    if not condition:
        raise Misuse(text)


class Listener:
    """Who gets what is said in a room."""

    def __init__(self, number, writer):
        self.number = number
        self.writer = writer
        self.count = 0
        self.held = b""


class Rooms:
    """The rooms of a server, and the fault it has."""

    def __init__(self, fault=None, victim=1, at=1):
        self.fault, self.victim, self.at = fault, victim, at
        self.members = {}
        self.listeners = 0
        self.answered = 0  # pings of the server

    def enter(self, room, writer):
        """Makes a listener of a connection."""
        self.listeners += 1
        listener = Listener(self.listeners, writer)
        self.members.setdefault(room, []).append(listener)
        return listener

    def leave(self, room, listener):
        """Takes a listener out of its room."""
        if listener in self.members.get(room, []):
            self.members[room].remove(listener)

    def say(self, room, text, encode, without=None):
        """Delivers `text`, as encode(text) has it, to all in the room but one."""
        listeners = self.members.get(room, [])
        data = encode(text)
        for listener in listeners:
            if listener is not without:
                self.deliver(listener, text, data, encode)
        return len(listeners)

    def deliver(self, listener, text, data, encode):
        """Delivers one message, or does what is wrong with it."""
        listener.count += 1
        if listener.number == self.victim and listener.count == self.at and self.fault:
            data = self.spoil(listener, text, data, encode)
        elif listener.held:
            data, listener.held = data + listener.held, b""
        listener.writer.write(data)

    def spoil(self, listener, text, data, encode):
        """What goes out instead of `data`."""
        if self.fault == "stall":
            time.sleep(STALL)  # the whole server, not only this task
            return data
        if self.fault == "cut":
            listener.writer.close()
        elif self.fault == "swap":
            listener.held = data
        elif self.fault == "twice":
            return data + data
        elif self.fault == "spoil":
            return encode(text[:-1] + b"?")
        elif self.fault == "noise":
            return b"\x00\xff\xff\xff\xff\xff\n" + data
        return b""


async def line(rooms, reader, writer):
    """chatroom_server, as far as its line encoding is needed."""
    room, member = b"#lobby", None
    writer.write(b"* Welcome to the chat room! Your chat ID is client-0. You are the first here.\n")
    try:
        while text := await reader.readline():
            require(text.endswith(b"\n"), "no newline")
            text, member = text[:-1], member or rooms.enter(room, writer)
            name = b"client-%d" % member.number
            if text.startswith(b"/ping "):
                writer.write(b"* pong " + text[6:] + b"\n")
            elif text.startswith(b"/join #"):
                rooms.leave(room, member)
                room = text[6:]
                rooms.members.setdefault(room, []).append(member)
            elif not text.startswith(b"/part #lobby"):
                label = b"" if room == b"#lobby" else room + b" "
                rooms.say(room, text, lambda t, h=label + name: h + b": " + t + b"\n", member)
            await writer.drain()
    finally:
        rooms.leave(room, member)


async def read_array(reader):
    """A command of RESP: an array of strings."""
    head = await reader.readline()
    if not head:
        return None
    require(head.startswith(b"*") and head.endswith(b"\r\n"), f"not an array: {head}")
    words = []
    for _ in range(int(head[1:])):
        size = await reader.readline()
        require(size.startswith(b"$"), f"not a string: {size}")
        words.append((await reader.readexactly(int(size[1:]) + 2))[:-2])
    return words


async def resp(rooms, reader, writer):
    """Redis: HELLO 3, PING, SUBSCRIBE, PUBLISH."""
    room, member, push = None, None, b"*"

    def bulk(text):
        return b"$%d\r\n%s\r\n" % (len(text), text)

    def encode(text):
        return b"%s3\r\n%s%s%s" % (push, bulk(b"message"), bulk(words[1]), bulk(text))

    try:
        while words := await read_array(reader):
            if words[0] == b"HELLO":
                push = b">"
                writer.write(b"%1\r\n" + bulk(b"proto") + b":3\r\n")
            elif words[0] == b"PING":
                bare = member is None or push == b">"
                writer.write(b"+PONG\r\n" if bare else b"*2\r\n" + bulk(b"pong") + bulk(b""))
            elif words[0] == b"SUBSCRIBE":
                room = words[1]
                member = rooms.enter(room, writer)
                writer.write(b"%s3\r\n%s%s:1\r\n" % (push, bulk(b"subscribe"), bulk(room)))
            else:
                require(words[0] == b"PUBLISH" and len(words) == 3, f"unknown command {words}")
                require(member is None or push == b">", "publishes while it subscribes, in RESP 2")
                writer.write(b":%d\r\n" % rooms.say(words[1], words[2], encode))
            await writer.drain()
    finally:
        rooms.leave(room, member)


async def nats(rooms, reader, writer):
    """NATS: CONNECT, SUB, PUB, PING. It pings a listener on its own account, amid messages."""
    room, member, echo = None, None, True
    writer.write(b'INFO {"server_id":"standin"}\r\n')
    try:
        while text := await reader.readline():
            require(text.endswith(b"\r\n"), f"no end of line: {text}")
            words = text.split()
            if words[0] == b"PING":
                writer.write(b"PONG\r\n")
            elif words[0] == b"SUB":
                room = words[1]
                member = rooms.enter(room, writer)
            elif words[0] == b"PUB":
                payload = await reader.readexactly(int(words[2]) + 2)
                require(payload.endswith(b"\r\n"), "the payload is longer than it says")
                head = b"MSG %s 1 %s\r\n" % (words[1], words[2])
                ping_sometimes(rooms, words[1])
                rooms.say(words[1], payload[:-2], lambda t, h=head: h + t + b"\r\n",
                          None if echo else member)
            elif words[0] == b"PONG":
                rooms.answered += 1
            else:
                require(words[0] == b"CONNECT", f"unknown command {words[0]}")
                echo = json.loads(text[8:])["echo"]
            await writer.drain()
    finally:
        rooms.leave(room, member)


def ping_sometimes(rooms, room):
    """Pings those of a room that have just had their tenth message."""
    for listener in rooms.members.get(room, []):
        if listener.count == 10:
            listener.writer.write(b"PING\r\n")


async def read_packet(reader):
    """Type and body of an MQTT packet."""
    head = await reader.read(1)
    if not head:
        return None, b""
    size, shift, byte = 0, 0, 0x80
    while byte & 0x80:
        byte = (await reader.readexactly(1))[0]
        size |= (byte & 0x7F) << shift
        shift += 7
    return head[0], await reader.readexactly(size)


def packet(kind, body):
    """An MQTT packet."""
    size, length = len(body), b""
    while True:
        size, low = divmod(size, 128)
        length += bytes([low | (0x80 if size else 0)])
        if not size:
            return bytes([kind]) + length + body


async def mqtt(rooms, reader, writer):
    """MQTT 3.1.1: CONNECT, SUBSCRIBE, PUBLISH at QoS 0, PINGREQ."""
    room, member, names = None, None, rooms.__dict__.setdefault("names", set())
    try:
        while (got := await read_packet(reader))[0] is not None:
            kind, body = got
            if kind == 0x10:
                require(body[:10] == b"\0\4MQTT\4\2\0\0", f"not the CONNECT of 3.1.1: {body}")
                require(body[10] * 256 + body[11] == len(body) - 12, "its name is of another size")
                require(body[12:] not in names, f"two are named {body[12:]}")
                names.add(body[12:])
                writer.write(packet(0x20, b"\0\0"))
            elif kind == 0x82:
                room = body[4:-1]
                require(body[2] * 256 + body[3] == len(room), "the filter is of another size")
                member = rooms.enter(room, writer)
                writer.write(packet(0x90, body[:2] + b"\0"))
            elif kind == 0xC0:
                writer.write(packet(0xD0, b""))
            else:
                require(kind == 0x30, f"unknown packet {kind}")
                size = body[0] * 256 + body[1]
                topic = body[:2 + size]
                rooms.say(topic[2:], body[2 + size:], lambda t, h=topic: packet(0x30, h + t))
            await writer.drain()
    finally:
        rooms.leave(room, member)


async def irc(rooms, reader, writer):
    """IRC: NICK, USER, JOIN, PRIVMSG, PING. Pings before it welcomes."""
    nick, room, member = b"*", None, None
    try:
        while text := await reader.readline():
            require(text.endswith(b"\r\n") and len(text) <= 512, f"not a line of IRC: {text}")
            words = text[:-2].split(b" ", 2)
            if words[0] == b"NICK":
                nick = words[1]
            elif words[0] == b"USER":
                writer.write(b"PING :cookie-%s\r\n" % nick)
            elif words[0] == b"PONG":
                require(words[1] == b":cookie-" + nick, f"not the answer to the ping: {text}")
                writer.write(b":irc 001 %s :Welcome\r\n:irc 422 %s :No motd\r\n" % (nick, nick))
            elif words[0] == b"JOIN":
                room = words[1]
                member = rooms.enter(room, writer)
                for other in rooms.members[room]:
                    other.writer.write(b":%s!u@h JOIN :%s\r\n" % (nick, room))
                writer.write(b":irc 366 %s %s :End\r\n" % (nick, room))
            elif words[0] == b"PING":
                writer.write(b":irc PONG irc :%s\r\n" % words[1])
            else:
                require(words[0] == b"PRIVMSG" and words[1] == room, f"unknown command {text}")
                head = b":%s!u@h PRIVMSG %s :" % (nick, room)
                rooms.say(room, words[2][1:], lambda t, h=head: h + t + b"\r\n", member)
            await writer.drain()
    finally:
        rooms.leave(room, member)


async def read_frame(reader):
    """Type and payload of a client's WebSocket frame."""
    head = await reader.read(1)
    if not head:
        return None, b""
    size = (await reader.readexactly(1))[0]
    require(size & 0x80, "a frame without a mask")
    size &= 0x7F
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
        require(size > 125, "a short frame with a long size")
    mask = await reader.readexactly(4)
    payload = await reader.readexactly(size)
    return head[0], bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def frame(kind, payload):
    """A server's WebSocket frame."""
    if len(payload) < 126:
        return bytes([kind, len(payload)]) + payload
    return bytes([kind, 126]) + len(payload).to_bytes(2, "big") + payload


async def ws(rooms, reader, writer):
    """WebSocket: the path is the room, a text goes to the others there."""
    request = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(field.lower().split(": ", 1) for field in request[1:] if field)
    require(headers["upgrade"] == "websocket" and "sec-websocket-key" in headers, "no upgrade")
    key = next(f.split(": ")[1] for f in request if f.startswith("Sec-WebSocket-Key"))
    digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n")
    room = request[0].split(" ")[1]
    member = rooms.enter(room, writer)
    try:
        while (got := await read_frame(reader))[0] is not None:
            kind, payload = got
            if kind == 0x89:
                writer.write(frame(0x8A, payload))
            else:
                require(kind == 0x81, f"unknown frame {kind}")
                rooms.say(room, payload, lambda t: frame(0x81, t), member)
            await writer.drain()
    finally:
        rooms.leave(room, member)


PROTOCOLS = {f.__name__: f for f in (line, resp, nats, mqtt, irc, ws)}


async def start(protocol, rooms, port=0):
    """The server, listening on a loopback port."""

    async def serve(reader, writer):
        try:
            await PROTOCOLS[protocol](rooms, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # it left
        except (Misuse, ValueError, IndexError, KeyError) as error:
            print(f"standin: {protocol}: {error}", file=sys.stderr, flush=True)
        finally:
            writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", port, backlog=512, limit=1 << 20)


async def main(arguments):
    parser = argparse.ArgumentParser(description="Stands in for a server of some protocol.")
    parser.add_argument("protocol", choices=PROTOCOLS)
    parser.add_argument("port", type=int)
    parser.add_argument("--fault", choices=FAULTS)
    parser.add_argument("--victim", type=int, default=1, metavar="N")
    parser.add_argument("--at", type=int, default=1, metavar="N")
    options = parser.parse_args(arguments)
    rooms = Rooms(options.fault, options.victim, options.at)
    await start(options.protocol, rooms, options.port)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sys.exit, 0)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
