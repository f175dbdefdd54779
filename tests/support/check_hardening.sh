#!/bin/sh
# check_hardening.sh PROGRAM...: fails unless each program was linked and compiled so that a fault in
# it is hard to use: position independent, relocations read-only before it starts, no executable
# stack, stack protector, checked libc calls, no search path for libraries.
set -eu

fail() {
    echo "$program: $*" >&2
    exit 1
}

check() {
    headers=$(readelf -hldW "$program")
    symbols=$(readelf --dyn-syms -W "$program")
    echo "$headers" | grep -Eq 'Type: +DYN' || fail "not position independent"
    echo "$headers" | grep -q 'GNU_RELRO' || fail "no RELRO"
    echo "$headers" | grep -Eq 'BIND_NOW|FLAGS_1.*NOW' || fail "relocations are bound lazily"
    echo "$headers" | grep 'GNU_STACK' | grep -q 'RWE' && fail "executable stack"
    echo "$headers" | grep -Eq 'RPATH|RUNPATH' && fail "has a search path for libraries"
    echo "$symbols" | grep -q '__stack_chk_fail' || fail "no stack protector"
    echo "$symbols" | grep -q '__[a-z]*_chk@' || fail "no checked libc calls (fortify)"
    echo "$program: hardened"
}

for program; do
    check
done
