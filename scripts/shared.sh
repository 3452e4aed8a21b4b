#!/usr/bin/env bash
# What scripts/up, scripts/test and the image share. Sourced by bash, or run:
#
#     scripts/shared.sh install GROUP...     groups of scripts/packages
#
# Works as root or as a user who may sudo. Installs only what is missing.

packages_file=$(dirname "${BASH_SOURCE[0]}")/packages
backports_file=/etc/apt/sources.list.d/quorex-backports

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        fail "packages are missing, and installing them needs root or sudo"
    fi
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q -y "$@"; }

# Runs a command silently; shows what it said when it fails.
quietly() {
    local output status=0
    output=$("$@" 2>&1) || status=$?
    [ $status = 0 ] || printf '%s\n' "$output" | tail -n 15 >&2
    return $status
}

packages_of() {
    local group
    for group in "$@"; do
        awk -v group="$group" '$1 == group { print $2 }' "$packages_file"
    done
}

installed_version() {
    dpkg-query -W -f '${db:Status-Abbrev}${Version}\n' "$1" 2>/dev/null | awk '/^ii/ { print $2 }'
}

# The packages of the groups that are not there. A libraft below 0.22 counts as not there.
missing_packages() {
    local package version
    for package in $(packages_of "$@"); do
        version=$(installed_version "$package")
        if [ -z "$version" ]; then
            echo "$package"
        elif [[ $package == libraft* ]] && dpkg --compare-versions "$version" lt 0.22; then
            echo "$package"
        fi
    done
}

# The machine's own Debian source, whichever form it has, with the suite changed to backports.
backports_source() {
    awk -v RS='' '
        /(^|\n)Suites:[^\n]*[ \t]bookworm([ \t\n]|$)/ && /(^|\n)Types:[^\n]*deb/ && !/(^|\n)Enabled:[ \t]*no/ {
            print "Types: deb"
            count = split($0, lines, "\n")
            for (i = 1; i <= count; i++)
                if (lines[i] ~ /^(URIs|Signed-By|Trusted):/ || (kept && lines[i] ~ /^[ \t]/)) { print lines[i]; kept = 1 } else kept = 0
            print "Suites: bookworm-backports"
            print "Components: main"
            found = 1
            exit
        }
        END { exit !found }' /etc/apt/sources.list.d/*.sources 2>/dev/null
}

backports_line() {
    { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
        awk '/^deb[ \t]/ { for (i = 2; i < NF; i++) if ($i == "bookworm") {
                 $i = "bookworm-backports"; line = $1
                 for (k = 2; k <= i; k++) line = line " " $k
                 print line " main"; found = 1; exit } }
             END { exit !found }'
}

add_backports() {
    local text
    grep -rqsE '^[^#]*bookworm-backports' /etc/apt/sources.list /etc/apt/sources.list.d/ && return
    if text=$(backports_source); then
        printf '%s\n' "$text" | as_root tee $backports_file.sources >/dev/null
    elif text=$(backports_line); then
        printf '%s\n' "$text" | as_root tee $backports_file.list >/dev/null
    else
        fail "no apt source of Debian bookworm found to derive bookworm-backports from"
    fi
}

# PostgreSQL's package would start a server nobody asked for.
install_database() {
    local conf=/etc/postgresql-common/createcluster.d/quorex.conf
    if [ -n "$(installed_version postgresql-common)" ]; then
        quietly apt install --no-install-recommends "$@"
        return
    fi
    as_root mkdir -p "$(dirname $conf)"
    echo 'create_main_cluster = false' | as_root tee $conf >/dev/null
    local status=0
    quietly apt install --no-install-recommends "$@" || status=$?
    as_root rm -f $conf
    return $status
}

install_packages() {
    local plain=() backports=() database=() group package
    for group in "$@"; do
        for package in $(missing_packages "$group"); do
            case $group in
            backports-*) backports+=("$package") ;;
            database) database+=("$package") ;;
            *) plain+=("$package") ;;
            esac
        done
    done
    [ $((${#plain[@]} + ${#backports[@]} + ${#database[@]})) -gt 0 ] || return 0

    grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release ||
        fail "this is not Debian 12 (bookworm); install by hand: ${plain[*]} ${database[*]} ${backports[*]}"
    say "packages: installing $((${#plain[@]} + ${#backports[@]} + ${#database[@]}))"
    as_root true || fail "installing them needs root or sudo: $(echo "${plain[@]}" "${database[@]}" "${backports[@]}")"
    [ ${#backports[@]} = 0 ] || add_backports
    quietly apt update || fail "apt-get update failed: is the network there?"
    [ ${#plain[@]} = 0 ] || quietly apt install --no-install-recommends "${plain[@]}" ||
        fail "cannot have one of: ${plain[*]}"
    [ ${#database[@]} = 0 ] || install_database "${database[@]}" ||
        fail "cannot have one of: ${database[*]}"
    [ ${#backports[@]} = 0 ] || quietly apt install -t bookworm-backports "${backports[@]}" ||
        fail "cannot have one of: ${backports[*]} (from bookworm-backports)"
}

# Node from elsewhere conflicts with Debian's npm: take what is there.
install_node() {
    command -v npm >/dev/null && return
    say "packages: installing Node"
    quietly apt update || fail "apt-get update failed: is the network there?"
    quietly apt install --no-install-recommends nodejs npm || fail "cannot have nodejs and npm"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    [ "${1:-}" = install ] && [ $# -gt 1 ] || fail "usage: scripts/shared.sh install GROUP..."
    shift
    install_packages "$@"
fi
