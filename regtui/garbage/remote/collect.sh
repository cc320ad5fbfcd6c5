# The collection itself: goes on whatever becomes of the connection, and brings the registry back whatever happens.
# Called in its own directory, detached. $1 is "collect", "guard" for the one that watches over it, "bring-back" to end what
# a run left behind that was killed. All that differs between registries lies beside it, a file each:
#   mark, most (bytes of a log), keep-out (stop, read-only, online), restart (yes, no), ours (yes where the collector can be ended), name (the
#   registry's, in words), root, config, process and user (the collector's words, and whose it is), empty and uploads (what
#   is removed), upload-minutes, silence (yes where its address has to be silent once it is stopped), patience (seconds that
#   a word is waited for), answer (seconds that a storage has for one), idle (seconds
#   that a collector may do nothing), and command lines: is-still, is-another, prepare,
#   tidy, stop, start, check, any-runs, make-stand-in, serve, serves, serve-log, read-only, read-write, hold, release, collector, quit,
#   gone, quit-asking, kill, readlink, shell, shell-now. quit and gone are of all that is begun beside the registry: collector and stand-in.
# What it prints is its log: lines that begin with its mark are its own, the others are the programs'.

get() {
    cat "$1" 2>/dev/null
}

mark=$(get mark) keep_out=$(get keep-out) ours=$(get ours) lock=$(get lock) was_killed=no untouched=no
: "${lock:=/nowhere}"

# On a line of its own: other programs' last words may end without a line break.
say() {
    printf '\n::regtui-%s %s\n' "$mark" "$*"
}

failed() {
    say "failed $*"
    exit 1
}

nap() {
    sleep 0.2 2>/dev/null || sleep 1
}

# Runs the command line in file $1; nothing to do is done well. Apart, so that it changes nothing here.
line() {
    (eval "$(get "$1")")
}

has() {
    test -n "$(get "$1")"
}

# Asks the storage, by the shell in file $1, as storage.sh has it. The registry isn't kept down for an answer.
ask() {
    by=$(get "$1") asked=$(cat storage.sh) limit='' left=$(get answer)
    test -n "$by" && test -n "$asked" || return 1
    shift
    # What answers there may be deaf to all but its container's removal, and then its client ends by itself.
    ! command -v timeout >/dev/null 2>&1 || limit="timeout -s KILL $((left + 10))"
    (while test "$left" -gt 0; do left=$((left - 1)); sleep 1; done; line quit-asking) >/dev/null 2>&1 & ending=$!
    (eval "$limit $by -c \"\$asked\" sh \"\$(get root)\" \"\$@\"")
    asked=$?
    # Where the registry is brought back TERM is ignored, by what is begun there as well.
    { kill -KILL "$ending"; wait "$ending"; } 2>/dev/null
    return "$asked"
}

# No more of it than it can be: what answers without an end would fill the host's memory.
measured() {
    ask shell measure 2>/dev/null </dev/null | head -c 100
}

# The storage's blobs and bytes, as "used BEFORE|AFTER BLOBS BYTES"; nothing where nobody can tell.
used() {
    # Twice: right after its daemon was started, a runtime may fail to run anything.
    told=$(measured)
    test -n "$told" || { nap && told=$(measured); }
    # What answers may be a shell of the registry's own: nothing else becomes a line of ours.
    case $told in '' | *[!0-9\ ]*) ;; *) say "used $1 $told" ;; esac
}

# Lines of the storage's that say what was removed, after $1; of no others, for the same reason.
removed() {
    head -c 1048576 | while read -r told; do
        case $told in
            *[!A-Za-z0-9._/\ -]*) ;;
            'removed '*) say "$1$told" ;;
        esac
    done
}

# Several times: right after a stop, a runtime may still be cleaning up.
try_to() {
    for pause in 1 2 3 5 8 0; do
        line "$1" 2>&1 && return 0
        sleep "$pause"
    done
    return 1
}

# As `try_to`, but the registry is down meanwhile: less often, and not where somebody wants it back, nor where redis took
# its time to say nothing.
forget() {
    since=$(date +%s)
    for pause in 1 3 0; do
        line forget 2>&1 && return 0
        test ! -e stop-asked && test $(($(date +%s) - since)) -lt 10 || return 1
        sleep "$pause"
    done
    return 1
}

