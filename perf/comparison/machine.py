"""What stands beside every number: machine, kernel, versions, commit."""

import os
import platform
import subprocess


def cpu_model():
    """As /proc/cpuinfo calls it."""
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        names = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


def memory():
    """In GiB."""
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)


def commit(root):
    """The commit that was measured; a tree with changes says so."""
    def git(*arguments):
        return subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True,
                              check=False).stdout.strip()
    changed = "-changed" if git("status", "--porcelain", "--untracked-files=no") else ""
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + changed


def facts(root):
    """For the results."""
    return {"cpu": cpu_model(), "memory_gib": memory(), "kernel": platform.release(),
            "system": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
            "commit": commit(root)}
