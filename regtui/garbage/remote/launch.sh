# Puts the run's files into a private directory on the host, starts it detached, and follows its log.
# Set before: unit, a name for files, and to begin a run the function write_files, into the current directory.

umask 077

# Where it may lie: what survives a restart of the host first; in memory where the disk is full.
places() {
    test -z "${HOME:-}" || echo "${XDG_STATE_HOME:-$HOME/.local/state}/regtui/gc/$unit"
    for shared in "/run/user/$(id -u)" /dev/shm /tmp; do
        if test -d "$shared" && test -w "$shared"; then echo "$shared/regtui-gc-$(id -u)/$unit"; fi
    done
}

# In a place that everybody can write to, somebody else's directory or link may be waiting.
is_ours() {
    for part in "$1" "$(dirname "$1")"; do
        test -d "$part" && test ! -L "$part" && test -n "$(find "$part" -prune -user "$(id -u)" 2>/dev/null)" || return 1
    done
}

# Not by the pid alone: after a restart of the host it may be anybody's.
is_alive() {
    test ! -e "$1/ended" && test -s "$1/pid" && kill -0 "$(cat "$1/pid")" 2>/dev/null || return 1
    started_as=/proc/$(cat "$1/pid")/cmdline
    test ! -r "$started_as" || grep -q run.sh "$started_as"
}

# Prints the log from line $2 on until the run has ended.
follow() {
    cd "$1" || exit 1
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        test -s pid && break
        sleep 0.2 2>/dev/null || sleep 1
    done
    tail -n "+$2" -f log & reader=$!
    trap 'kill "$reader" 2>/dev/null' EXIT HUP INT TERM PIPE
    while test ! -e ended && is_alive .; do sleep 1; done
    # The guard's last words, where the run was killed.
    for _ in 1 2 3 4 5 6 7 8 9 10; do test -e ended && break; sleep 3; done
    sleep 1
}

earlier() {
    places | while read -r place; do
        if is_ours "$place" && test -s "$place/log"; then echo "$place"; break; fi
    done
}

begin() {
    old=$(earlier)
    if test -n "$old" && is_alive "$old"; then
        echo "::regtui busy"
        return 0
    fi
    while read -r place; do
        # What was left behind elsewhere would be taken for the latest.
        if is_ours "$place"; then (cd "$place" && rm -f pid collecting ended stop heard log started run.sh storage.sh); fi
    done <<PLACES
$(places)
PLACES
    while read -r place; do
        mkdir -p "$place" 2>/dev/null && is_ours "$place" && cd "$place" || continue
        # Also whether the disk takes them: a script cut short must never run.
        if write_files 2>/dev/null && date -u +%Y-%m-%dT%H:%M:%SZ > started && test -s started && : > log; then
            echo "::regtui begun $place"
            detached run.sh
            for _ in 1 2 3 4 5 6 7 8 9 10; do
                test -s pid && break
                sleep 0.1 2>/dev/null || sleep 1
            done
            detached run.sh guard
            follow "$place" 1
            return 0
        fi
        rm -f run.sh storage.sh log started
    done <<PLACES
$(places)
PLACES
    echo "::regtui no-room"
}

# In a session of its own, that no hang-up reaches.
detached() {
    if command -v setsid >/dev/null 2>&1; then
        setsid sh "$@" >> log 2>&1 </dev/null &
    else
        nohup sh "$@" >> log 2>&1 </dev/null &
    fi
}

# What is known of an earlier run, and its log's last lines.
status() {
    place=$(earlier)
    test -n "$place" && cd "$place" || return 0
    test -e ended && test -e heard && return 0
    if is_alive .; then running=yes; else running=no; fi
    echo "::regtui earlier $running $(cat started 2>/dev/null)"
    grep '^::regtui stage' log | tail -n 1
    tail -n 200 log
}
