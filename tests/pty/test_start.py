"""chatroom_client from its command line to the hub: options, addresses, nobody there."""

import os
import socket
import subprocess
import sys
import tempfile

import driver
from driver import FakeHub, Program
from tap import check, run


def refused(client):
    """nobody listens: status 69 and the address"""
    hub = FakeHub()
    hub.close()
    with Program([client, hub.address]) as program:
        program.expect_exit(69, f"cannot connect to {hub.address}: Connection refused\n".encode())
    with Program([client, "unix:/nowhere/hub"]) as program:
        program.expect_exit(69, b"cannot connect to unix:/nowhere/hub: No such file or directory\n")


def unknown_host(client):
    """a host that cannot be resolved: status 68"""
    with Program([client, "no-such-host.invalid:8888"]) as program:
        program.expect_exit(68, b"cannot connect to no-such-host.invalid: ", deadline=60)


def connect_times_out(client):
    """a hub that does not answer: status 69 after --connect-timeout"""
    hub = FakeHub()
    hub.sock.listen(0)
    waiting = []
    while not waiting or waiting[-1].connect_ex(("127.0.0.1", hub.port)) == 0:
        check(len(waiting) < 100, "the listener's queue does not fill")
        waiting.append(socket.socket())
        waiting[-1].settimeout(0.2)
    with Program([client, "--connect-timeout", "50", hub.address]) as program:
        program.expect_exit(69, f"cannot connect to {hub.address}: Connection timed out".encode())
    for sock in waiting:
        sock.close()


def other_addresses(client):
    """localhost, :PORT, [::1]:PORT and unix:PATH lead to a hub"""
    v4 = FakeHub()
    hubs = [(v4, f"localhost:{v4.port}"), (v4, f":{v4.port}")]
    if has_ipv6():
        v6 = FakeHub(socket.AF_INET6, ("::1", 0))
        hubs.append((v6, v6.address))
    with tempfile.TemporaryDirectory() as folder:
        local = FakeHub(socket.AF_UNIX, f"{folder}/hub")
        hubs.append((local, local.address))
        for hub, address in hubs:
            with Program([client, address], stdin=subprocess.DEVNULL) as program:
                peer = hub.accept()
                peer.send(b"ann: hi\n")
                peer.expect_end()
                peer.close()
                check(program.expect_exit(0) == b"ann: hi\n", f"{address}: no message")


def has_ipv6():
    """True if the loopback interface has its IPv6 address."""
    with socket.socket(socket.AF_INET6) if socket.has_ipv6 else socket.socket() as sock:
        try:
            sock.bind(("::1", 0))
        except OSError:
            return False
    return True


def wrong_usage(client):
    """wrong usage: status 64, what is wrong, and where to look"""
    for words, said in (
            (["--no-such"], b"--no-such"), (["-N"], b"requires an argument"),
            (["a", "b"], b"\"b\" is too many"), (["localhost:0"], b"port number"),
            (["localhost:65536"], b"port number"), (["localhost:"], b"port number"),
            (["localhost:http"], b"port number"), (["[::1"], b"is no HOST"),
            (["[::1]8888"], b"is no HOST"), (["unix:"], b"no path"), (["x" * 300], b"is no HOST"),
            (["-N", ""], b"is empty"), (["-N", "a b"], b"spaces"), (["-N", "a\nb"], b"control"),
            (["-N", "x" * 33], b"longer"), (["--linger", "x"], b"--linger"),
            (["--linger", "0"], b"--linger"), (["--connect-timeout", "-1"], b"--connect-timeout")):
        with Program([client, *words]) as program:
            check(program.expect_exit(64, said) == b"", "standard output is not empty")
            check(b"chatroom_client --help" in program.err.rest(), "no hint")


def help_and_version(client):
    """--help fits a screen, --version is one line"""
    with Program([client, "--help"]) as program:
        lines = program.expect_exit(0).decode().splitlines()
        check(len(lines) <= 24 and max(map(len, lines)) <= 100, "it is larger than a screen")
        check("chatroom_client [OPTIONS] [HOST[:PORT] | unix:PATH]" in lines[0], lines[0])
    with Program([client, "--version"]) as program:
        check(program.expect_exit(0).startswith(b"chatroom_client 0."), "no version")
    with open("/dev/full", "wb") as full, Program([client, "--help"], stdout=full) as program:
        program.expect_exit(1)


if __name__ == "__main__":
    run(driver.cases(
        os.path.abspath(sys.argv[1]), refused, unknown_host, connect_times_out, other_addresses,
        wrong_usage, help_and_version))
