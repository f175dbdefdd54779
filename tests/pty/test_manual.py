"""What chatroom_client's documents say is so: every example of the man page, and of README's section
on pipes, is run, in order, with one hub for all; and all options are in the man page, in --help and
in the completion."""

import os
import re
import subprocess
import tempfile

from driver import ENVIRONMENT, Program, prepare
from hub import DEADLINE, Setup, show, wait_for
from tap import check, run

CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../client")


def read(name):
    """A file of the client's folder."""
    with open(f"{CLIENT}/{name}", encoding="utf-8") as file:
        return file.read()


class Example:
    """A command of the man page, and what it shows there."""

    def __init__(self, command):
        self.command = command
        self.shown = ""

    def __str__(self):
        return self.command.split("\n")[0]


def gather(found, line):
    """Takes a line: `$ ` begins a command, `> ` goes on with it, the rest is shown."""
    if line.startswith("$ "):
        found.append(Example(line[2:]))
    elif line.startswith("> "):
        found[-1].command += "\n" + line[2:]
    else:
        found[-1].shown += line + "\n"


def manual_examples():
    """Those of section EXAMPLES."""
    section = read("chatroom_client.1").split(".Sh EXAMPLES")[1].split(".Sh ")[0]
    found = []
    for block in re.findall(r"\.Bd -literal -offset indent\n(.*?)\.Ed", section, re.DOTALL):
        for line in block.replace("\\e", "\\").splitlines():
            gather(found, line)
    return found


def readme_examples():
    """Those of README's section on pipes."""
    section = read("../README.md").split("## The client in a pipe")[1].split("\n## ")[0]
    found = []
    for line in section.splitlines():
        if line.startswith("    "):
            gather(found, line[4:])
    return found


def alike(text):
    """Without what differs from time to time and from place to place: numbers."""
    return re.sub(r"\d+", "0", text)


class Stage:
    """Where examples are run: a hub, somebody in #ops, a home, a terminal multiplexer."""

    def __init__(self, server, client, folder):
        os.mkdir(f"{folder}/bin")
        os.symlink(client, f"{folder}/bin/chatroom_client")
        self.environment = {
            **ENVIRONMENT, "CHATROOM_HUB": server.addresses[0], "HOME": folder,
            "PATH": f"{folder}/bin:{os.environ['PATH']}", "TMUX_TMPDIR": folder}
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "TMUX"):
            self.environment.pop(name, None)
        self.ops = Program([client, "-nq", "-N", "ops", "-r", "#ops", server.addresses[0]],
                           stdin=subprocess.DEVNULL)
        wait_for(lambda: "#ops 1" in self.run("chatroom_client -q --send /rooms").stdout,
                 "somebody in #ops")

    def run(self, command):
        """Runs a command of bash."""
        return subprocess.run(["bash", "-c", command], env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=4 * DEADLINE, check=False)

    def play(self, example):
        """Runs one; checks what it writes to standard output, as far as something is shown."""
        done = self.run(example.command)
        wanted, got = alike(example.shown), alike(done.stdout)
        check(done.returncode == 0 and wanted == got,
              f"status {done.returncode}\nwanted {show(wanted.encode())}\n"
              f"   got {show(got.encode())}\n  said {show(done.stderr.encode())}")

    def close(self):
        """Ends what is left."""
        subprocess.run(["tmux", "kill-server"], env=self.environment, capture_output=True,
                       check=False)
        with self.ops:
            pass


def options():
    """Long names of options by where they may be given, from their table."""
    rows = re.findall(r"\{(?:'.'|0), \"([a-z-]+)\", OPTION_([A-Z]+), OPTION_IN_([A-Z]+)",
                      read("option_table.c"))
    wanted = int(re.search(r"OPTION_ROWS = (\d+)", read("option_table.h")).group(1))
    check(len(rows) == wanted, f"{len(rows)} options found, {wanted} there are")
    command = {name for name, _, place in rows if place != "FILE"}
    negative = {f"no-{name}" for name, kind, _ in rows if kind in ("FLAG", "OPTIONAL")}
    settings = {name for name, _, place in rows if place in ("BOTH", "FILE")}
    return command, negative, settings


def manual_has_all_options(_client):
    """every option and every setting is in the man page, and no other"""
    command, negative, settings = options()
    page = read("chatroom_client.1")
    told = set()
    for line in re.findall(r"^\.It (Fl .*)$", page, re.MULTILINE):
        told |= set(re.findall(r"(?:Fl|,) -([a-z-]+)", line))
    check({name.removeprefix("no-") for name in told} - command - negative == set() and
          command - told <= {"remember"}, f"{command ^ told}")
    files = page.split(".Sh FILES")[1].split(".Sh ")[0]
    named = set(re.findall(r"[a-z-]+", " ".join(re.findall(r"^\.Cm (.*)$", files, re.MULTILINE))))
    check(named - {"yes", "no"} == settings, f"{named ^ settings}")


def help_has_all_options(client):
    """every option is in --help"""
    text = subprocess.run([client, "--help"], env=ENVIRONMENT, capture_output=True, text=True,
                          check=True).stdout
    told = set(re.findall(r"--([a-z-]+)", text))
    command, _, _ = options()
    check(command - told == {"remember"} and "no-remember" in told, f"{command - told}")


def completion_has_all_options(_client):
    """every option is completed by bash, and values are"""
    command, negative, _ = options()

    def complete(*words):
        script = (f". {CLIENT}/chatroom_client_completion.sh; COMP_WORDS=(\"$@\"); "
                  "COMP_CWORD=$(($# - 1)); _chatroom_client; printf '%s\\n' \"${COMPREPLY[@]}\"")
        done = subprocess.run(["bash", "-c", script, "-", "chatroom_client", *words],
                              capture_output=True, text=True, check=True)
        check(not done.stderr, done.stderr)
        return set(done.stdout.split())
    check(complete("--") == {f"--{name}" for name in command | negative}, f"{complete('--')}")
    check(complete("--color", "a") == {"auto", "always"}, "not the colours")
    check(complete("--nick", "-") == set() and complete("u") >= {"unix:"}, "not the words")
    check(f"{CLIENT}/client.h" in complete("--config", f"{CLIENT}/client.h"), "no file")


def on_stage(setup, client, name, examples):
    """Cases: the examples, with a hub that starts before the first and stops after the last."""
    place = {}

    def begin():
        place["folder"] = tempfile.TemporaryDirectory()
        place["hub"] = setup.hub()
        place["stage"] = Stage(place["hub"], client, place["folder"].name)

    def end():
        place["stage"].close()
        with place["hub"]:
            pass
        place["folder"].cleanup()
    return [(f"{name}: the hub starts", begin),
            *[(f"{name}: {example}", lambda example=example: place["stage"].play(example))
              for example in examples],
            (f"{name}: the hub stops", end)]


def main():
    """All cases."""
    prepare()
    setup, client = Setup.from_arguments("client")
    client = os.path.abspath(client)
    run([(case.__doc__, lambda case=case: case(client)) for case in (
        manual_has_all_options, help_has_all_options, completion_has_all_options)] +
        on_stage(setup, client, "manual", manual_examples()) +
        on_stage(setup, client, "README", readme_examples()))


if __name__ == "__main__":
    main()