# Whether process $1 runs. Dead, but its parent hasn't heard, it doesn't: as in a container whose first process is deaf.
runs() {
    test -n "$1" || return 1
    if test -d /proc/self; then test -d "/proc/$1"; else kill -0 "$1" 2>/dev/null; fi || return 1
    ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# Since when process $1 runs, and since which start of the host: a pid alone may be anybody's by now.
born() {
    echo "$(sed -n 's/^.*) //p' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20)" "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
}

# Whether what file $1 names is still what wrote it: by its pid, and by its birth beside that.
lives() {
    runs "$(get "$1")" && test "$(born "$(get "$1")")" = "$(get "$1-born")"
}

# This process, as `lives` knows it; also in the lock, for all who find that.
sign() {
    for place in . "$lock"; do
        test -d "$place" || continue
        born $$ > "$place/$1-born"
        echo $$ > "$place/$1"
    done
}

# The pid of what was started as the collector, while it is that.
client() {
    read -r pid since < collecting || return 0
    test "$since" != "$(born "$pid")" || echo "$pid"
} 2>/dev/null

# Whether process $1 sees the same processes and files as this script. In a container, where root may be the host's, one can
# have whatever words it likes. Where nobody may look, the depth of its number tells.
is_beside_us() {
    for namespace in pid mnt; do
        theirs=$(eval "$(get readlink) /proc/$1/ns/$namespace" 2>/dev/null)
        test -z "$theirs" || test "$theirs" = "$(readlink "/proc/self/ns/$namespace")" || return 1
    done
    test "$(depth "$1")" = "$(depth self)"
}

depth() {
    sed -n 's/^NSpid://p' "/proc/$1/status" 2>/dev/null | wc -w
}

# The pids of the collector's own processes on this host, where it is one of its own. By its words, that everybody can
# have, whose it is, and that it runs in no container.
processes() {
    has process || return 0
    for file in /proc/[0-9]*/cmdline; do
        # Not grep: busybox's looks no further than the first word. A shell reads them in one, without what parts them.
        words= && { read -r words < "$file"; } 2>/dev/null
        case $words in *garbage-collect*) ;; *) continue ;; esac
        test "$({ tr '\0' ' ' < "$file"; } 2>/dev/null)" = "$(get process) " || continue
        file=${file%/cmdline}
        test -n "$(find "$file" -prune -user "$(get user)" 2>/dev/null)" || continue
        ! is_beside_us "${file#/proc/}" || echo "${file#/proc/}"
    done
}

is_gone() {
    ! runs "$(client)" && test -z "$(processes)" || return 1
    if test "$ours" = yes; then
        line gone >/dev/null 2>&1
    else
        # Inside the registry's container it outlives whoever called it.
        test -z "$(ask shell-now collecting "$(get config)" 2>/dev/null </dev/null | head -c 100)"
    fi
}

signal_collector() {
    for pid in $(client) $(processes); do
        (eval "$(get kill) -$1 $pid") 2>/dev/null
    done
}

# While the registry is down, a stand-in that can't write answers pulls. Nothing to do is done well.
serve_pulls() {
    has serve || return 0
    try_to serve >&2 || return 1
    # What is wrong with it ends it at once.
    for _ in 1 2 3 4 5; do
        nap
        line serves >/dev/null 2>&1 || { line serve-log 2>&1 | head -c 65536 >&2; return 1; }
    done
    say serving
}

# Whether pushes are refused, and whether nothing answers at its address while the registry is stopped, only those can see
# who reach it as clients do: they leave a word here. $1 is the word that it waits for; $2 says the contrary, and $3 that
# even they can't see it.
is_told() {
    left=$(($(get patience) * 5))
    until test -e "$1"; do
        test "$left" -gt 0 && test ! -e "$2" && test ! -e "${3:-$2}" && test ! -e stop-asked || return 1
        if sleep 0.2 2>/dev/null; then left=$((left - 1)); else sleep 1; left=$((left - 5)); fi
    done
}

refuses_pushes() {
    say asks
    is_told refuses-pushes takes-pushes
}

# What answers now is another one, on whatever storage: it would take pushes into the sweep. Before anything stands in.
must_be_silent() {
    test "$(get silence)" = yes || return 0
    say asks silence
    is_told is-silent still-answers is-unknown && return 0
    test ! -e stop-asked || return 0
    test ! -e still-answers || failed "$(get name) was stopped, and a registry answers at its address: another one serves it," \
        "and would take pushes into the sweep. Nothing was swept. Say which one it is, or stop it as well."
    test ! -e is-unknown || failed "$(get name) was stopped, and something at its address takes connections and doesn't answer in time:" \
        "it can't be seen that no other registry serves it. Nothing was swept. See what it is, a proxy or a balancer."
    failed "It can't be seen that nothing answers at the address of $(get name) while that is stopped: nothing was swept."
}

