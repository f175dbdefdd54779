#!/bin/sh
# Every header must compile on its own, and twice: check_headers.sh COMPILER HEADER...
set -eu

compiler=$1
shift
lua=$(pkg-config --cflags lua5.4)
bad=0
for header; do
    # From standard input, because a compiler judges a header that is its main file by other rules.
    # shellcheck disable=SC2086 # $lua is a list of words
    printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
        "$compiler" -std=gnu17 -D_GNU_SOURCE -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow \
            -Wconversion -Werror -I. -Icore -Iplugins -Iclient -Itests/support \
            $lua -x c - || bad=1
done
exit "$bad"
