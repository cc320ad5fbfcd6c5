# Puts the run's files into a private directory on the host, starts it detached, and follows its log.
# $1 marks the lines that are regtui's own, $2 is the unit as a name for files, $3 the name of the registry's lock, $4 what
# its runs were called once, and $5 what starts it, $6 one of the functions here, the rest its words.
mark=$1 unit=$2 key=$3 older=$4 starts=$5
shift 5

umask 077

tell() {
    printf '\n::regtui-%s %s\n' "$mark" "$*"
}

nap() {
    sleep 0.2 2>/dev/null || sleep 1
}

# Where it may lie: what survives a restart of the host first; in memory where the disk is full.
places() {
    places_of "$unit"
}

places_of() {
    test -z "${HOME:-}" || echo "${XDG_STATE_HOME:-$HOME/.local/state}/regtui/gc/$1"
    for shared in "/run/user/$(id -u)" /dev/shm /tmp; do
        if test -d "$shared" && test -w "$shared"; then echo "$shared/regtui-gc-$(id -u)/$1"; fi
    done
}

# In a place that everybody can write to, somebody else's directory or link may be waiting.
is_ours() {
    for part in "$1" "$(dirname "$1")"; do
        test -d "$part" && test ! -L "$part" && test -n "$(find "$part" -prune -user "$(id -u)" 2>/dev/null)" || return 1
    done
}

# The first $2 bytes of file $1, of a file alone: in a lock that somebody else made there may be anything.
peek() {
    test -f "$1" && head -c "$2" "$1" 2>/dev/null
}

# Whether the process that file $1 names is a run or its guard. Not by the pid alone: after a restart of the host it may
# be anybody's, whatever that is called: its birth stands beside it. Somebody else's can't be signalled, but seen.
is_run() {
    pid=$(peek "$1" 20)
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    if test -d /proc/self; then test -d "/proc/$pid"; else kill -0 "$pid" 2>/dev/null; fi || return 1
    ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null || return 1
    test ! -r "/proc/$pid/cmdline" || grep -q run.sh "/proc/$pid/cmdline" || return 1
    born=$(peek "$1-born" 200)
    test -z "$born" || test ! -r "/proc/$pid/stat" || test "$born" = "$(born "$pid")"
}

# As the run writes it of itself: since when process $1 runs, and since which start of the host.
born() {
    echo "$(sed -n 's/^.*) //p' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20)" "$(boot)"
}

is_alive() {
    test ! -e "$1/ended" && { is_run "$1/pid" || is_run "$1/guard"; }
}

# The lock is one for all who log in there, whatever their home is.
locks() {
    for shared in /tmp /dev/shm /run/lock; do
        echo "$shared/regtui-gc-$key.lock"
    done
}

boot() {
    cat /proc/sys/kernel/random/boot_id 2>/dev/null
}

# Whether what is in the directory $1 is this login's word, or root's: anybody can make one of that name, and a process to
# go with it.
is_trusted() {
    case $(ls -ldn "$1" 2>/dev/null | awk '{ print $3 }') in 0 | "$(id -u)") ;; *) return 1 ;; esac
}

# Since when it is, whose, and who that said to be: one line, of which all but whose it is may be anything. Whoever made
# it a moment ago is about to say so.
holder() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        test -d "$1" && test ! -s "$1/who" || break
        nap
    done
    peek "$1/who" 300 | head -n 1 | {
        read -r since _ who
        echo "${since:--} $(ls -ld "$1" 2>/dev/null | awk '{ print $3 }') $who"
    }
}

# A lock whose run and guard are dead, or from before the host was started. One without a run is just being begun.
is_stale() {
    booted=$(peek "$1/boot" 100)
    test -z "$booted" || test "$booted" = "$(boot)" || return 0
    if test -e "$1/pid"; then ! is_run "$1/pid" && ! is_run "$1/guard"; else
        test -z "$(find "$1" -prune -mmin -1 2>/dev/null)"
    fi
}