# A collector that is still at work must not sweep what somebody pushes: it is ended, or waited for, and seen gone.
end_collector() {
    if test "$ours" != yes; then
        until is_gone; do sleep 1; done
        return 0
    fi
    is_gone && return 0
    for number in TERM TERM TERM TERM KILL KILL KILL; do
        # First the client, that could still be about to begin one.
        signal_collector "$number"
        line quit >/dev/null 2>&1
        for _ in 1 2 3 4 5; do
            is_gone && return 0
            nap
        done
    done
    return 1
}

# Whether what has the registry's name is another one by now: that isn't ours to stop or to start.
is_another() {
    has is-another && line is-another >/dev/null 2>&1
}

bring_up() {
    if is_another; then
        say "failed $(get name) is another one by now than the one that was collected: neither was started."
    else
        try_to start >&2 || { say "failed The registry could not be $1."; return 1; }
    fi
}

# It forgets what it believes to have. Another one in its place knows nothing of that.
restart() {
    is_another || try_to stop >&2 || { say "failed The registry could not be stopped to be restarted."; return 1; }
    bring_up restarted
}

# What takes the registry's place takes pushes, too, and isn't ours to stop: the collector is, so that less is lost.
give_way() {
    if test "$keep_out" = stop && test ! -e replaced && is_another; then
        : > replaced
        say "failed $(get name) was replaced by another one while it was collected: that was left alone, and the collector" \
            "ended. Push anew what was pushed to it meanwhile."
        signal_collector TERM
        line quit >/dev/null 2>&1
    fi
}

# What started the registry meanwhile doesn't know of the collector: a daemon that was restarted, or a person.
keep_down() {
    if test "$keep_out" = stop && has any-runs && line any-runs >/dev/null 2>&1; then
        say "failed Something started the registry while it was collected; it was stopped again. Push anew what was pushed then."
        line stop >&2
    fi
}

# For as long as it can't be ended, the registry stays down: better than pushes that lose their layers unnoticed.
insist() {
    is_gone && return 0
    # A daemon that comes up may start the registry before it is asked to end the collector.
    end_collector && keep_down && return 0
    say "failed The collector can't be ended: the registry isn't started beside it. It is tried again every ten seconds."
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        sleep 10
        end_collector && keep_down && return 0
    done
    return 1
}

# Nothing is known of a collector that says nothing and takes nothing for long: it may wait for ever, while the registry is
# down. Called every two seconds, or later; the storage is asked only once it was silent for all that time.
end_idle() {
    printed=$(ls -ln log errors 2>/dev/null | awk '{ sum += $5 } END { print sum }')
    quiet=$((quiet + 2))
    test "$printed" = "$seen" || quiet=0
    seen=$printed
    test "$quiet" -ge "$(get idle)" || return 0
    quiet=0 held=$told told=$(measured)
    test "$told" = "$held" || return 0
    if test "$ours" = yes; then
        say "idle $(get idle)"
        end_collector
    elif test ! -e idle-told; then
        : > idle-told
        say "failed The collector has printed nothing and changed nothing for $(($(get idle) / 60)) minutes, and it isn't" \
            "ours to end: on the host, end it, or restart the registry."
    fi
}

# What a container writes to both outputs is cut into pieces that don't end with lines: in one file, a digest of the one
# would stand within a line of the other.
# And in one pipe they would be bounded together: an endless log would take the last words of its failure along.
take_output() {
    take out log & taking=$!
    take err errors & taking="$taking $!"
}

# Writes what comes by pipe $1 into file $2, as much as that may hold, and then the last of it: what is printed without
# an end would fill the host's disk. Where that is full, there is the reserve for the last of it, and for our own lines.
# Nobody has to wait to print it.
take() {
    {
        (ulimit -c 0; ulimit -f "$room"; exec cat) >> "$2" 2>/dev/null && exit 0
        if test $? -gt 128; then : > cut-off; else rm -f reserve && : > no-room; fi
        { echo && tail -c 65536 | sed 1d; } >> "$2"
    } < "$1"
}

