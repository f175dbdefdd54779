"""What the hub gives up: root, new privileges, system calls; and where it listens for whom."""

import os
import pwd
import re
import signal
import socket
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

import hub  # noqa: E402
import tap  # noqa: E402
from tap import Skip, check  # noqa: E402

USER = "nobody"
FILTER = 'return {name = "loud", api = 1, on_message = function(msg) msg.text = msg.text:upper() end}'


def status_of(server):
    """/proc/PID/status as a dictionary of words."""
    with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
        return {key: value.split() for key, value in
                (line.rstrip("\n").split(":", 1) for line in status)}


def chat(server, first=None):
    """Two clients talk, through what the first of them connects to."""
    a, b = server.guest(address=first), server.guest()
    a.expect(f"* {b.nick} joined")
    a.send("hello")
    b.expect(re.compile(f"{a.nick}: (hello|HELLO)"))
    return a, b


def write_filter(directory, text=FILTER):
    """A filter that everybody may read."""
    os.chmod(directory, 0o755)
    path = f"{directory}/loud.lua"
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, 0o644)
    return path


def sealed(setup):
    """no new privileges and a system call filter, and the hub serves as before"""
    with hub.scratch() as directory:
        path = write_filter(directory)
        with setup.hub("-f", path, "--watch", "-l", f"unix:{directory}/hub.sock",
                       "-l", "127.0.0.1:0") as server:
            status = status_of(server)
            check(status["Seccomp"] == ["2"], f"Seccomp: {status['Seccomp']}")
            check(status["NoNewPrivs"] == ["1"], f"NoNewPrivs: {status['NoNewPrivs']}")
            chat(server, server.addresses[1])
            server.signal(signal.SIGUSR1)
            server.log.expect("counter messages 1$")
            server.signal(signal.SIGHUP)
            server.log.expect("filters reloaded")
            write_filter(directory, FILTER.replace("upper", "lower"))
            server.log.expect("filters reloaded")
            operator = server.guest(address=f"unix:{directory}/hub.sock")
            operator.send("/reload")
            while b"Filters reloaded" not in operator.read_line():
                pass


def unsealed(setup):
    """--seccomp off leaves system calls alone"""
    with setup.hub("--seccomp", "off") as server:
        check(status_of(server)["Seccomp"] == ["0"], "there is a filter")
        chat(server)


def other_user(setup):
    """--user: root binds, the user serves; filters are loaded and reloaded as the user"""
    if os.geteuid() != 0:
        raise Skip("only root can try it")
    with hub.scratch() as directory:
        path = write_filter(directory)
        os.chmod(directory, 0o777)
        sock = f"{directory}/hub.sock"
        with setup.hub("--user", USER, "-f", path, "-l", f"unix:{sock}", "-l",
                       "127.0.0.1:0") as server:
            wanted = pwd.getpwnam(USER)
            status = status_of(server)
            check(status["Uid"] == [str(wanted.pw_uid)] * 4, f"Uid: {status['Uid']}")
            check(status["Gid"] == [str(wanted.pw_gid)] * 4, f"Gid: {status['Gid']}")
            check("0" not in status["Groups"], f"Groups: {status['Groups']}")
            check(int(status["CapEff"][0], 16) == 0, f"CapEff: {status['CapEff']}")
            owner = os.stat(sock)
            check(owner.st_uid == wanted.pw_uid, f"the socket belongs to {owner.st_uid}")
            chat(server, server.addresses[1])
            server.signal(signal.SIGHUP)
            server.log.expect("filters reloaded")
        check(not os.path.exists(sock), "the path was left behind")


def no_such_user(setup):
    """--user with a name nobody has: exit 78 and why"""
    done = setup.run("-l", "127.0.0.1:0", "--user", "no-such-user")
    check(done.returncode == 78, f"exit status {done.returncode}")
    wanted = b'there is no user "no-such-user"' if os.geteuid() == 0 else b"only root can"
    check(wanted in done.stderr, done.stderr.decode())


def socket_mode(setup):
    """a unix socket is for its owner and group, whatever the umask"""
    for mask in (0, 0o022, 0o777):
        with hub.scratch() as directory:
            sock = f"{directory}/hub.sock"
            before = os.umask(mask)
            try:
                server = setup.hub("-l", f"unix:{sock}")
            finally:
                os.umask(before)
            with server:
                mode = stat.S_IMODE(os.stat(sock).st_mode)
                check(mode == 0o660, f"umask {mask:03o}: mode {mode:03o}")
                chat(server)


def activated(setup):
    """listening sockets of a service manager are served, and their paths left to it"""
    with hub.scratch() as directory:
        path = f"{directory}/given.sock"
        tcp, local = socket.socket(), socket.socket(socket.AF_UNIX)
        tcp.bind(("127.0.0.1", 0))
        local.bind(path)
        for sock in (tcp, local):
            sock.listen()
        script = ('exec 3<&"$1" 4<&"$2"; shift 2; LISTEN_PID=$$ LISTEN_FDS=2 '
                  'LISTEN_FDNAMES=a:b; export LISTEN_PID LISTEN_FDS LISTEN_FDNAMES; exec "$@"')
        wrapper = ["bash", "-c", script, "sh", str(tcp.fileno()), str(local.fileno())]
        command = [*wrapper, setup.server, "-b", setup.backend]
        with hub.Hub(command, 2, setup.environment, inherited=(tcp.fileno(), local.fileno())) as server:
            port = tcp.getsockname()[1]
            check(server.addresses == [f"127.0.0.1:{port}", f"unix:{path}"], f"{server.addresses}")
            chat(server, server.addresses[1])
        check(os.path.exists(path), "the path of the service manager was removed")
        tcp.close()
        local.close()


def no_listener(setup):
    """a descriptor that does not listen is refused: exit 69 and why"""
    one, other = socket.socketpair()
    script = ('exec 3<&"$1"; shift; LISTEN_PID=$$ LISTEN_FDS=1; '
              'export LISTEN_PID LISTEN_FDS; exec "$@"')
    command = ["bash", "-c", script, "sh", str(one.fileno()), setup.server, "-b", setup.backend]
    server = hub.Hub(command, 1, setup.environment, quiet=True, inherited=(one.fileno(),))
    server.log.expect("descriptor 3 from the service manager is no listening stream socket")
    server.wait_exit(hub.EXIT_UNAVAILABLE)
    one.close()
    other.close()


if __name__ == "__main__":
    tap.run(hub.Setup.from_arguments().cases(
        sealed, unsealed, other_user, no_such_user, socket_mode, activated, no_listener))
