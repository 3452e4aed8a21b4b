#!/usr/bin/env bash
# Whether LIST has exactly the unit tests that may start a thread: those whose programs call what begins one, or a library
# that may.
#
#     threads.sh LIST FOLDER NAMES     NAMES: a file with the tests' names, a line each; their programs are in FOLDER
#
# ThreadSanitizer's build has no others (tests.cmake): where there is one thread, no two can race. Programs of other builds
# are not asked: no test starts a thread in a sanitizer's build alone.
set -euo pipefail
list=$1 folder=$2 names=$3
begins=' (pthread_create|thrd_create|timer_create|aio_[a-z]+|uv_[a-z_]+|h2o_[a-z_]+|curl_[a-z_]+)(@|$)'

may_start() {
    local called
    called=$(nm -D --undefined-only "$folder/${1//./_}") || { echo "$1: its program cannot be read"; exit 2; }
    grep -qE "$begins" <<<"$called"
}

[ -s "$names" ] || { echo "no tests are named in $names"; exit 2; }
wrong=0
while read -r name; do
    if may_start "$name"; then is=yes; else is=no; fi
    if grep -qxF "$name" "$list"; then listed=yes; else listed=no; fi
    [ $is != "$listed" ] || continue
    wrong=$((wrong + 1))
    if [ $is = yes ]; then
        echo "$name may start threads: add it to tests/threads.txt"
    else
        echo "$name cannot start a thread: take it out of tests/threads.txt"
    fi
done <"$names"
while read -r name; do
    grep -qxF "$name" "$names" || { echo "$name of tests/threads.txt is no test"; wrong=$((wrong + 1)); }
done <"$list"
echo "$(wc -l <"$names") programs, $wrong listed wrongly"
[ $wrong = 0 ]