# In blocks of 512 bytes: of what is free half, within what is enough for any registry.
room() {
    most=$(get most) least=16777216
    test "$most" -gt "$least" || least=$most
    free=$(df -Pk . 2>/dev/null | awk 'NR == 2 { printf "%.0f", $4 * 512 }')
    : "${free:=$least}"
    test "$free" -lt "$most" || free=$most
    test "$free" -gt "$least" || free=$least
    echo $((free / 512))
}

tell_cut() {
    if test -e cut-off && test ! -e cut-told; then
        : > cut-told
        say "failed The collector prints more than its log may hold on the host: all but its begin and its end is left out."
    fi
    if test -e no-room && test ! -e no-room-told; then
        : > no-room-told
        say "failed The disk with the collection's log on the host is full: of what the collector printed all but its begin" \
            "and its end is left out. Make room in $(pwd)."
    fi
}

# All that was printed stands in the log, unless something that the collector left behind holds its pipes open.
outputs_taken() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
        open=
        for pid in $taking; do ! kill -0 "$pid" 2>/dev/null || open=yes; done
        test -n "$open" || return 0
        nap
    done
    for pid in $taking; do kill "$pid" 2>/dev/null; done
}

# It needs no more room than it gives back.
pass_on_errors() {
    cat errors 2>/dev/null
    rm -f errors
}

bring_back() {
    trap '' HUP INT TERM PIPE
    trap - EXIT
    rm -f reserve
    pass_on_errors
    say stage bring-back started
    line quit-asking >/dev/null 2>&1
    late=no
    ! was_cut || late=yes
    if insist; then
        let_in
        test "$was_killed" = no || see_it_stays
    else
        say down
    fi
    test "$late" = no || remove_late
    say stage bring-back 'done'
    say end
    : > ended
    test "$(cat "$lock/mark" 2>/dev/null)" != "$mark" || rm -rf "$lock"
}

# Whether a client of the runtime's may have ended while the runtime was still making what it had asked for.
was_cut() {
    test "$ours" = yes || return 1
    if test -n "${code:-}"; then test "$code" != 0; else test -e collecting || has serve; fi
}

# That appears late, and nobody starts it any more: it would lie beside the registry for good.
remove_late() {
    for _ in 1 2 3 4 5; do
        is_gone || { end_collector; return; }
        nap
    done
}

let_in() {
    rm -f collecting
    line tidy >/dev/null 2>&1
    test "$untouched" = no || return 0
    # Who pulled meanwhile may have brought back what was swept.
    ! has forget || test -e unswept || line forget >&2 ||
        say "failed $(get redis-left)"
    rm -f redis-request
    test "$keep_out" != stop || bring_up "started again"
    line release >/dev/null 2>&1
    # Before pushes are let in: those would lose what it still believes to have.
    if test "$(get restart)" = yes && ! restart; then
        case $keep_out in
            read-only) say "failed It is left read-only: restart it, and only then make it writable again." ;;
            *) say "failed Until it is restarted, pushes may lose layers." ;;
        esac
    elif test "$keep_out" = read-only; then
        try_to read-write >&2 || say "failed The registry could not be made writable again."
    fi
    for pause in 0 1 1 2 3 5; do
        sleep "$pause"
        if line check >/dev/null 2>&1; then
            say up
            return 0
        fi
        ! is_another || break
    done
    say down
}

# What the script had begun outlives it when it is killed: a stop on its way would come after the start. Its group is
# its own, as it was started; sudo passes on a TERM, and can't a KILL.
end_what_it_began() {
    # No other process has this pid before all of the group have ended.
    ! runs "$1" || lives pid || return 0
    for number in TERM KILL; do
        (eval "$(get kill) -$number -- -$1") >/dev/null 2>&1
        nap
    done
}

# A runtime that was asked to stop the registry does it even where nobody waits for that any more.
see_it_stays() {
    test "$keep_out" = stop || return 0
    left=$(get watch)
    while test "$left" -gt 0 && ! is_another; do
        left=$((left - 1))
        sleep 1
        line check >/dev/null 2>&1 && continue
        bring_up "started again"
        if line check >/dev/null 2>&1; then say up; else say down; fi
    done
}

begin_guard() {
    if command -v setsid >/dev/null 2>&1; then
        setsid sh run.sh guard >> log 2>&1 </dev/null &
    else
        nohup sh run.sh guard >> log 2>&1 </dev/null &
    fi
}

