"""The attacks. Each runs in a process of its own (measure.Attack) until it is over, and returns how
much of it there was, unless the hub counts that."""

import ctypes
import select
import socket
import struct
import time

import hub

IP_BIND_ADDRESS_NO_PORT = 24
SO_ATTACH_FILTER = 26
SO_DETACH_FILTER = 27
NO_LINGER = struct.pack("ii", 1, 0)
DRAIN = 1 << 18
LINE = b"x" * 100 + b"\n"


# ---- connections --------------------------------------------------------------------------------

def connect(attack, number=0, receive_buffer=0):
    """A connection, from one of many addresses: one alone has too few ports."""
    host, port = attack.address.rsplit(":", 1)
    sock = socket.socket()
    sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.bind((f"127.0.{1 + number // 250 % 250}.{1 + number % 250}", 0))
    sock.settimeout(hub.DEADLINE)
    sock.connect((host, int(port)))
    return sock


def connected(attack, count, **options):
    """So many, each of which the hub has welcomed."""
    socks = [connect(attack, number, **options) for number in range(count)]
    for sock in socks:
        sock.recv(16)
        sock.setblocking(False)
    return socks


def reset(sock):
    """Ends it by RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    sock.close()


def push(sock, data):
    """Sends what goes in now; how much."""
    try:
        return sock.send(data)
    except BlockingIOError:
        return 0


def drain(sock):
    """Throws away what came in."""
    try:
        return len(sock.recv(DRAIN, socket.MSG_TRUNC))
    except BlockingIOError:
        return 0


def stream(attack, scripts):
    """Each socket sends its script over and over as fast as it goes, and throws away what comes."""
    at = {sock: 0 for sock in scripts}
    by_fd = {sock.fileno(): sock for sock in scripts}
    poller = select.epoll()
    for fd in by_fd:
        poller.register(fd, select.EPOLLIN | select.EPOLLOUT)
    while not attack.over():
        for fd, events in poller.poll(0.1, 64):
            sock = by_fd[fd]
            if events & select.EPOLLIN:
                drain(sock)
            if events & select.EPOLLOUT:
                n = push(sock, scripts[sock][at[sock]:])
                at[sock] = (at[sock] + n) % len(scripts[sock])
    poller.close()


def talk(attack, socks):
    """All of them talk without end."""
    stream(attack, dict.fromkeys(socks, LINE * 500))


# ---- many that do little ------------------------------------------------------------------------

def idle(attack, count):
    """Connections that say nothing."""
    socks = connected(attack, count)
    attack.ready()
    while not attack.over(1.0):
        pass
    return len(socks)


def vanish(attack, rate):
    """So many a second connect and are gone; the welcome is never read, so with a RST."""
    attack.ready()
    start = time.monotonic()
    made = 0
    while not attack.over():
        due = int((time.monotonic() - start) * rate)
        for _ in range(min(due - made, 200)):
            connect(attack, made).close()
            made += 1
        if made >= due:
            time.sleep(0.001)
    return made


def loris(attack, count):
    """Lines that never end, a byte of each at a time."""
    socks = connected(attack, count)
    for sock in socks:
        push(sock, b"y" * 4000)
    attack.ready()
    said = 0
    while not attack.over(0.05):
        for sock in socks:
            said += push(sock, b"y")
            drain(sock)
    return said


# ---- those who do not read ----------------------------------------------------------------------

def deaf(attack, count):
    """Connections that never read, in a room where one talks without end."""
    socks = connected(attack, count, receive_buffer=4096)
    speaker = connected(attack, 1)
    attack.ready()
    talk(attack, speaker)
    del socks


class Second:  # pylint: disable=too-few-public-methods
    """An attack for a second."""

    def __init__(self, attack):
        self.attack = attack
        self.end = time.monotonic() + 1

    def over(self):
        """True once it is over, or all of it."""
        return time.monotonic() > self.end or self.attack.over()


def drip(attack, _):
    """One that reads a byte a second, in such a room."""
    slow = connect(attack, 0, receive_buffer=4096)
    speaker = connected(attack, 1)
    attack.ready()
    while not attack.over():
        talk(Second(attack), speaker)
        slow.recv(1)


def leave_lobby(sock):
    """It is in no room any more, and has been sent all that it is due."""
    sock.settimeout(hub.DEADLINE)
    sock.sendall(b"/part\n/ping gone\n")
    heard = b""
    while b"* pong gone\n" not in heard:
        heard += sock.recv(DRAIN)


def half_open(attack, count):
    """Peers that are gone without a word: nothing that is sent to them is answered any more. Half of
    them are in a room where one talks, the others are due nothing."""
    drop = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: return 0
    program = struct.pack("HxxxxxxP", 1, ctypes.addressof(drop))
    socks = connected(attack, count)
    for sock in socks[::2]:
        leave_lobby(sock)
    for sock in socks:
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    speaker = connected(attack, 1)[0]
    attack.ready()
    while not attack.over(0.01):
        push(speaker, LINE * 10)
        drain(speaker)
    for sock in socks:  # a peer again, that can end
        sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        reset(sock)
    return len(socks)


# ---- those who do a lot -------------------------------------------------------------------------

def chorus(attack, count):
    """All talk at once into one room, as fast as they can."""
    socks = connected(attack, count)
    attack.ready()
    talk(attack, socks)


def nicks(attack, count):
    """All change their nicks, as fast as they can."""
    socks = connected(attack, count)
    attack.ready()
    scripts = {sock: b"".join(b"/nick storm-%04d-%04d\n" % (k, n) for n in range(1000))
               for k, sock in enumerate(socks)}
    stream(attack, scripts)


def commands(attack, count):
    """All ask what costs the hub most to answer: who is in the largest room, which rooms there are."""
    socks = connected(attack, count)
    attack.ready()
    script = b"/who\n/rooms\n" * 500
    stream(attack, dict.fromkeys(socks, script))


def rooms(attack, count):
    """Rooms that come and go, sixty for each connection, and are talked in."""
    socks = connected(attack, -(-count // 60))
    attack.ready()
    scripts = {}
    for k, sock in enumerate(socks):
        names = [b"#r%05d" % n for n in range(60 * k, 60 * k + 60)]
        scripts[sock] = b"".join(b"/join %s\nhello\n" % name for name in names) \
            + b"".join(b"/part %s\n" % name for name in names)
    stream(attack, scripts)


def hangups(attack, rate):
    """So many connections a second end by RST while thousands of their commands, with long answers,
    wait."""
    crowd = connected(attack, min(rate, 600))
    attack.ready()
    start = time.monotonic()
    made = 0
    socks = []
    while not attack.over(0.001):
        if made >= (time.monotonic() - start) * rate:
            continue
        socks.append(connect(attack, made))
        socks[-1].setblocking(False)
        push(socks[-1], b"/who\n" * 13000)
        made += 1
        if len(socks) > 10:
            reset(socks.pop(0))
    del crowd
    return made


def resets(attack, count):
    """Connections of a busy room end by RST while they are sent to, and others take their place."""
    socks = [connect(attack, number) for number in range(count)]
    attack.ready()
    made = count
    k = 0
    while not attack.over():
        for sock in socks[k:k + 10]:
            sock.setblocking(False)
            push(sock, LINE * 3 + b"half a line")
            reset(sock)
        socks[k:k + 10] = [connect(attack, made + n) for n in range(10)]
        made += 10
        k = (k + 10) % count
    return made