# Only one of those who found it stale makes this directory in it; if it was another's by then, it is left to it.
take_over() {
    # A link leads to a directory that is somebody's: nothing is made there.
    test ! -L "$1" || { rm -f -- "$1" && return 0 || return 1; }
    seen=$(peek "$1/mark" 100)
    mkdir "$1/takeover" 2>/dev/null || return 1
    if test "$(peek "$1/mark" 100)" != "$seen"; then
        rmdir "$1/takeover"
        return 1
    fi
    mv "$1" "$1.$mark" && rm -rf "$1.$mark"
}

# Whether the lock of the run in directory $1 is still that, and nobody can have begun another one since.
still_has_lock() {
    has=$(peek "$1/lock" 300)
    test -n "$has" && is_trusted "$has" && test "$(peek "$has/mark" 100)" = "$(peek "$1/mark" 100)"
}

# Tells who has the lock $1. Of a login that is neither this one nor root nobody knows whether it is a run's.
tell_busy() {
    if is_trusted "$1"; then tell "busy $(holder "$1")"; else tell "held $1 $(holder "$1")"; fi
}

# Takes the lock for $1, as $lock; tells who has it where that can't be. $2: not empty where others' locks count for nothing.
take_lock() {
    for lock in $(locks); do
        if test -e "$lock" || test -L "$lock"; then
            test -z "${2:-}" || is_trusted "$lock" || continue
            if ! is_stale "$lock"; then
                tell_busy "$lock"
                return 1
            fi
            take_over "$lock" || { tell "left $lock $(holder "$lock")"; return 1; }
        fi
    done
    for lock in $(locks); do
        # With room for it: a full disk may be what is to be collected.
        if mkdir -m 755 "$lock" 2>/dev/null; then
            # By the mark anybody could write lines that seem to be ours.
            (echo "$mark" > "$lock/mark" && umask 022 && boot > "$lock/boot"
                echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $(id -un) $1" > "$lock/who") 2>/dev/null && return 0
            rm -rf "$lock"
        elif test -e "$lock"; then
            test -z "${2:-}" || is_trusted "$lock" || continue
            tell_busy "$lock"
            return 1
        fi
    done
    tell no-room
    return 1
}

# Prints the log from line $2 on until the run has ended, or neither it nor its guard is there any more.
follow() {
    cd "$1" || exit 1
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        test -s pid && break
        nap
    done
    tail -n "+$2" -f log & reader=$!
    trap 'kill "$reader" 2>/dev/null' EXIT
    trap 'exit 1' HUP INT TERM PIPE
    while is_alive .; do sleep 1; done
    sleep 1
    kill "$reader" 2>/dev/null
    if test ! -e ended; then tell died
    elif ! grep -q "^::regtui-$(peek mark 100) end" log; then tell cut "$1"; fi
}

earlier() {
    { places && older_places; } | while read -r place; do
        if is_ours "$place" && test -s "$place/log"; then echo "$place"; break; fi
    done
}

# Where a run lies that was begun when several registries could have one name: of this registry, and no other.
older_places() {
    places_of "$older" | while read -r place; do
        if is_ours "$place" && test -n "$starts" && test "$(peek "$place/start" 65536)" = "$starts"; then
            echo "$place"
        fi
    done
}

# Follows the run that there is, from line $1 on.
go_on() {
    place=$(earlier)
    test -z "$place" || follow "$place" "$1"
}

# Writes the files that it is called with, NAME TEXT NAME TEXT …, into the current directory.
write_files() {
    while test "$#" -gt 1; do
        printf '%s\n' "$2" > "$1" || return 1
        shift 2
    done
    # For the last words, should the disk become full meanwhile.
    head -c 262144 /dev/zero > reserve || return 1
    # Also whether the disk takes them, and pipes: a script cut short must never run.
    mkfifo out && test "$(tail -n 1 run.sh)" = "# end" && test "$(tail -n 1 storage.sh)" = '"$@"'
}

# Begins a run: $1 is who, $2 what it is (collect or bring-back), the rest its files.
begin() {
    who=$1 what=$2
    shift 2
    take_lock "$who" || return 0
    old=$(earlier)
    if test -n "$old" && is_alive "$old"; then
        tell "busy $(holder "$old")"
        rm -rf "$lock"
        return 0
    fi
    { places && older_places; } | while read -r place; do
        # What was left behind elsewhere would be taken for the latest.
        if is_ours "$place"; then (cd "$place" && rm -rf -- *); fi
    done
    while read -r place; do
        mkdir -p "$place" 2>/dev/null && is_ours "$place" && cd "$place" || continue
        if write_files "$@" 2>/dev/null && echo "$lock" > lock && echo "$mark" > mark && cp "$lock/who" who &&
            date -u +%Y-%m-%dT%H:%M:%SZ > started && test -s started && : > log; then
            start "$what"
            return 0
        fi
        rm -rf -- *
    done <<PLACES
$(places)
PLACES
    rm -rf "$lock"
    tell no-room
}

# Starts what was written into the current directory, and follows it from where its log ends now.
start() {
    lines=$(wc -l < log)
    tell "begun $((lines + 1)) $place"
    detached run.sh "$1"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        test -s pid && break
        nap
    done
    follow "$place" $((lines + 1))
}

# Ends what a run left behind that was killed, and brings its registry back; with nothing known of one, as `begin` does.
bring_back() {
    who=$1
    shift
    place=$(earlier)
    if test -z "$place" || test -e "$place/ended"; then
        begin "$who" bring-back "$@"
        return 0
    fi
    if is_alive "$place"; then
        tell "busy $(holder "$place")"
        return 0
    fi
    others=
    ! still_has_lock "$place" || others=ignored
    take_lock "$who" "$others" || return 0
    # On a full disk there is the reserve.
    if cd "$place" && rm -f reserve pid guard && { echo "$lock" > lock && echo "$mark" > mark; } 2>/dev/null; then
        start bring-back
    else
        rm -rf "$lock"
        tell no-room
    fi
}

# In a session of its own, that no hang-up reaches.
detached() {
    if command -v setsid >/dev/null 2>&1; then
        setsid sh "$@" >> log 2>&1 </dev/null &
    else
        nohup sh "$@" >> log 2>&1 </dev/null &
    fi
}

# Leaves a word for the run: `stop`, or `heard` when its end was.
leave() {
    place=$(earlier)
    test -z "$place" || : > "$place/$1"
}

# Tells of somebody else's run by its lock. That our own died is said before what anybody may have put there.
told_by_locks() {
    unsure='' left=''
    for lock in $(locks); do
        test -d "$lock" && test ! -L "$lock" || continue
        if is_stale "$lock"; then left=${left:-$lock}
        elif is_trusted "$lock"; then
            tell "locked $(holder "$lock")"
            return 0
        else unsure=${unsure:-$lock}
        fi
    done
    test "$state" != died || return 1
    if test -n "$unsure"; then tell "locked $(holder "$unsure")"
    elif test -n "$left"; then tell "left $left $(holder "$left")"
    else return 1
    fi
}

# What is known of an earlier run, and its log's last lines; of somebody else's, that there is one.
status() {
    place=$(earlier)
    if test -n "$place" && cd "$place" && is_alive .; then state=running
    elif test -n "$place" && test -e ended; then
        state=ended
        test ! -e heard || state=
    else
        state=${place:+died}
    fi
    if test "$state" != running && told_by_locks; then return 0; fi
    test -n "$state" || return 0
    tell "earlier $state $(cat started 2>/dev/null || echo -) $(cat mark 2>/dev/null || echo -) $(holder .)"
    grep "^::regtui-$(cat mark 2>/dev/null) stage" log | tail -n 1
    tail -n 200 log | head -c 1000000
}

# Where what the lock belongs to can't be told any more, that of the run that there is.
if test "$key" = -; then
    key=$(place=$(earlier) && peek "$place/lock" 300 | sed -n 's/.*regtui-gc-\([0-9a-f]*\)\.lock$/\1/p')
    : "${key:=unknown}"
fi

"$@"
