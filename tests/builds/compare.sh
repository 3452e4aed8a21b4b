#!/usr/bin/env bash
# The same commands through the engine as each compiler makes it: the same bytes of events and snapshots.
#
#     compare.sh FOLDER [PLANT]      builds in FOLDER, a folder each; PLANT: with that bug of planted.c
#
# Exit 1 when two builds differ, or model and engine do in one of them. COMMANDS and SNAPSHOT_COMMANDS say
# how many are played for each of the SEEDS.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
plant=${2:+_$2}
read -r -a seeds <<<"${SEEDS:-1 5000 900000}"
commands=${COMMANDS:-120000}
snapshot_commands=${SNAPSHOT_COMMANDS:-15000}
builds="gcc-O0 gcc-O3 clang-O0 clang-O3"

build() {
    local to=$folder/$1 log=$folder/$1.log
    mkdir -p "$to"
    { cmake -S "$here" -B "$to" -G Ninja -DCMAKE_C_COMPILER="${1%-*}" -DCMAKE_BUILD_TYPE= \
        -DCMAKE_C_FLAGS="-${1#*-}" && ninja -C "$to"; } >"$log" 2>&1 ||
        { tail -n 20 "$log"; echo "$1 does not build"; exit 1; }
}

# The hash that a program prints, under a name.
hash_of() {
    local said
    said=$("$@" --hash) || { printf '%s\n' "$said" | tail -n 40; echo "fails: $*"; exit 1; }
    printf '%s\n' "$said" | awk '/^hash / { print $2 }'
}

play() {
    local seed events snapshots
    for seed in "${seeds[@]}"; do
        events=$(hash_of "$folder/$1/model_run$plant" --seed "$seed" --commands "$commands" --check 1000) ||
            { echo "$events"; exit 1; }
        snapshots=$(hash_of "$folder/$1/model_twin$plant" --seed "$seed" --commands "$snapshot_commands") ||
            { echo "$snapshots"; exit 1; }
        [ ${#events} = 64 ] && [ ${#snapshots} = 64 ] || { echo "$1 prints no hash"; exit 1; }
        printf 'seed %s events %s snapshots %s\n' "$seed" "$events" "$snapshots"
    done
}

mkdir -p "$folder"
for name in $builds; do build "$name"; done
same=yes
for name in $builds; do
    echo "$name:"
    play "$name" >"$folder/$name$plant.hashes" || { cat "$folder/$name$plant.hashes"; exit 1; }
    cat "$folder/$name$plant.hashes"
    cmp -s "$folder/$name$plant.hashes" "$folder/${builds%% *}$plant.hashes" || { same=no; echo "$name differs"; }
done
[ $same = yes ] && echo "the same: $((commands * ${#seeds[@]})) commands"
