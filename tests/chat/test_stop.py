"""The end of a hub and its next start: signals, clients that do not read, the same port again."""

import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import hub  # noqa: E402
import tap  # noqa: E402
from tap import check  # noqa: E402


def own_address():
    """A loopback address of this process: a port on it is not taken by the connections of tests
    that run at the same time, not even between one hub and the next."""
    return f"127.{64 + os.getpid() % 64}.{os.getpid() // 64 % 250}.{1 + os.getpid() % 250}"


def stopped_by(number):
    """A case: the signal ends the hub, every client is told."""
    def call(setup):
        with setup.hub("--presence-max", "0") as server:
            crowd = [server.guest() for _ in range(50)]
            crowd[0].send("/wire json")
            check(b'"welcome"' in crowd[0].read_line(), "no welcome in JSON")
            crowd[1].send("last words")
            for n, one in enumerate(crowd):
                if n > 1:
                    one.expect("client-2: last words")
            check(b'"last words"' in crowd[0].read_line(), "no message in JSON")
            server.signal(number)
            for one in crowd:
                one.expect_shutdown()
            server.wait_exit()
    call.__doc__ = f"{signal.Signals(number).name} with clients connected: all are told, exit 0"
    return call


def one_never_reads(setup):
    """SIGTERM while one client never reads: exit 0 in time, the others are told"""
    with setup.hub("--presence-max", "0") as server:
        sender, reader = server.guest(), server.guest()
        server.guest(receive_buffer=4096, segment=536)  # reads no more
        for n in range(400):
            sender.send_bytes(f"{n:04}{'x' * 8000}\n" * 2)
        sender.expect_quiet()
        server.signal(signal.SIGTERM)
        while reader.read_line() != b"* " + hub.SHUTDOWN.encode():
            pass
        reader.expect_eof()
        sender.expect_shutdown()
        server.wait_exit()


def twice(setup):
    """a second SIGTERM does no harm"""
    with setup.hub() as server:
        server.guest(receive_buffer=4096, segment=536)  # reads no more
        sender = server.guest()
        for n in range(400):
            sender.send_bytes(f"{n:04}{'x' * 8000}\n" * 2)
        sender.expect_quiet()
        server.signal(signal.SIGTERM)
        sender.expect_shutdown()
        if server.process.poll() is None:
            server.signal(signal.SIGTERM)
        server.wait_exit()


def restarted(setup):
    """twenty restarts on the same port, at once, with clients connected"""
    listen = f"{own_address()}:0"
    left_open = []
    for _ in range(20):
        with setup.hub("-l", listen) as server:
            listen = server.addresses[0]
            a, b = server.guest(), server.guest()
            a.expect("* client-2 joined")
            b.send("hello")
            a.expect("client-2: hello")
            server.signal(signal.SIGTERM)
            server.wait_exit()
            left_open += [a, b]
            server.clients.clear()
    for one in left_open:
        one.expect_shutdown()
        one.close()


def refused(address):
    """True if nobody listens there. A connection reset while it is made found a listener that the
    kernel is just taking down: not gone yet."""
    try:
        hub.connect(address).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass
    return False


def kill(server):
    """SIGKILL. The kernel takes down an io_uring, and what it holds, a little after its process."""
    server.process.kill()
    server.wait_exit(-signal.SIGKILL)
    hub.wait_for(lambda: refused(server.addresses[0]), "the kernel to close the listener")


def restarted_after_kill(setup):
    """a start on the port of a hub that was killed, with clients connected"""
    listen = f"{own_address()}:0"
    for _ in range(3):
        with setup.hub("-l", listen) as server:
            listen = server.addresses[0]
            server.guest()
            kill(server)


def stale_path(setup):
    """a unix socket left over by a killed hub is replaced"""
    with hub.scratch() as directory:
        path = f"unix:{directory}/hub.sock"
        with setup.hub("-l", path) as server:
            kill(server)
        check(os.path.exists(f"{directory}/hub.sock"), "the path is gone: nothing to test")
        with setup.hub("-l", path) as server:
            server.guest().expect_quiet()
        check(not os.path.exists(f"{directory}/hub.sock"), "the path was left behind")


def name_of_start(setup):
    """the server's id is the same for all, and another after a restart"""
    ids = []
    for _ in range(2):
        with setup.hub("--presence-max", "0") as server:
            told = []
            for one in (server.guest(), server.guest()):
                one.send("/wire json")
                told.append(json.loads(one.read_line())["server"])
            check(told[0] == told[1], f"two ids of one start: {told}")
            ids.append(told[0])
    check(ids[0] != ids[1], f"both starts are {ids[0]}")


def errors_only(setup):
    """--log-level error: not a word while all is well"""
    with hub.scratch() as directory:
        path = f"{directory}/hub.sock"
        options = ("--log-level", "error", "--presence-max", "0", "-l", f"unix:{path}")
        with setup.hub(*options, quiet=True) as server:
            hub.wait_for(lambda: os.path.exists(path) and not refused(f"unix:{path}"), "the hub")
            server.guest(address=f"unix:{path}").expect_quiet()
        check(not server.log.lines, f"in the log: {server.log.lines}")


def quick_end(setup):
    """without clients the hub ends at once"""
    with setup.hub() as server:
        start = time.monotonic()
        server.stop()
        check(time.monotonic() - start < 1.0, "it took its time")


if __name__ == "__main__":
    tap.run(hub.Setup.from_arguments().cases(
        stopped_by(signal.SIGTERM), stopped_by(signal.SIGINT), one_never_reads, twice, restarted,
        restarted_after_kill, stale_path, name_of_start, errors_only, quick_end))