# Should the script itself be killed: nobody else would start the registry again.
if test "$1" = guard; then
    trap '' HUP INT TERM PIPE
    sign guard
    while lives pid; do
        sleep 1
        # Another one was begun, for this one seemed to be gone.
        test "$(get guard)" = $$ || exit 0
    done
    test ! -e ended || exit 0
    say "failed The collection was killed on the host."
    was_killed=yes
    end_what_it_began "$(get pid)"
    bring_back
    exit 0
fi

sign pid
ended_by() {
    say "failed The collection was ended on the host, by signal $1."
    exit 130
}
trap bring_back EXIT
trap 'ended_by HUP' HUP
trap 'ended_by INT' INT
trap 'ended_by TERM' TERM
# Whoever reads along may go away; the log is a file.
trap '' PIPE
begin_guard

if test "$1" = bring-back; then
    if test -s log; then
        say "failed The collection was killed on the host, and what watched over it, too."
        was_killed=yes
    fi
    exit 0
fi

: > unswept
say stage keep-out started
if test "$ours" = yes; then
    # What an earlier run left behind.
    end_collector || failed "A collector that was begun before still runs, and can't be ended."
fi
# As long as nothing was done, there is nothing to be brought back either.
if has is-still && ! line is-still 2>&1; then
    untouched=yes
    ! is_another || failed "$(get name) is another one by now than the one that was looked at. Nothing was stopped. Try again."
    failed "$(get name) can't be shown to be the one that was looked at. Nothing was stopped. Try again."
fi
line prepare 2>&1 || failed "The registry's settings could not be read."
rm -f out err && mkfifo out err || failed "No pipes can be made in $(pwd). Nothing was stopped."
line make-stand-in >&2 || failed "What is to serve pulls meanwhile could not be made: nothing was stopped."
line hold >/dev/null 2>&1
case $keep_out in
    stop)
        line stop >&2 || failed "The registry could not be stopped."
        must_be_silent
        test -e stop-asked || serve_pulls || failed "What is to serve pulls meanwhile could not be started: nothing was swept."
        ;;
    read-only)
        line read-only >&2 || failed "The registry could not be made read-only."
        refuses_pushes || test -e stop-asked || failed "The registry can't be seen to refuse pushes: nothing was swept."
        ;;
esac
say stage keep-out 'done'
test ! -e stop-asked || { say stopped; exit 130; }

# What the registry believes to have is forgotten before anything goes; where that can't be done, nothing does.
if has forget; then
    forget >&2 || failed "What the registry keeps of its blobs in redis can't be cleared: nothing was swept."
fi

used before
say stage collect started
room=$(room)
take_output
rm -f unswept
eval "$(get collector)" > out 2> err & collecting=$!
echo "$collecting $(born "$collecting")" > collecting
stopped=no looks=0 quiet=0 seen=
while kill -0 "$collecting" 2>/dev/null; do
    # Until something is eligible nothing was deleted, and it can be ended; from then on it is let finish.
    if test -e stop-asked && test "$stopped" = no && test "$ours" = yes && ! grep -q 'eligible for deletion' log; then
        signal_collector TERM
        line quit >/dev/null 2>&1
        stopped=yes
        say stopped
    fi
    looks=$((looks + 1))
    if test "$looks" -ge 10; then
        looks=0
        lives guard || begin_guard
        # A daemon that was restarted, or a person, may start it beside the collector.
        ! kill -0 "$collecting" 2>/dev/null || { keep_down; give_way; end_idle; }
        if has serve && test "$stopped" = no && test ! -e unserved && ! line serves >/dev/null 2>&1; then
            : > unserved
            say "failed What served pulls has ended: they failed until the registry was back."
        fi
    fi
    tell_cut
    nap
done
wait "$collecting"
code=$?
outputs_taken
tell_cut
pass_on_errors
# Its runtime's client may have ended without it: what is measured then would change still.
test "$code" = 0 || test "$ours" != yes || insist
# Who started the registry since the last look, or ended the collector before we did, doesn't go unnoticed.
test "$ours" != yes || { keep_down; give_way; }
rm -f collecting
# 2.x doesn't end the line of its failure.
echo
say "exit $code"
used after
if test "$code" = 0 && test "$stopped" = no; then
    ask shell remove_empty "$(get removal)" < empty 2>/dev/null | removed ''
    ask shell remove_uploads "$(get upload-minutes)" < uploads 2>/dev/null | removed upload-
fi
say stage collect 'done'
exit 0
# end
