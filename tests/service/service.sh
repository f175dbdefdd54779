#!/bin/sh
# The units under a real systemd: in a small Debian of their own, which systemd-nspawn(1) boots, with
# a network of its own. Needs root, debootstrap and systemd-nspawn; `./dev service` sees to that.
#
#     service.sh BUILD ROOT     a build with the prefix /usr; the folder for the Debian, kept. What
#                               its console says is in ROOT.boot
#
# Ends in `N passed, N failed, 0 skipped`.
set -eu

build=$1
root=$2
passed=0
failed=0

# What the programs are linked with, and what is asked for below.
packages=systemd,systemd-sysv,dbus,procps,netcat-openbsd
packages=$packages,libjansson4,liblua5.4-0,liburing2,libseccomp2,libunistring2

inside() {
    nsenter -t "$leader" -a "$@"
}

# Counts the case $1, which is what the rest, a command, finds.
check() {
    name=$1
    shift
    if "$@" >"$root.case" 2>&1; then
        passed=$((passed + 1))
        echo "ok - $backend: $name"
    else
        failed=$((failed + 1))
        echo "not ok - $backend: $name"
        sed 's/^/# /' "$root.case"
    fi
}

# Until the command succeeds: half a minute at most.
soon() {
    for _ in $(seq 150); do
        ! "$@" || return 0
        sleep 0.2
    done
    return 1
}

journal() {
    inside journalctl --no-pager --output cat --unit chatroom.service --since "$since"
}

heard() {
    journal | grep -q "$1"
}

# The hub answers who comes by these arguments of nc(1).
answers() {
    printf '/ping here\n/quit\n' | inside timeout 10 nc "$@" | grep -F '* pong here'
}

main_pid() {
    inside systemctl show --property MainPID --value chatroom.service
}

# Not root, no capability, no new privileges.
is_small() {
    status=$(inside cat "/proc/$(main_pid)/status")
    echo "$status"
    ! echo "$status" | grep -q '^Uid:.0' &&
        echo "$status" | grep -q '^CapEff:.0*$' &&
        echo "$status" | grep -q '^CapBnd:.0*$' &&
        echo "$status" | grep -q '^NoNewPrivs:.1$'
}

# Nothing was missing, and nothing had to be done without, such as the hub's own list of system calls.
is_content() {
    journal
    ! journal | grep -E '^chatroom_server: (warn|error):'
}

reloads() {
    inside systemctl reload chatroom.service && soon heard 'filters reloaded: 1'
}

comes_back() {
    before=$(main_pid)
    inside kill -KILL "$before"
    soon another_than "$before" && answers 127.0.0.1 8888
}

another_than() {
    now=$(main_pid)
    [ "$now" != 0 ] && [ "$now" != "$1" ]
}

# Who comes when it is stopped starts it again.
starts_again() {
    inside systemctl stop chatroom.service && answers 127.0.0.1 8888
}

is_closed() {
    inside ls -l /run/chatroom.sock | grep '^srw-rw---- 1 root root'
}

exposure() {
    inside systemd-analyze security --threshold=5 chatroom.service
}

try_backend() {
    backend=$1
    mkdir -p "$root/etc/systemd/system/chatroom.service.d"
    printf '[Service]\nExecStart=\nExecStart=/usr/bin/chatroom_server -b %s -f %s\n' "$backend" \
        /usr/share/chatroom/filters/words.lua >"$root/etc/systemd/system/chatroom.service.d/test.conf"
    inside systemctl daemon-reload
    inside systemctl stop chatroom.service
    inside systemctl reset-failed
    since=$(date '+%F %T')
    sleep 1 # the journal is asked by the second
    check "the first client starts it, by TCP" answers 127.0.0.1 8888
    check "and by the unix socket" answers -U /run/chatroom.sock
    check "it uses that backend" heard "using .*$backend"
    check "it is not root, and has no capability" is_small
    check "the unix socket is its owner's and group's" is_closed
    check "a reload loads the filters anew" reloads
    check "killed, it comes back" comes_back
    check "stopped, it comes with the next client" starts_again
    check "it has logged no warning and no error" is_content
    check "its exposure is 0.5 of 10 at most" exposure
}

[ -x "$root/usr/bin/systemctl" ] ||
    debootstrap --variant=minbase --include="$packages" bookworm "$root" http://deb.debian.org/debian >&2
DESTDIR=$root cmake --install "$build" >&2
systemctl --root="$root" enable chatroom.socket

SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --boot --directory="$root" --register=no \
    --keep-unit --private-network --console=pipe >"$root.boot" 2>&1 </dev/null &
machine=$!
trap 'kill "$machine"; wait "$machine" || true' EXIT

boots() {
    leader=$(pgrep --parent "$machine") && inside systemctl is-active --quiet chatroom.socket
}
if ! soon boots 2>/dev/null; then
    echo "service: the machine in $root has not come up within half a minute; its console said:" >&2
    cat "$root.boot" >&2
    exit 1
fi

try_backend uring
try_backend epoll
printf '%d passed, %d failed, 0 skipped\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
