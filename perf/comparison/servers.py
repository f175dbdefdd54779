"""The servers that are compared: the hub on each backend, the floor, and every peer there is.

A peer is a script in perf/peers that takes a port and becomes the server; comments at its beginning
say what it is called, which protocol it speaks, which package it comes from, how it tells its
version and, if that is fewer than usual, how many connections at once it lets come in. To add one,
write such a script.
"""

import os
import re
import shutil
import subprocess

PEERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers")


class Server:
    """One row of the comparison. `arguments` are for chatroom_bench."""

    def __init__(self, name, title, arguments, version="", command=()):
        self.name = name
        self.title = title
        self.arguments = arguments
        self.version = version
        self.command = list(command)

    @property
    def ours(self):
        """True for the hub and the floor."""
        return not self.command


def own_servers():
    """The hub on both backends, and the floor in both its ways."""
    floor = ["--server", "FLOOR"]
    return [
        Server("epoll", "Chatroom, epoll", ["--backend", "epoll"]),
        Server("uring", "Chatroom, io_uring", ["--backend", "uring"]),
        Server("floor", "floor, a send per turn", floor),
        Server("floor-message", "floor, a send per message", floor + ["--server-arg", "--per-message"]),
    ]


def facts_of(path):
    """The comments at the beginning of a peer's script, as a dictionary."""
    with open(path, encoding="utf-8") as script:
        return dict(re.findall(r"^# (title|protocol|package|version|parallel): (.*)$", script.read(), re.M))


def version_of(command):
    """The first line that has a number in it of what a peer says of itself; None if it is missing."""
    words = command.split()
    if not shutil.which(words[0]):
        return None
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return None
    lines = [line for line in (done.stdout + done.stderr).splitlines() if re.search(r"\d\.\d", line)
             or re.fullmatch(r"v?\d+[\d.]*", line)]
    return lines[0].strip() if lines else "unknown version"


def npm_has(package, environment):
    """True if this npm package is in the folder of the peers."""
    folder = environment.get("CHATROOM_PEERS", "")
    return os.path.isdir(os.path.join(folder, "node_modules", *package.split("/")))


def find_peers(environment):
    """(installed peers as servers, {name: package} of those that are missing)"""
    found, missing = [], {}
    for name in sorted(os.listdir(PEERS)):
        path = os.path.join(PEERS, name)
        if not os.access(path, os.X_OK):
            continue
        facts = facts_of(path)
        package = facts["package"]
        version = version_of(facts["version"])
        if package.startswith("npm:") and not npm_has(package[4:], environment):
            version = None
        if version is None:
            missing[name] = package
        else:
            parallel = ["--parallel", facts["parallel"]] if "parallel" in facts else []
            found.append(Server(name, facts["title"], ["--protocol", facts["protocol"], *parallel],
                                version, [path, "{port}"]))
    return found, missing
